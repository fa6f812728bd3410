"""Two versions of everlog on one schema: an upgrade that stops nobody, and loses nothing."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from everlog_server.storage import migrations
from tests.faults.acknowledged import Told, writing
from tests.servers import Server, read_log, serving, stub_for

ROOT = Path(__file__).parents[2]
_WHAT_SERVES = ("service", "clients/python", "migrations")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


class OtherVersion(Server):
    """A server of other code than this, with this environment's packages."""

    def __init__(self, code: Path, database_url: str, folder: Path, *flags: str) -> None:
        environment = {
            "PYTHONPATH": f"{code / 'service'}:{code / 'clients' / 'python'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        super().__init__(database_url, folder, *flags, environment=environment)


def _git(*words: str | Path) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout


def an_older_version(folder: Path) -> Path:
    """Older code that goes on with this schema: one of fewer migrations, if there is any.

    Else the oldest that has the same ones. Versions before the first release do not count whose
    migrations were still edited.
    """
    ours = migrations.available()
    same = ""
    try:
        commits = _git("log", "--format=%H", "--", *_WHAT_SERVES).decode().split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no history here")
    for commit in commits:
        try:
            listed = _git("ls-tree", "--name-only", f"{commit}:migrations").decode().split()
            texts = [_git("show", f"{commit}:migrations/{name}") for name in sorted(listed)]
        except subprocess.CalledProcessError:
            break  # the history ends here, or there was nothing yet
        if [each.text for each in ours[: len(texts)]] != texts:
            break
        if len(texts) == len(ours):
            same = commit
        elif all(each.serves_from <= len(texts) for each in ours[len(texts) :]):
            return _unpacked(commit, folder)
        else:
            break
    if not same or same == _git("rev-parse", "HEAD").decode().strip():
        pytest.skip("the history has no older version that goes on with this schema")
    return _unpacked(same, folder)


def the_version_before(folder: Path) -> Path:
    """The newest code that can't serve this schema, which is its own with migrations added."""
    serves_from = max(each.serves_from for each in migrations.available())
    ours = [_git("hash-object", path).strip() for path in sorted((ROOT / "migrations").iterdir())]
    try:
        commits = _git("log", "--format=%H", "--", "migrations").decode().split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no history here")
    for commit in commits:
        listed = _git("ls-tree", "--format=%(objectname)", f"{commit}:migrations").split()
        if listed == ours[: len(listed)] and len(listed) < serves_from:
            return _unpacked(commit, folder)
    pytest.skip("the history has no version that has to stop first")


def _unpacked(commit: str, folder: Path) -> Path:
    archive = _git("archive", commit, *_WHAT_SERVES)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def with_another_migration(folder: Path, text: str) -> Path:
    """This code, and one migration more: the version after this one."""
    for part in _WHAT_SERVES:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    number = len(migrations.available()) + 1
    (folder / "migrations" / f"{number:04}_expanded.sql").write_text(text)
    return folder


async def _upgrade(old: Server, new: Server) -> None:
    """Writers on both; the old one is stopped while they write."""
    await old.start()
    async with stub_for(old.address) as by_old, writing(by_old, 3) as told_by_old:
        await told_by_old.reach(100)
        await new.start()
        async with stub_for(new.address) as by_new, writing(by_new, 3) as told_by_new:
            await told_by_new.reach(100)
            # Both at once, on one log, and each reads what the other has written.
            await told_by_old.reach(len(told_by_old.receipts) + 100)
            head = max(told_by_old.receipts.values())
            assert {event.position for event in await read_log(by_new)} >= set(range(1, head + 1))
            stopping = asyncio.create_task(old.stop())
            await told_by_old.reach_reason("SERVER_DRAINING", "CONNECTION_LOST")
            assert await stopping == 0
            told_by_old.stop.set()
            await told_by_new.reach(len(told_by_new.receipts) + 100)
            told_by_new.stop.set()
        async with stub_for(new.address) as stub:
            log = await read_log(stub)
    told = Told({f"old {mark}": answer for mark, answer in told_by_old.answers.items()})
    told.answers |= {f"new {mark}": answer for mark, answer in told_by_new.answers.items()}
    positions = list(told.receipts.values())
    assert len(set(positions)) == len(positions), "one position, acknowledged twice"
    unknown = told.with_reasons({"COMMIT_UNKNOWN", "CONNECTION_LOST"})
    assert set(positions) <= {event.position for event in log}
    assert len(positions) <= len(log) <= len(positions) + len(unknown)
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    for server in (old, new):
        assert "Traceback" not in server.log


async def test_an_older_version_serves_on_while_this_one_takes_over(
    empty_database_url: str, tmp_path: Path
) -> None:
    code = an_older_version(tmp_path / "old")
    old = OtherVersion(code, empty_database_url, tmp_path)
    new = Server(empty_database_url, tmp_path)
    try:
        await _upgrade(old, new)
    finally:
        await old.close()
        await new.close()
    migrations.check(empty_database_url)


async def test_an_upgrade_with_a_pause_keeps_the_log(
    empty_database_url: str, tmp_path: Path
) -> None:
    """From a schema whose servers have to stop first, as 0007 wants it."""
    code = the_version_before(tmp_path / "old")
    old = OtherVersion(code, empty_database_url, tmp_path)
    new = Server(empty_database_url, tmp_path)
    try:
        await old.start()
        async with stub_for(old.address) as stub:
            async with writing(stub, 3) as told:
                await told.reach(100)
            before = await read_log(stub)
        assert await old.stop() == 0
        assert migrations.migrate(empty_database_url)
        await new.start()
        async with stub_for(new.address) as stub:
            assert await read_log(stub) == before
            async with writing(stub, 3) as told:
                await told.reach(100)
            log = await read_log(stub)
        assert log[: len(before)] == before
        assert [event.position for event in log] == list(range(1, len(log) + 1))
        assert await new.stop() == 0
        with pytest.raises(AssertionError, match="does not know"):
            await old.start()
    finally:
        await old.close()
        await new.close()


async def test_this_version_serves_on_and_starts_again_on_a_schema_that_was_only_added_to(
    empty_database_url: str, tmp_path: Path
) -> None:
    last = migrations.available()[-1].version
    code = with_another_migration(
        tmp_path / "next",
        f"-- More room.\n-- serves-from: {last:04}\n"
        "ALTER TABLE everlog.tenants ADD COLUMN more text;\n"
        "CREATE TABLE everlog.more (tenant_id integer PRIMARY KEY);\n",
    )
    old = Server(empty_database_url, tmp_path)
    new = OtherVersion(code, empty_database_url, tmp_path)
    try:
        await _upgrade(old, new)
        # A crash, or a node that goes, in the midst of an upgrade: the old one comes back.
        await old.start()
        async with stub_for(old.address) as stub, writing(stub, 1) as told:
            await told.reach(10)
        await new.stop()
    finally:
        await old.close()
        await new.close()


async def test_this_version_does_not_start_on_a_schema_that_it_can_not_serve(
    empty_database_url: str, tmp_path: Path
) -> None:
    code = with_another_migration(tmp_path / "next", "CREATE TABLE everlog.other ();\n")
    new = OtherVersion(code, empty_database_url, tmp_path)
    await new.start()
    await new.close()
    with pytest.raises(AssertionError, match="does not know"):
        async with serving(empty_database_url, tmp_path):
            pass
