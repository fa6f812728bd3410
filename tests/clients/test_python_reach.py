"""A server that was never there, and one that was."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_store_pb2
from tests.clients.scripted_server import answer, scripted

SOON = Backoff(initial_seconds=0.01, max_seconds=0.05)
EVENT = everlog.Event("a.b", aggregate=("a", "1"))
KEYED = everlog.Event("a.b", aggregate=("a", "1"), idempotency_key="k")


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def mute() -> Iterator[str]:
    """An address where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def all_well(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    async for message in messages:
        answers = [answer(emit, position=1) for emit in message.emits]
        yield event_store_pb2.EmitStreamResponse(answers=answers)


async def head_is_7(_request: Any, _context: Any) -> Any:
    return event_store_pb2.GetHeadResponse(position=7, event_id="id-7")


@pytest.mark.parametrize(("where", "cause"), [(nobody, "Connection refused"), (mute, "no server")])
async def test_a_server_that_was_never_there_is_not_waited_for_until_the_deadline(
    where: Any, cause: str
) -> None:
    with where() as address:
        async with everlog.connect(
            address, connect_timeout_seconds=0.3, timeout_seconds=None, backoff=SOON
        ) as client:
            for call in (client.emit(KEYED), client.head(), client.get(position=1)):
                async with asyncio.timeout(20):
                    with pytest.raises(everlog.ConnectionLost) as caught:
                        await call
                said = str(caught.value)
                assert f"no server could be reached at everlog://{address} within 0.3 s" in said
                assert cause in said
            # Without a key it is not sent twice.
            async with asyncio.timeout(20):
                with pytest.raises(everlog.ConnectionLost):
                    await client.emit(EVENT)


async def test_a_search_ends_when_the_client_is_closed() -> None:
    with mute() as address:
        client = await everlog.connect(address, connect_timeout_seconds=20).__aenter__()
        searching = [asyncio.create_task(call) for call in (client.head(), client.emit(KEYED))]
        await asyncio.sleep(0.1)
        await client.close()
        for ended in await asyncio.wait_for(
            asyncio.gather(*searching, return_exceptions=True), timeout=10
        ):
            assert isinstance(ended, everlog.ConnectionLost)
            assert "closed" in str(ended)


async def test_a_server_that_is_just_starting_is_found() -> None:
    with nobody() as address:
        port = int(address.rpartition(":")[2])
    async with everlog.connect(address, backoff=SOON) as client:
        asked = [asyncio.create_task(call) for call in (client.head(), client.emit(KEYED))]
        await asyncio.sleep(0.2)
        async with scripted(port, EmitStream=[all_well], GetHead=[head_is_7]):
            async with asyncio.timeout(20):
                await asyncio.gather(*asked)


async def test_a_server_that_has_gone_is_waited_for_longer_than_an_unknown_one() -> None:
    scripts: dict[str, Any] = {"EmitStream": [all_well], "GetHead": [head_is_7]}
    async with scripted(**scripts) as server:
        client = everlog.connect(server.address, connect_timeout_seconds=0.5, backoff=SOON)
        await client.__aenter__()
        await client.emit(EVENT)
    asked = [asyncio.create_task(call) for call in (client.head(), client.emit(KEYED))]
    await asyncio.sleep(0.8)
    async with scripted(int(server.address.rpartition(":")[2]), **scripts):
        async with asyncio.timeout(20):
            await asyncio.gather(*asked)
        await client.close()


async def test_a_server_that_takes_its_time_is_not_taken_for_a_missing_one() -> None:
    async def slowly(request: Any, context: Any) -> Any:
        await asyncio.sleep(0.8)
        return await head_is_7(request, context)

    async with (
        scripted(GetHead=[slowly]) as server,
        everlog.connect(server.address, connect_timeout_seconds=0.5) as client,
    ):
        assert (await client.head()).position == 7
