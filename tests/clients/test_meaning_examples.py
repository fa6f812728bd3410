"""The examples of meaning print what their README says, once and again."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import everlog
from tests.servers import serving

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "meaning"
EXAMPLES = {
    "stripe_workflow": (sys.executable, "-m", "examples.meaning.stripe_workflow"),
    "supervisor_life": (str(FOLDER / "supervisor_life.sh"),),
    "price_history": (sys.executable, "-m", "examples.meaning.price_history"),
}
# What differs from server to server, with what stands for it. Ids that the server makes are UUIDv7;
# times of recording are written with milliseconds, the examples' own are not.
NORMALISED = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z", "<recorded>"),
    (r"(?m)^ *\d+  <recorded>", "<position>  <recorded>"),
    (r"in \d+\.\d ms", "in <duration>"),
    (r"What came of it, [\w ]+ later", "What came of it, <duration> later"),
)


def normalised(text: str) -> str:
    for pattern, stands_for in NORMALISED:
        text = re.sub(pattern, stands_for, text)
    return text.strip("\n")


def told(name: str) -> str:
    """The output that the README has for an example."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"(?ms)^## {name}$.*?^```text\n(.*?)\n```$", readme)
    assert block is not None, name
    return normalised(block[1])


async def printed(name: str, url: str) -> str:
    """What an example prints; it must end well, without a word on stderr."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = await asyncio.create_subprocess_exec(
        *EXAMPLES[name],
        cwd=ROOT,
        env={**os.environ, "EVERLOG_URL": url, "PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), timeout=120)
    assert (process.returncode, err.decode()) == (0, ""), out.decode()
    return normalised(out.decode())


async def test_each_prints_what_its_readme_says_and_a_second_run_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(server.address) as client,
    ):
        url = f"everlog://{server.address}"
        for name in EXAMPLES:
            assert await printed(name, url) == told(name)
        stored = await client.head()
        assert stored.position > 20
        assert await client.catalog_policy() == "open"
        await client.set_catalog_policy("strict")
        for name in EXAMPLES:
            assert await printed(name, url) == told(name)
        assert (await client.head()).position == stored.position
        assert await client.catalog_policy() == "strict"
