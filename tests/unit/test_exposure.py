"""What the doctor says of identity and TLS."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from everlog_server import settings
from everlog_server.doctor.exposure import examine_exposure
from everlog_server.doctor.findings import Severity
from everlog_server.settings import SettingsError
from tests.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path


def found(**flags: Any) -> dict[str, Severity]:
    loaded = settings.load(
        {name.replace("__", "."): v for name, v in flags.items()}, environment={}
    )
    return {finding.check: finding.severity for finding in examine_exposure(loaded)}


def test_a_server_that_is_open_beyond_loopback_is_a_problem() -> None:
    assert found() == {"identity": Severity.FINE, "tls": Severity.FINE}
    beyond = found(server__host="0.0.0.0", server__insecure=True)  # noqa: S104  it is what is told
    assert beyond == {"identity": Severity.PROBLEM, "tls": Severity.WARNING}
    required = found(server__host="::", identity__mode="required")
    assert required == {"identity": Severity.FINE, "tls": Severity.WARNING}


@pytest.mark.parametrize(
    ("days", "severity"),
    [(31, Severity.FINE), (29, Severity.WARNING), (-1, Severity.PROBLEM)],
)
def test_a_certificate_that_ends_soon_is_found(
    tmp_path: Path, days: int, severity: Severity
) -> None:
    pair = Authority().sign(lasts=timedelta(days=days, hours=1))
    certificate, key = map(str, pair.write(tmp_path, "server"))
    assert found(server__tls_certificate=certificate, server__tls_key=key)["tls"] is severity


def test_a_key_of_another_certificate_is_found(tmp_path: Path) -> None:
    authority = Authority()
    certificate, _ = authority.sign().write(tmp_path, "one")
    _, key = authority.sign().write(tmp_path, "other")
    flags = {"server__tls_certificate": str(certificate), "server__tls_key": str(key)}
    assert found(**flags)["tls"] is Severity.PROBLEM


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"server.tls_key": "k"}, "tls_certificate and server.tls_key go together"),
        ({"server.tls_client_ca": "c"}, "server.tls_client_ca needs server.tls_certificate"),
        ({"identity.jwt_keys_file": "k"}, "identity.mode is open"),
        (
            {"identity.mode": "required", "identity.jwt_keys_file": "k"},
            "identity.jwt_issuer must be given",
        ),
        (
            {"identity.mode": "required", "identity.jwt_keys_url": "http://issuer.test/k"},
            "http is for loopback only",
        ),
        (
            {"identity.mode": "required", "identity.jwt_keys_url": "file:///etc/k"},
            "must be https",
        ),
        (
            {"identity.mode": "required", "identity.tls_grants_file": "g"},
            "needs server.tls_client_ca",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(flags: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings.load(flags, environment={})
