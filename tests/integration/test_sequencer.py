"""The sequencer's guarantees, on real PostgreSQL, without the RPC layer between."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from everlog_server.append.pace import Pace
from everlog_server.errors import (
    EventIdReusedError,
    EverlogError,
    IdempotencyKeyReusedError,
    InternalError,
    InvalidEventError,
    KnownEventsError,
    OverloadedError,
    SequenceConflictError,
    ServerDrainingError,
    Violation,
)
from everlog_server.settings import AppendSettings
from tests.factories import (
    TENANT,
    House,
    assert_gap_free,
    emission,
    exactly,
    exists,
    is_new,
    new_event,
    open_house,
)

ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"
OTHER_ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60719"


async def test_events_of_one_request_follow_each_other(database_url: str) -> None:
    async with open_house(database_url) as house:
        receipts = await house.emit(new_event("a/1"), new_event("b/1"), new_event("a/1"))
        assert [(r.position, r.sequence) for r in receipts] == [(1, 1), (2, 1), (3, 2)]
        assert_gap_free(await house.log())


async def test_a_new_process_continues_where_the_log_ends(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"), new_event("a/1"))
    async with open_house(database_url) as house:
        (receipt,) = await house.emit(new_event("a/1"))
        assert (receipt.position, receipt.sequence) == (3, 3)


@pytest.mark.parametrize("remembered", [True, False])
async def test_every_violated_expectation_is_listed_and_nothing_is_written(
    database_url: str, remembered: bool
) -> None:
    async with open_house(database_url) as writer, open_house(database_url) as stranger:
        await writer.emit(new_event("a/1"), new_event("a/1"))
        house = writer if remembered else stranger
        wrong = (exactly("a/1", 1), exists("b/1"), is_new("a/1"))
        with pytest.raises(SequenceConflictError) as refused:
            await house.emit(new_event("a/1"), new_event("c/1"), expect=(*wrong, exactly("a/2", 0)))
        assert refused.value.violations == (
            Violation(wrong[0], 2),
            Violation(wrong[1], 0),
            Violation(wrong[2], 2),
        )
        assert len(await house.log()) == 2
        (receipt,) = await house.emit(
            new_event("c/1"), expect=(exactly("a/1", 2), exists("a/1"), is_new("c/1"))
        )
        assert (receipt.position, receipt.sequence) == (3, 1)


async def test_an_expectation_is_judged_by_the_log_and_not_by_what_is_remembered(
    database_url: str,
) -> None:
    async with open_house(database_url) as one, open_house(database_url) as other:
        await one.emit(new_event("a/1"))
        await other.emit(new_event("a/1"))
        with pytest.raises(SequenceConflictError, match="a/1 is at sequence 2, expected 1"):
            await one.emit(new_event("a/1"), expect=[exactly("a/1", 1)])
        (receipt,) = await one.emit(new_event("a/1"), expect=[exactly("a/1", 2)])
        assert receipt.sequence == 3


@pytest.mark.parametrize("same_process", [True, False])
async def test_a_known_key_answers_with_the_original_receipt(
    database_url: str, same_process: bool
) -> None:
    async with open_house(database_url) as one, open_house(database_url) as other:
        event = new_event("a/1", idempotency_key="k", metadata={"attempt": "1"})
        (original,) = await one.emit(event)
        again = new_event("a/1", idempotency_key="k", metadata={"attempt": "2"})
        house = one if same_process else other
        # "… whatever the expected sequence says."
        (receipt,) = await house.emit(again, expect=[exactly("a/1", 77)])
        assert receipt == original._replace(deduplicated=True)
        assert len(await house.log()) == 1


async def test_a_key_with_other_content_is_refused_and_names_the_event_that_has_it(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        (original,) = await house.emit(new_event(idempotency_key="k", json='{"a": 1}'))
        for other in (
            new_event(idempotency_key="k", json='{"a": 2}'),
            new_event("order/2", idempotency_key="k", json='{"a": 1}'),
            new_event(event_type="order.paid", idempotency_key="k", json='{"a": 1}'),
        ):
            with pytest.raises(IdempotencyKeyReusedError) as refused:
                await house.emit(other)
            assert bytes.fromhex(refused.value.known[0].event_id.replace("-", "")) == (
                original.event_id
            )
        assert len(await house.log()) == 1


async def test_a_request_of_which_some_keys_are_known_is_refused_whole_unless_it_says_skip(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        known, unknown = new_event(idempotency_key="k1"), new_event(idempotency_key="k2")
        (original,) = await house.emit(known)
        with pytest.raises(KnownEventsError) as refused:
            await house.emit(unknown, known)
        assert [(k.index, k.idempotency_key) for k in refused.value.known] == [(1, "k1")]
        assert len(await house.log()) == 1

        appended, skipped = await house.emit(unknown, known, skip_known=True)
        assert (appended.position, appended.deduplicated) == (2, False)
        assert skipped == original._replace(deduplicated=True)


async def test_a_chosen_event_id_is_kept_and_behaves_like_a_key(database_url: str) -> None:
    async with open_house(database_url) as house:
        (original,) = await house.emit(new_event(event_id=ID))
        assert original.event_id.hex() == ID.replace("-", "")
        (again,) = await house.emit(new_event(event_id=ID))
        assert again == original._replace(deduplicated=True)
        with pytest.raises(EventIdReusedError):
            await house.emit(new_event(event_id=ID, json='{"other": true}'))
        with pytest.raises(EventIdReusedError):
            await house.emit(new_event(event_id=ID, idempotency_key="its own"))
        assert len(await house.log()) == 1


async def test_events_of_one_batch_may_cite_each_other(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(
            new_event(event_id=ID),
            new_event(event_id=OTHER_ID, causation_id=ID, context={"related_event_ids": [ID, ID]}),
        )
        assert (await house.log())[1].causation_id == ID


@pytest.mark.parametrize("known_before", [True, False])
async def test_50_callers_racing_with_one_key_give_one_event_and_50_equal_receipts(
    database_url: str, known_before: bool
) -> None:
    """The contract: the original receipt, also when the retry races the original."""
    async with open_house(database_url) as one, open_house(database_url) as other:
        event = new_event(idempotency_key="raced")
        if known_before:
            await one.emit(event)
        receipts = await asyncio.gather(*((one, other)[i % 2].emit(event) for i in range(50)))
        assert len({(r.event_id, r.position, r.sequence, r.record_time) for (r,) in receipts}) == 1
        assert sum(not r.deduplicated for (r,) in receipts) == (0 if known_before else 1)
        assert len(await one.log()) == 1

        other_content = new_event(idempotency_key="raced", json='{"other": true}')
        refusals = await asyncio.gather(
            *(house.emit(other_content) for house in (one, other) * 10), return_exceptions=True
        )
        assert all(isinstance(refusal, IdempotencyKeyReusedError) for refusal in refusals)
        assert len(await one.log()) == 1


async def test_losers_of_a_batch_are_refused_one_by_one(database_url: str) -> None:
    async with open_house(database_url) as house:
        answers = await asyncio.gather(
            *(
                house.emit(new_event("a/1"), expect=[exactly("a/1", expected)])
                for expected in (0, 0, 1, 1, 9, 2)
            ),
            return_exceptions=True,
        )
        sequences = [a if isinstance(a, EverlogError) else a[0].sequence for a in answers]
        assert [s for s in sequences if isinstance(s, int)] == [1, 2, 3]
        assert [isinstance(s, SequenceConflictError) for s in sequences] == [
            False, True, False, True, True, False,
        ]  # fmt: skip
        assert_gap_free(await house.log())


async def test_a_poisoned_request_fails_alone(database_url: str) -> None:
    """An unexpected failure of a batch is bisected."""
    poison = new_event("a/1")._replace(data=b'{"nul": "\\u0000"}')  # past validation, on purpose
    async with open_house(database_url) as house:
        answers = await asyncio.gather(
            *(house.emit(poison if i in (3, 17) else new_event(f"a/{i % 4}")) for i in range(40)),
            return_exceptions=True,
        )
        refused = [i for i, answer in enumerate(answers) if isinstance(answer, Exception)]
        assert refused == [3, 17]
        assert isinstance(answers[3], InvalidEventError)
        log = await house.log()
        assert len(log) == 38
        assert_gap_free(log)


async def test_a_request_that_meets_a_defect_of_ours_fails_alone(database_url: str) -> None:
    broken = new_event("a/1")._replace(occurred_time=2**70)  # no timestamp: it can't be packed
    async with open_house(database_url) as house:
        answers = await asyncio.gather(
            *(house.emit(broken if i == 5 else new_event(f"a/{i % 4}")) for i in range(12)),
            return_exceptions=True,
        )
        assert [i for i, answer in enumerate(answers) if isinstance(answer, Exception)] == [5]
        assert isinstance(answers[5], InternalError)
        assert_gap_free(await house.log())


async def test_requests_beyond_the_queue_are_refused_and_leave_no_trace(database_url: str) -> None:
    settings = AppendSettings(queue_requests_max=10)
    async with open_house(database_url, append=settings) as house:
        futures = [house.submit(emission(new_event("a/1"))) for _ in range(10)]
        for _ in range(15):
            with pytest.raises(OverloadedError) as refused:
                house.submit(emission(new_event("a/1")))
            assert refused.value.retry_after_seconds
        await asyncio.gather(*futures)
        assert len(await house.log()) == 10


async def test_a_queue_too_large_in_bytes_is_refused(database_url: str) -> None:
    settings = AppendSettings(queue_bytes_max=64 * 1024)
    async with open_house(database_url, append=settings) as house:
        large = emission(new_event())._replace(size_bytes=40 * 1024)
        first = house.submit(large)
        with pytest.raises(OverloadedError):
            house.submit(large)
        await first


async def test_a_caller_that_goes_while_it_waits_withdraws_its_request(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        stays, goes = (
            house.submit(emission(new_event("a/1"))),
            house.submit(emission(new_event("a/2"))),
        )
        goes.cancel()
        await stays
        assert [event.aggregate_id for event in await house.log()] == ["1", "1"]


async def test_a_stopping_sequencer_finishes_what_waits_and_refuses_the_rest(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        waiting = [house.submit(emission(new_event("a/1"))) for _ in range(100)]
        stopping = asyncio.create_task(house.sequencers.of(TENANT).stop(5))
        await asyncio.sleep(0)
        with pytest.raises(ServerDrainingError):
            house.submit(emission(new_event("a/1")))
        await stopping
        assert [future.result()[0].sequence for future in waiting] == list(range(1, 101))


async def test_two_processes_on_the_same_aggregates_leave_no_gap_and_no_double(
    database_url: str,
) -> None:
    async with open_house(database_url) as one, open_house(database_url) as other:

        async def write(house: House, worker: int) -> None:
            for i in range(40):
                await house.emit(*(new_event(f"a/{(worker + i + j) % 5}") for j in range(3)))

        await asyncio.gather(*(write((one, other)[w % 2], w) for w in range(8)))
        log = await one.log()
        assert len(log) == 8 * 40 * 3
        assert_gap_free(log)


async def test_a_sequencer_forgets_aggregates_beyond_its_bound_and_stays_right(
    database_url: str,
) -> None:
    settings = AppendSettings(aggregates_remembered_max=3)
    async with open_house(database_url, append=settings) as house:
        for _ in range(3):
            for aggregate in range(10):
                await house.emit(new_event(f"a/{aggregate}"))
        log = await house.log()
        assert [event.sequence for event in log] == [1] * 10 + [2] * 10 + [3] * 10
        assert house.sequencers.of(TENANT) is house.sequencers.of(TENANT)


async def test_an_event_that_was_stored_without_a_name_is_recognised_by_its_id(
    database_url: str,
) -> None:
    """Its fingerprint was not stored: its record tells."""
    async with open_house(database_url) as house:
        (stored,) = await house.emit(new_event("a/1", json='{"n":1}'))
        event_id = str(UUID(bytes=stored.event_id))
        (again,) = await house.emit(new_event("a/1", json='{"n":1}', event_id=event_id))
        assert again == stored._replace(deduplicated=True)
        with pytest.raises(EventIdReusedError):
            await house.emit(new_event("a/1", json='{"n":2}', event_id=event_id))
        assert len(await house.log()) == 1


async def test_requests_that_come_one_by_one_share_batches_while_the_process_is_busy(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "linger_seconds", lambda _: 0.05)
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))  # connects
        batches = 0

        def count(*_: object) -> None:
            nonlocal batches
            batches += 1

        monkeypatch.setattr(house.subscriptions, "publish", count)
        house.sequencers.of(TENANT)._on_committed = count
        answers = []
        for number in range(20):
            answers.append(house.submit(emission(new_event(f"b/{number}"))))
            await asyncio.sleep(0.0005)
        await asyncio.gather(*answers)
        assert batches <= 4
        assert_gap_free(await house.log())


async def test_company_that_is_there_is_not_waited_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(database_url) as house, asyncio.timeout(30):
        await house.emit(new_event("a/1"))
        monkeypatch.setattr(Pace, "linger_seconds", lambda _: 60.0)
        await asyncio.gather(*(house.emit(new_event("a/1")) for _ in range(32)))
