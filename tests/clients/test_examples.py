"""The examples, as a user would copy them: each is run against a live server."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import psutil
import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog.v1 import consumers_pb2, consumers_pb2_grpc
from examples.python import order_service
from tests.clients.conformance.languages import MissingError
from tests.clients.conformance.stage import Stage
from tests.clients.example_programs import LANGUAGES, OUTPUT_SECONDS_MAX, Program, running
from tests.conftest import with_database
from tests.servers import serving
from tests.toolchains import leave_out, must_be_here

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERY_LANGUAGE = pytest.mark.parametrize(
    "language",
    [
        pytest.param(name, marks=[pytest.mark.polyglot] if language.tools else [])
        for name, language in LANGUAGES.items()
    ],
)

# Of the orders that `--orders 10` makes, the fourth is over the limit.
PAID, REJECTED = 9, 1
PAID_CENTS = 10_000 + 22_500 + 40_000 + 15_000 + 35_000 + 7_500 + 20_000 + 37_500 + 10_000


class Shop:
    """A log of its own, and the programs that work on it."""

    def __init__(self, stage: Stage, tenant: str) -> None:
        self.stage = stage
        self._environment = {"EVERLOG_URL": stage.url, "EVERLOG_TENANT": tenant}
        self._tenant = tenant

    def start(
        self, language: str, program: str, *arguments: str, stdin: str | None = None
    ) -> AbstractAsyncContextManager[Program]:
        """Start a program; skips the test, or fails it in CI, when the language isn't here."""
        return running(
            _command(language, program), *arguments, environment=self._environment, stdin=stdin
        )

    async def take_orders(self, count: int) -> None:
        """What `order_service --orders` does, without a process."""
        async with everlog.connect(self.stage.url, tenant=self._tenant) as client:
            for order in order_service.generate_orders(count):
                placed = await client.emit(order_service.order_placed(order))
                await client.emit(order_service.order_decided(order, caused_by=placed.event_id))

    async def run(self, language: str, program: str, *arguments: str) -> list[str]:
        """Run a program to its end; returns what it printed."""
        async with self.start(language, program, *arguments) as started:
            return await started.ends()

    async def emit(self, event: everlog.Event) -> None:
        """Store one event."""
        async with everlog.connect(self.stage.url, tenant=self._tenant) as client:
            await client.emit(event)

    async def count(self, event_type: str) -> int:
        """How many events of a type the log has."""
        return sum(event.event_type == event_type for event in await self.events())

    async def status_of(self, consumer: str) -> consumers_pb2.ConsumerStatus:
        """Where a consumer is."""
        async with grpc.aio.insecure_channel(self.stage.server.address) as channel:
            stub = consumers_pb2_grpc.ConsumerServiceStub(channel)
            request = consumers_pb2.GetConsumerRequest(name=consumer)
            response = await stub.GetConsumer(
                request, metadata=[("everlog-tenant", self._tenant)], timeout=10
            )
        return response.consumer.status

    async def all_finished(self, consumer: str) -> None:
        """Returns when a consumer has answered all that the log has."""
        async with asyncio.timeout(OUTPUT_SECONDS_MAX):
            while (await self.status_of(consumer)).lag:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def events(self) -> list[everlog.RecordedEvent]:
        """All that the log has."""
        async with everlog.connect(self.stage.url, tenant=self._tenant) as client:
            return [event async for event in client.replay()]


def _command(language: str, program: str) -> list[str]:
    try:
        return LANGUAGES[language].command(program)
    except MissingError as missing:
        leave_out(f"{LANGUAGES[language].title}: {missing}")


def _languages_here() -> list[str]:
    """Those whose toolchain is here; in CI all must be."""
    here = []
    for name, language in LANGUAGES.items():
        try:
            language.command("order_service")
        except MissingError:
            if not must_be_here():
                continue
        here.append(name)
    if len(here) < 2:
        pytest.skip("only one language is here")
    return here


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("examples")
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {folder.name} TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, folder.name)
    async with serving(dsn, folder) as server:
        yield Stage(server, dsn)


@pytest_asyncio.fixture(loop_scope="module")
async def shop(stage: Stage) -> Shop:
    return Shop(stage, await stage.new_tenant())


# --- order_service --------------------------------------------------------------------------------


@EVERY_LANGUAGE
async def test_orders_are_placed_decided_and_stored_once(language: str, shop: Shop) -> None:
    first = await shop.run(language, "order_service", "--orders", "10")
    again = await shop.run(language, "order_service", "--orders", "10")
    assert first[0] == "order 1: order.paid at 2"
    assert first[3] == "order 4: order.rejected at 8"
    assert first[-1] == "20 stored, 0 deduplicated, 0 refused"
    assert again[0] == "order 1: order.paid at 2, deduplicated"
    assert again[-1] == "0 stored, 20 deduplicated, 0 refused"
    events = await shop.events()
    assert len(events) == 20
    for placed, decided in zip(events[::2], events[1::2], strict=True):
        number = placed.aggregate_id
        assert placed.aggregate == decided.aggregate == ("order", number)
        assert placed.event_type == "order.placed"
        assert placed.actor == f"user:{placed.data['customer']}"
        assert placed.correlation_id == decided.correlation_id == f"order-{number}"
        assert decided.event_type == ("order.rejected" if number == "4" else "order.paid")
        assert (decided.causation_id, decided.actor) == (placed.event_id, "system")
        assert decided.intent is not None
        assert "credit limit" in decided.intent.goal


@EVERY_LANGUAGE
async def test_an_order_number_that_was_given_away_twice_is_refused(
    language: str, shop: Shop
) -> None:
    order = {"order": "A-1", "customer": "zoë", "sku": "cup", "quantity": 1, "price_cents": 900}
    orders = [order, order, {**order, "quantity": 2}, {**order, "order": "A-2"}]
    lines = "".join(json.dumps(order) + "\n" for order in orders)
    async with shop.start(language, "order_service", stdin=lines) as service:
        said = await service.ends()
    first = (await shop.events())[0]
    assert said == [
        "order A-1: order.paid at 2",
        "order A-1: order.paid at 2, deduplicated",
        f"order A-1: refused, it is known with other content: {first.event_id}",
        "order A-2: order.paid at 4",
        "4 stored, 2 deduplicated, 1 refused",
    ]
    assert first.actor == "user:zoë"


@EVERY_LANGUAGE
@pytest.mark.parametrize(
    "bad",
    [
        "no JSON",
        '{"order": "1", "customer": "mia", "sku": "cup", "quantity": "two", "price_cents": 900}',
    ],
)
async def test_a_line_that_is_no_order_is_named(language: str, bad: str, shop: Shop) -> None:
    good = '{"order": "1", "customer": "mia", "sku": "cup", "quantity": 1, "price_cents": 900}'
    async with shop.start(language, "order_service", stdin=f"{good}\n{bad}\n") as service:
        complaints = await service.fails()
    # Beside it there may be what gRPC logs.
    told = [line for line in complaints if line.startswith("order_service: ")]
    assert len(told) == 1, complaints
    assert told[0].startswith("order_service: line 2")
    assert len(await shop.events()) == 2


@pytest.mark.polyglot
async def test_orders_of_one_language_are_known_to_all_others(shop: Shop) -> None:
    first, *others = _languages_here()
    await shop.run(first, "order_service", "--orders", "10")
    for language in others:
        said = await shop.run(language, "order_service", "--orders", "11")
        assert said[-1].endswith(" 0 refused"), (language, said)
        assert ", deduplicated" in said[9], (language, said)
    assert len(await shop.events()) == 22


# --- live_subscriber ------------------------------------------------------------------------------


@EVERY_LANGUAGE
async def test_a_subscriber_catches_up_goes_live_and_goes_on_where_it_was(
    language: str, shop: Shop, tmp_path: Path
) -> None:
    cursor = ("--cursor-file", str(tmp_path / "cursor.json"))
    await shop.take_orders(5)
    async with shop.start(language, "live_subscriber", *cursor) as subscriber:
        await subscriber.says("caught up at 10")
        await subscriber.says("10 order/5 order.paid: 5 placed, 1 rejected, 4 paid with 87500")
        await shop.take_orders(7)
        await subscriber.says("14 order/7")
        subscriber.interrupt()
        said = await subscriber.ends(130 if language == "java" else 0)
    assert said[-1] == "ended after position 14"

    await shop.take_orders(10)
    said = await shop.run(language, "live_subscriber", *cursor, "--events", "6")
    assert next(line for line in said if " order/" in line).startswith("15 order/8 order.placed")
    assert _totals(said) == (10, REJECTED, PAID, PAID_CENTS)
    assert said[-1] == "ended after position 20"


@EVERY_LANGUAGE
async def test_a_restored_log_is_noticed(language: str, shop: Shop, tmp_path: Path) -> None:
    cursor = ("--cursor-file", str(tmp_path / "cursor.json"))
    await shop.take_orders(5)
    said = await shop.run(language, "live_subscriber", *cursor, "--after", "8", "--events", "2")
    assert _totals(said) == (1, 0, 1, 15_000)
    kept = (tmp_path / "cursor.json").read_text()

    restored = Shop(shop.stage, await shop.stage.new_tenant())
    for orders, error in ((4, "cursor beyond head"), (6, "log diverged")):
        await restored.take_orders(orders)
        async with restored.start(language, "live_subscriber", *cursor) as subscriber:
            complaints = " ".join(await subscriber.fails())
        # Told by its class, LogDiverged, or by its reason, LOG_DIVERGED.
        assert error.replace(" ", "") in complaints.replace("_", "").lower()
        assert "Delete" in complaints
        assert (tmp_path / "cursor.json").read_text() == kept


@asynccontextmanager
async def _subscribers(
    shop: Shop, languages: list[str], folder: Path, *, events: int
) -> AsyncIterator[dict[str, Program]]:
    async with AsyncExitStack() as stack:
        yield {
            language: await stack.enter_async_context(
                shop.start(
                    *(language, "live_subscriber", "--events", str(events)),
                    *("--cursor-file", str(folder / f"{language}.json")),
                )
            )
            for language in languages
        }


async def _follow_through_a_restart(
    shop: Shop, languages: list[str], folder: Path, *, writers: list[str]
) -> None:
    async with _subscribers(shop, languages, folder, events=20) as subscribers:
        for subscriber in subscribers.values():
            await subscriber.says("caught up at 0")
        await shop.run(writers[0], "order_service", "--orders", "5")
        for subscriber in subscribers.values():
            await subscriber.says("10 order/5")
        await shop.stage.server.stop()
        for subscriber in subscribers.values():
            await subscriber.complains("interrupted")
        await shop.stage.server.start()
        await shop.run(writers[-1], "order_service", "--orders", "10")
        for subscriber in subscribers.values():
            said = await subscriber.ends()
            positions = [int(line.split()[0]) for line in said if " order/" in line]
            assert positions == list(range(1, 21)), subscriber.said
            assert _totals(said) == (10, REJECTED, PAID, PAID_CENTS)


async def test_a_subscriber_survives_a_restart_of_the_server(shop: Shop, tmp_path: Path) -> None:
    await _follow_through_a_restart(shop, ["python"], tmp_path, writers=["python"])


@pytest.mark.polyglot
async def test_subscribers_in_all_languages_total_what_other_languages_emit(
    shop: Shop, tmp_path: Path
) -> None:
    languages = _languages_here()
    await _follow_through_a_restart(shop, languages, tmp_path, writers=languages[1:])


def _totals(said: list[str]) -> tuple[int, ...]:
    last = [line for line in said if " order/" in line][-1]
    found = re.search(r": (\d+) placed, (\d+) rejected, (\d+) paid with (\d+) cents$", last)
    assert found, last
    return tuple(map(int, found.groups()))


# --- stock_reservation ----------------------------------------------------------------------------


def _sold(said: list[str], sku: str, stock: int) -> tuple[int, int]:
    """What a program has reserved, and the conflicts that it met."""
    pattern = rf"{sku}: reserved (\d+) of {stock} here, {stock} in all; (\d+) conflicts"
    found = re.fullmatch(pattern, said[-1])
    assert found, said
    return int(found[1]), int(found[2])


async def _assert_sold_out(shop: Shop, stock: int) -> Counter[str]:
    """Every item was sold once; returns how many each language sold."""
    received, *reserved = await shop.events()
    assert (received.event_type, received.data) == ("stock.received", {"quantity": stock})
    assert [event.sequence for event in reserved] == list(range(2, stock + 2))
    assert {event.event_type for event in reserved} == {"stock.reserved"}
    return Counter(re.sub(r"agent:(\w+)-\d+", r"\1", event.actor) for event in reserved)


@EVERY_LANGUAGE
async def test_many_workers_sell_exactly_the_stock(language: str, shop: Shop) -> None:
    said = await shop.run(
        *(language, "stock_reservation"), *("--sku", "vase", "--stock", "30", "--workers", "6")
    )
    reserved, conflicts = _sold(said, "vase", 30)
    assert reserved == 30
    assert conflicts > 0
    assert await _assert_sold_out(shop, 30) == {language: 30}


@pytest.mark.polyglot
async def test_all_languages_at_once_oversell_nothing(shop: Shop) -> None:
    stock, languages = 80, _languages_here()
    server = psutil.Process(shop.stage.server.pid)
    arguments = ("--sku", "vase", "--stock", str(stock), "--workers", "2")
    async with AsyncExitStack() as stack:
        # They start at different speeds: the server holds its breath until all have called.
        server.send_signal(signal.SIGSTOP)
        try:
            sellers = {
                language: await stack.enter_async_context(
                    shop.start(language, "stock_reservation", *arguments)
                )
                for language in languages
            }
            for seller in sellers.values():
                await _until_it_calls(seller, shop.stage.server.port)
        finally:
            server.send_signal(signal.SIGCONT)
        sold = {
            language: _sold(await seller.ends(), "vase", stock)
            for language, seller in sellers.items()
        }
    assert sum(reserved for reserved, _ in sold.values()) == stock
    assert await _assert_sold_out(shop, stock) == {
        language: reserved for language, (reserved, _) in sold.items()
    }
    assert all(reserved and conflicts for reserved, conflicts in sold.values()), sold


async def _until_it_calls(program: Program, port: int) -> None:
    def calls() -> bool:
        connections: list[Any] = psutil.Process(program.pid).net_connections("tcp")
        return any(connection.raddr and connection.raddr.port == port for connection in connections)

    async with asyncio.timeout(20):
        while not calls():  # noqa: ASYNC110 - the kernel rings no bell
            await asyncio.sleep(0.02)


# --- shipping -------------------------------------------------------------------------------------

EVERY_CONSUMING_LANGUAGE = pytest.mark.parametrize(
    "language",
    [pytest.param(name, marks=pytest.mark.polyglot) for name in ("go", "typescript", "java")],
)


async def _assert_shipped_once(shop: Shop) -> None:
    """Every order that was paid was shipped once, because it was paid."""
    events = await shop.events()
    paid = {event.event_id: event for event in events if event.event_type == "order.paid"}
    shipped = [event for event in events if event.event_type == "order.shipped"]
    assert sorted(event.causation_id for event in shipped) == sorted(paid)
    for event in shipped:
        cause = paid[event.causation_id]
        assert (event.aggregate, event.correlation_id) == (cause.aggregate, cause.correlation_id)


@EVERY_CONSUMING_LANGUAGE
async def test_a_shipper_survives_a_restart_leaves_in_peace_and_goes_on_where_it_was(
    language: str, shop: Shop
) -> None:
    await shop.take_orders(3)
    async with shop.start(language, "shipping") as shipping:
        await shipping.says("order 3: shipped")
        await shop.stage.server.stop()
        await shipping.complains("interrupted")
        await shop.stage.server.start()
        await shop.take_orders(7)  # the fourth of them is rejected
        # Not the seventh alone: orders are of many shares, which are given out one by one, and what
        # the stop left unanswered comes again after others.
        await shop.all_finished("shipping")
        shipping.terminate()
        said = await shipping.ends(143 if language == "java" else 0)
    # Those of the first three whose answer was not stored when the server stopped came again.
    assert re.fullmatch(r"left after ([6-9]) answers", said[-1]), said
    await _assert_shipped_once(shop)

    await shop.take_orders(8)
    said = await shop.run(language, "shipping", "--answers", "1")
    assert [line.split(" at ")[0] for line in said] == ["order 8: shipped", "left after 1 answers"]
    await _assert_shipped_once(shop)


@EVERY_CONSUMING_LANGUAGE
async def test_an_order_that_cannot_be_shipped_is_parked(language: str, shop: Shop) -> None:
    await shop.emit(everlog.Event("order.paid", aggregate=("order", "odd")))
    said = await shop.run(language, "shipping", "--answers", "1")
    assert said == ["left after 1 answers"]
    status = await shop.status_of("shipping")
    assert status.parked == 1


@pytest.mark.slow
@pytest.mark.polyglot
async def test_shippers_of_all_languages_ship_every_order_once(shop: Shop) -> None:
    languages = [name for name in _languages_here() if name in {"go", "typescript", "java"}]
    async with AsyncExitStack() as stack:
        shippers = [
            await stack.enter_async_context(shop.start(language, "shipping"))
            for language in languages
        ]
        await shop.take_orders(20)
        await shippers[0].says("shipped", times=1)
        await shippers[0].kill()
        await shop.take_orders(60)
        paid = await shop.count("order.paid")
        async with asyncio.timeout(60):
            while await shop.count("order.shipped") < paid:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        for shipper in shippers[1:]:
            shipper.terminate()
    await _assert_shipped_once(shop)
