"""The synchronous client, on a real server: the same client, for threads."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog.portal import Bridge, Portal
from everlog_server.storage.embedded import EmbeddedPostgres
from tests.conftest import with_database
from tests.servers import serving

_NOT_FOR_THREADS = {
    "channel": "an asynchronous channel is of no use to a thread",
    "before_close": "what it is given is awaited in the client's own loop",
}
_FOR_THREADS_ONLY = {"settings", "call", "iterate"}

_names = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE sync TEMPLATE {template_database}".encode())
    folder = tmp_path_factory.mktemp("sync")
    async with serving(with_database(postgres.dsn, "sync"), folder) as server:
        yield f"everlog://{server.address}"


@pytest.fixture
def client(url: str) -> Iterator[everlog.SyncClient]:
    with everlog.connect_sync(url) as client:
        yield client


@pytest.fixture
def aggregate() -> tuple[str, str]:
    """An aggregate that no other test writes."""
    return ("sync", str(next(_names)))


def note(aggregate: tuple[str, str], number: int = 0) -> everlog.Event:
    return everlog.Event("note.written", aggregate=aggregate, data=number)


def notes(aggregate: tuple[str, str], number: int) -> list[everlog.Event]:
    return [note(aggregate, n) for n in range(number)]


# --- It has all that the asynchronous one has -----------------------------------------------------


def public(kind: type) -> dict[str, object]:
    return {
        name: member for name, member in inspect.getmembers_static(kind) if not name.startswith("_")
    }


def test_every_method_of_the_client_is_there_with_the_same_parameters() -> None:
    theirs, ours = public(everlog.Client), public(everlog.SyncClient)
    assert theirs.keys() - _NOT_FOR_THREADS.keys() == ours.keys() - _FOR_THREADS_ONLY
    for name in theirs.keys() & ours.keys():
        if isinstance(theirs[name], property):
            continue
        wanted = inspect.signature(theirs[name])  # type: ignore[arg-type]
        given = inspect.signature(ours[name])  # type: ignore[arg-type]
        assert [(p.name, p.kind, p.default) for p in wanted.parameters.values()] == [
            (p.name, p.kind, p.default) for p in given.parameters.values()
        ], name


@pytest.mark.parametrize(
    ("theirs", "ours", "renamed"),
    [
        (everlog.Query, everlog.SyncQuery, {}),
        (everlog.Subscription, everlog.SyncSubscription, {"aclose": "close"}),
    ],
)
def test_what_its_methods_give_has_all_that_the_asynchronous_ones_have(
    theirs: type, ours: type, renamed: dict[str, str]
) -> None:
    for name in public(theirs):
        assert hasattr(ours, renamed.get(name, name)), name


def test_it_is_connected_by_the_same_parameters() -> None:
    wanted, given = (
        inspect.signature(function).parameters
        for function in (everlog.connect, everlog.connect_sync)
    )
    assert wanted == given
    with pytest.raises(ValueError, match="scheme"):
        everlog.connect_sync("http://127.0.0.1")


# --- Calls ----------------------------------------------------------------------------------------


def test_it_emits_and_reads(client: everlog.SyncClient, aggregate: tuple[str, str]) -> None:
    receipt = client.emit(note(aggregate, 1), expect=everlog.MUST_NOT_EXIST)
    assert [r.sequence for r in client.emit_many([note(aggregate, 2), note(aggregate, 3)])] == [
        2,
        3,
    ]
    assert client.get(position=receipt.position).data == 1
    assert client.head().position == receipt.position + 2
    query = client.query(everlog.Filter(aggregate=aggregate), page_size=2, total_size=True)
    assert [event.data for event in query] == [3, 2, 1]
    assert [len(page) for page in query.pages()] == [2, 1]
    assert query.total_size == 3
    assert [event.data for event in client.replay(aggregate, direction="backwards")] == [3, 2, 1]
    batches = list(client.replay_batches(aggregate))
    assert [event.sequence for batch in batches for event in batch.events] == [1, 2, 3]


def test_a_failure_is_typed_and_raised_in_the_caller(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    with pytest.raises(everlog.SequenceConflict) as conflict:
        client.emit(note(aggregate), expect=7)
    assert conflict.value.violations[0].actual == 0
    with pytest.raises(everlog.AggregateNotFound):
        list(client.replay(aggregate))
    with pytest.raises(ValueError, match="direction"):
        list(client.replay(aggregate, direction="sideways"))  # type: ignore[arg-type]


def test_whatever_is_written_for_the_asynchronous_client_may_be_called_and_iterated(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    async def twice(given: everlog.Client, event: everlog.Event) -> list[int]:
        return [(await given.emit(event)).sequence for _ in range(2)]

    async def numbers(given: everlog.Client, *, after: int) -> AsyncIterator[int]:
        async for event in given.replay(aggregate, after_sequence=after):
            yield event.sequence

    assert client.call(twice, note(aggregate)) == [1, 2]
    assert list(client.iterate(numbers, after=1)) == [2]


def test_what_is_to_be_finished_is_awaited_before_the_client_closes(
    url: str, aggregate: tuple[str, str]
) -> None:
    async def register(given: everlog.Client) -> None:
        async def fails() -> None:
            raise LookupError("mine")

        async def emits() -> None:
            await given.emit(note(aggregate, 1))

        async def withdrawn() -> None:
            await given.emit(note(aggregate, 2))

        given.before_close(fails)
        given.before_close(emits)
        withdraw = given.before_close(withdrawn)
        withdraw()
        withdraw()

    with everlog.connect_sync(url) as client:
        client.call(register)
    with everlog.connect_sync(url) as client:
        assert [event.data for event in client.replay(aggregate)] == [1]


def test_threads_share_a_client(client: everlog.SyncClient, aggregate: tuple[str, str]) -> None:
    def write(writer: int) -> list[int]:
        return [client.emit(note(aggregate, writer)).sequence for _ in range(25)]

    with ThreadPoolExecutor(16) as threads:
        sequences = [sequence for written in threads.map(write, range(16)) for sequence in written]
    assert sorted(sequences) == list(range(1, 401))


def test_it_may_be_used_without_a_block_and_closed_twice(url: str) -> None:
    client = everlog.connect_sync(url)
    assert client.head().position >= 0
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.head()


def test_what_can_not_be_opened_says_so_to_every_caller() -> None:
    async def fails() -> None:
        raise OSError("no such certificate")

    async def nothing() -> None: ...

    portal = Portal(fails, nothing)
    for _ in range(2):
        with pytest.raises(OSError, match="no such certificate"):
            portal.call(nothing)
    portal.stop()


# --- Streams --------------------------------------------------------------------------------------


def test_a_stream_of_events_is_iterated_in_the_callers_own_thread(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    threads = set()

    def events() -> Iterator[everlog.Event]:
        for number in range(1000):
            threads.add(threading.current_thread())
            yield note(aggregate, number)

    outcomes = list(client.emit_stream(events(), batch_events=10))
    assert [index for index, _ in outcomes] == list(range(1000))
    assert all(isinstance(outcome, everlog.Receipt) for _, outcome in outcomes)
    assert threads == {threading.current_thread()}
    assert [event.data for event in client.replay(aggregate)] == list(range(1000))


def test_a_stream_that_fails_gives_the_outcomes_of_what_came_before(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    def events() -> Iterator[everlog.Event]:
        yield from notes(aggregate, 100)
        raise OSError("the disk is gone")

    stream = client.emit_stream(events())
    outcomes = [next(stream) for _ in range(100)]
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)
    assert [index for index, _ in outcomes] == list(range(100))


def test_an_endless_stream_is_answered_while_it_goes_on_and_may_be_left(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    taken = count()

    def events() -> Iterator[everlog.Event]:
        while True:
            yield note(aggregate, next(taken))

    for index, _ in client.emit_stream(events()):
        if index == 5000:
            break
    assert next(taken) < 20_000


def test_a_stream_with_a_wrong_argument_does_not_begin(client: everlog.SyncClient) -> None:
    with pytest.raises(ValueError, match="batch_events"):
        list(client.emit_stream(notes(("sync", "never"), 1000), batch_events=0))


def test_an_iteration_that_is_left_early_ends_its_call(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    client.emit_many(notes(aggregate, 500))
    for _ in range(100):
        with client.replay(aggregate) as events:
            assert next(events).sequence == 1
    assert len(client._portal._tasks) <= 1


def test_it_reads_ahead_so_far_and_no_further() -> None:
    given = count()

    async def endless() -> AsyncIterator[int]:
        while True:
            yield next(given)

    async def nothing() -> None: ...

    portal = Portal(nothing, nothing)
    bridge = Bridge(portal, endless())
    try:
        assert [bridge.next() for _ in range(1000)] == list(range(1000))
        time.sleep(0.2)  # it has time to read too much
        assert next(given) <= 1000 + 64
    finally:
        bridge.close()
        portal.stop()


# --- Subscriptions --------------------------------------------------------------------------------


def test_a_subscription_follows_the_log(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    start = client.head().position
    client.emit_many(notes(aggregate, 3))
    with client.subscribe(after_position=start, marks=True) as subscription:
        items = [next(subscription) for _ in range(4)]
        assert items[3] == everlog.CaughtUp(start + 3)
        client.emit(note(aggregate, 3))
        item = next(subscription)
        assert isinstance(item, everlog.RecordedEvent)
        assert (item.data, subscription.position) == (3, start + 4)


def test_its_position_is_that_of_what_was_handed_out_whatever_was_read_ahead(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    start = client.head().position
    client.emit_many(notes(aggregate, 300))
    with client.subscribe(after_position=start) as subscription:
        assert subscription.position == start
        for number in range(1, 301):
            next(subscription)
            assert subscription.position == start + number


def test_a_wait_that_is_over_loses_nothing(
    client: everlog.SyncClient, aggregate: tuple[str, str]
) -> None:
    with client.subscribe(after_position=client.head().position) as subscription:
        for number in range(3):
            with pytest.raises(TimeoutError):
                subscription.next(timeout_seconds=0.05)
            client.emit(note(aggregate, number))
            assert subscription.next(timeout_seconds=10).data == number


def test_closing_it_ends_the_wait_of_another_thread(client: everlog.SyncClient) -> None:
    subscription = client.subscribe(after_position=client.head().position)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(list, subscription)
        time.sleep(0.2)
        subscription.close()
        assert waiting.result(timeout=5) == []


def test_closing_the_client_tells_whoever_waits(url: str) -> None:
    client = everlog.connect_sync(url)
    subscription = client.subscribe(after_position=client.head().position)
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(next, subscription)
        reading = threads.submit(client.head, min_position=10**9)
        time.sleep(0.3)
        client.close()
        for waiter in (waiting, reading):
            with pytest.raises(everlog.ConnectionLost, match="closed"):
                waiter.result(timeout=5)


# --- Threads and processes ------------------------------------------------------------------------


def client_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "everlog client"]


def test_a_client_that_is_forgotten_ends_its_thread(url: str) -> None:
    before = len(client_threads())
    client = everlog.connect_sync(url)
    client.head()
    assert len(client_threads()) == before + 1
    del client
    assert len(client_threads()) == before


def test_a_callback_that_would_wait_for_itself_is_told(url: str) -> None:
    async def nothing() -> None: ...

    portal = Portal(nothing, nothing)

    async def calls_back() -> None:
        portal.call(nothing)

    with pytest.raises(RuntimeError, match="callback"):
        portal.call(calls_back)
    portal.stop()


def python(script: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "client.close()",
        "import gc; del client; gc.collect()",
        "subscription = client.subscribe(after_position=0); next(subscription)",
        "client.me = client",
    ],
)
def test_the_interpreter_ends_in_peace(url: str, ending: str, client: everlog.SyncClient) -> None:
    client.emit(note(("sync", "end")))
    script = (
        f"import everlog, sys; client = everlog.connect_sync(sys.argv[1]); client.head(); {ending}"
    )
    process = python(script, url)
    output, errors = process.communicate(timeout=30)
    # The event loop's debug mode remarks on a machine that is busy.
    complaints = [line for line in errors.splitlines() if not _is_slowness(line)]
    assert (process.returncode, output, complaints) == (0, "", [])


def _is_slowness(line: str) -> bool:
    return line.startswith("Executing <") and line.endswith(" seconds")


@pytest.mark.parametrize(
    "waits",
    [
        "next(client.subscribe(after_position=client.head().position))",
        "client.head(min_position=10**9)",
        "list(client.emit_stream(iter(lambda: __import__('time').sleep(60), 1)))",
    ],
)
def test_an_interrupt_ends_the_wait_and_leaves_no_thread(url: str, waits: str) -> None:
    script = f"""
import everlog, sys, threading
with everlog.connect_sync(sys.argv[1]) as client:
    client.head()
    print("waiting", flush=True)
    try:
        {waits}
    except KeyboardInterrupt:
        print("interrupted", client.head().position >= 0, flush=True)
print([thread.name for thread in threading.enumerate() if thread.name == "everlog client"])
"""
    process = python(script, url)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=30)
    complaints = [line for line in complaint.splitlines() if not _is_slowness(line)]
    assert (process.returncode, said, complaints) == (0, "interrupted True\n[]\n", [])


def test_after_a_fork_the_child_is_told_to_connect_again(url: str) -> None:
    script = """
import everlog, os, sys
client = everlog.connect_sync(sys.argv[1])
client.head()
child = os.fork()
if child == 0:
    try:
        client.head()
    except RuntimeError as error:
        os.write(1, str(error).encode())
        client.close()
        os._exit(7)
    os._exit(1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), client.head().position >= 0)
"""
    process = python(script, url)
    said, _ = process.communicate(timeout=30)
    assert said == "this client was used before a fork: connect again in the child7 True\n"
    assert process.returncode == 0


def test_a_client_made_before_a_fork_and_used_after_it_works(url: str) -> None:
    script = """
import everlog, os, sys
client = everlog.connect_sync(sys.argv[1])
child = os.fork()
if child == 0:
    ok = client.head().position >= 0
    client.close()
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""
    process = python(script, url)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "0\n")


def test_two_first_uses_at_once_start_one_thread(url: str) -> None:
    client = everlog.connect_sync(url)
    before = len(client_threads())
    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(client.head)
    assert len(client_threads()) == before + 1
    client.close()
