"""Consume: a member's stream.

    read ──▶ answers ──▶ stored together ──▶ settlements ──┐
                                             deliveries ───┴▶ written, what is ready together

One task reads; the handler itself writes. What is delivered is taken only when it can be written,
and while a member does not read what it is told, nothing more is read from it: so a stream holds no
more than its credit, one message, and as many settlements as are bounded here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers import Consumers, Member
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.rpc import consumer_requests as requests
from everlog_server.rpc.consumer_messages import HEARTBEAT, encode_opened, encode_turn
from everlog_server.rpc.entry import Context, tenant_of
from everlog_server.rpc.fields import duration_problem, seconds_of, violations_of
from everlog_server.rpc.requests import parse
from everlog_server.storage.tenants import Tenants

_MESSAGE_BYTES_MAX = 1024 * 1024
# Of a message that has settlements, too: so that both fit.
_DELIVERIES_BYTES_MAX = _MESSAGE_BYTES_MAX - 64 * 1024
_SETTLEMENTS_MAX = 500
_UNTOLD_MAX = 10_000


class ConsumeStreams:
    """The handler."""

    def __init__(self, *, consumers: Consumers, tenants: Tenants) -> None:
        self._consumers = consumers
        self._tenants = tenants

    async def Consume(self, messages: AsyncIterator[bytes], context: Context) -> None:
        """Delivers and settles until the member has left, or must end."""
        tenant_id = await self._tenants.resolve(tenant_of(context))
        first = await anext(aiter(messages), None)
        if first is None:
            raise BadRequestError(FieldViolation("open", "must be given in the first message"))
        request = parse(pb.ConsumeRequest, first)
        heartbeat_seconds = requests.decode_open(request)
        member = await self._consumers.join(
            tenant_id,
            request.open.consumer,
            member_name=request.open.member_name,
            credit=request.open.credit,
        )
        reading = asyncio.create_task(_read(member, messages, leave=request.leave))
        reading.add_done_callback(lambda _: member.wake.set())
        try:
            await context.write(encode_opened(member))
            await _write(member, context, heartbeat_seconds, reading)
        finally:
            reading.cancel()
            if not member.has_left:
                member.break_off()
            await asyncio.gather(reading, return_exceptions=True)


async def _write(
    member: Member, context: Context, heartbeat_seconds: float, reading: asyncio.Task[None]
) -> None:
    while True:
        member.wake.clear()  # before the look: what comes after it wakes us
        settlements = member.take_settlements(_SETTLEMENTS_MAX)
        deliveries = member.take_deliveries(_DELIVERIES_BYTES_MAX)
        if settlements or deliveries:
            await context.write(encode_turn(deliveries, settlements))
            continue
        if member.failure is not None:
            raise member.failure.again()
        if reading.done():
            reading.result()  # raises what ended it
            if not member.is_leaving:
                member.break_off()  # nothing that it has can be answered any more
        if member.has_left:
            return
        try:
            async with asyncio.timeout(heartbeat_seconds):
                await member.wake.wait()
        except TimeoutError:
            await context.write(HEARTBEAT)


async def _read(member: Member, messages: AsyncIterator[bytes], *, leave: bool) -> None:
    """Takes what the member says, until its half-close."""
    if leave:
        member.leave()
    async for data in messages:
        request = parse(pb.ConsumeRequest, data)
        requests.check_answers(request)
        for index, answer in enumerate(request.answers):
            _take(member, answer, index)
        if request.leave:
            member.leave()
        await member.wait_until_told(_UNTOLD_MAX)


def _take(member: Member, answer: pb.DeliveryAnswer, index: int) -> None:
    which = answer.WhichOneof("answer")
    if which == "ack":
        member.ack(answer.delivery_id, answer.attempt)
    elif which == "in_progress":
        member.in_progress(answer.delivery_id, answer.attempt)
    elif which == "release":
        member.release(answer.delivery_id, answer.attempt)
    elif which == "nack":
        _take_nack(member, answer, index)
    else:
        raise BadRequestError(FieldViolation(f"answers[{index}].answer", "must be given"))


def _take_nack(member: Member, answer: pb.DeliveryAnswer, index: int) -> None:
    nack = answer.nack
    error = requests.cut_error(nack.error)
    wait_seconds: float | None = None
    match nack.WhichOneof("action"):
        case "park":
            member.park(answer.delivery_id, answer.attempt, error)
            return
        case "skip":
            member.ack(answer.delivery_id, answer.attempt)
            return
        case "retry_now":
            wait_seconds = 0.0
        case "retry_after":
            problem = duration_problem(nack.retry_after, 0, requests.WAIT_SECONDS_MAX)
            if problem is not None:
                path = f"answers[{index}].nack.retry_after"
                raise BadRequestError(*violations_of(path, problem))
            wait_seconds = seconds_of(nack.retry_after)
    member.nack(answer.delivery_id, answer.attempt, error, wait_seconds=wait_seconds)
