"""The commands of the guide, as a reader types them one after the other into a shell."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import everlog
from tests.clients.test_cli_commands import run

if TYPE_CHECKING:
    from tests.servers import SharedServer

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANSWERS = {"tenants.md": "acme-eu\n"}
"""What is typed when a command asks."""


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("aggregates.md", '{"status":"solved","customer":{"name":"Ann"},"hours":1.5}'),
        ("catalogues.md", "everlog: 20 event types, 6 aggregate types"),
        ("entities.md", "everlog: withdrawn; the index is made anew"),
        ("tenants.md", "everlog: dropped acme-eu and its 1 event"),
    ],
)
async def test_the_first_commands_of_a_page_do_what_they_are_shown_for(
    shared_server: SharedServer, tmp_path: Path, page: str, says: str
) -> None:
    block = _BLOCK.search((DOCS / page).read_text(encoding="utf-8"))
    assert block is not None
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    async with everlog.connect(shared_server.url) as client:
        await client.create_tenant(tenant)
    # Who has followed the README has this catalogue, and what it says of types is enforced.
    code, _, error = await run(
        *("types", "import", "commerce", "--url", shared_server.url, "--tenant", tenant)
    )
    assert code == 0, error
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", block[1]),
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "EVERLOG_URL": shared_server.url, "EVERLOG_TENANT": tenant},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(shell.communicate(_ANSWERS.get(page, "").encode()), timeout=120)
    assert shell.returncode == 0, out.decode()
    assert says in out.decode()
