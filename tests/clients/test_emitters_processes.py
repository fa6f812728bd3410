"""Emitters at the edges of a process: its end, forks and signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import everlog
from everlog.emitters import EventWriter, world_events
from tests.servers import serving


@pytest_asyncio.fixture
async def address(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    async with serving(database_url, tmp_path) as server:
        yield server.address


async def python(script: str, address: str) -> tuple[int | None, str, str]:
    """Run a script; its exit code, and what it said on both ways."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", script, address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    async with asyncio.timeout(60):
        said, complaints = await process.communicate()
    return process.returncode, said.decode(), complaints.decode()


async def stored(address: str, world: str) -> list[Any]:
    async with everlog.connect(address) as client:
        return [event.data async for event in world_events(client, world=world)]


BEGIN = """
import everlog, os, sys
from everlog.emitters import persist_events
from pyee import EventEmitter
client = everlog.connect_sync(sys.argv[1])
emitter = EventEmitter()
"""


async def test_the_interpreter_ends_when_everything_is_stored(address: str) -> None:
    script = f"""{BEGIN}
persist_events(emitter, client, world="w")
for n in range(2_000):
    emitter.emit("system", n)
"""
    assert await python(script, address) == (0, "", "")
    assert await stored(address, "w") == list(range(2_000))


async def test_a_loop_that_ends_before_everything_is_stored_says_so(address: str) -> None:
    script = """
import asyncio, everlog, sys
from everlog.emitters import persist_events
from pyee import EventEmitter
emitter = EventEmitter()
async def main():
    client = await everlog.connect("127.0.0.1:9").__aenter__()  # and nobody closes it
    persist_events(emitter, client, world="w")
    emitter.emit("system", "lost")
    await asyncio.sleep(0.1)
asyncio.run(main())
emitter.emit("system", "lost, too")
"""
    code, said, complaints = await python(script, address)
    assert (code, said) == (0, "")
    assert "world w: 1 events (" in complaints
    assert "they are sent no longer" in complaints


async def test_after_a_fork_the_child_has_none_of_its_parents_events(address: str) -> None:
    script = f"""{BEGIN}
import threading
from everlog.emitters import attaching, naming
attachment = persist_events(emitter, client, world="w")
emitter.emit("system", "before")
attachment.flush_blocking()
def hold():
    with attachment._waiting._lock, naming._counting, attaching._attaching:
        held.set()
        released.wait()
held, released = threading.Event(), threading.Event()
threading.Thread(target=hold).start()  # which the child does not have
held.wait()
child = os.fork()
if child == 0:
    emitter.emit("system", {{"content": "of the child", "messageId": "m"}})
    print(attachment.stats.buffered, attachment.flush_blocking(1), flush=True)
    attachment.detach()
    os._exit(7)
_, status = os.waitpid(child, 0)
released.set()
emitter.emit("system", "of the parent")
print(os.waitstatus_to_exitcode(status), attachment.close_blocking().stats.stored)
"""
    code, said, complaints = await python(script, address)
    assert (code, said) == (0, "1 False\n7 2\n"), complaints
    assert "this client was used before a fork: connect again in the child" in complaints
    assert await stored(address, "w") == ["before", "of the parent"]


async def test_what_was_attached_before_a_fork_and_not_used_works_in_the_child(
    address: str,
) -> None:
    script = f"""{BEGIN}
attachment = persist_events(emitter, client, world="w")
child = os.fork()
if child == 0:
    emitter.emit("system", "of the child")
    attachment.close_blocking()
    client.close()
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""
    assert await python(script, address) == (0, "0\n", "")
    assert await stored(address, "w") == ["of the child"]


def test_a_signal_handler_may_offer_whatever_it_interrupts() -> None:
    """It runs in the thread that may hold the writer's lock at this moment."""
    writer = EventWriter(everlog.connect("127.0.0.1:9"), buffer_events_max=1_000_000)
    offered: list[bool] = []  # a handler may be interrupted by the next one, too

    def offer(*_signal: object) -> None:
        offered.append(writer.offer(everlog.Event("a.b", source="s", json="1")))

    before = signal.signal(signal.SIGALRM, offer)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        of_program = sum(
            writer.offer(everlog.Event("a.b", source="s", json="1")) for _ in range(20_000)
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert of_program == 20_000
    assert offered
    assert all(offered)
    assert writer.stats.buffered == of_program + len(offered)


@pytest.mark.parametrize("raises", [False, True])
def test_a_logger_that_fails_or_emits_itself_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    writer = EventWriter(everlog.connect("127.0.0.1:9"), buffer_events_max=1)
    event = everlog.Event("a.b", source="s", json="1")

    def warning(*_args: object) -> None:
        if raises:
            raise LookupError("no log")
        writer.offer(event)

    monkeypatch.setattr("everlog.emitters.complaints.LOGGER.warning", warning)
    for _ in range(3):
        writer.offer(event)
    assert writer.stats.buffered == 1
    assert writer.stats.dropped == (2 if raises else 4)
