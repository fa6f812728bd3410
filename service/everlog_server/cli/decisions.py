"""`everlog decisions`: what agents propose, and what people say to it; by Query and Emit alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import click
import orjson

import everlog
from everlog import AggregateKey, Client, Event, Filter, RecordedEvent
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.event_json import receipt_line, time_text
from everlog_server.cli.failures import ExitCode, run, say
from everlog_server.cli.parameters import LIMIT_OPTION
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_PROPOSED = "agent.decision_proposed"
_VERDICTS = {"agent.decision_approved": "approved", "agent.decision_rejected": "rejected"}
_BY = {"approved": "approved_by", "rejected": "rejected_by"}
_ACTOR_OPTION = click.option(
    "--actor",
    envvar="EVERLOG_ACTOR",
    show_envvar=True,
    required=True,
    metavar="NAME",
    help="Who decides, such as user:ann.",
)


@dataclass(frozen=True, slots=True)
class _Decision:
    """A proposal, and what was said to it first; None: nothing yet."""

    proposed: RecordedEvent
    verdict: RecordedEvent | None

    @property
    def state(self) -> str:
        if self.verdict is not None:
            return _VERDICTS[self.verdict.event_type]
        expires = self.field("expires_time")
        try:
            is_over = expires and datetime.fromisoformat(expires) <= datetime.now(UTC)
        except (TypeError, ValueError):  # no time, or one without a zone
            is_over = False
        return "expired" if is_over else "open"

    @property
    def decided_by(self) -> str:
        if self.verdict is None:
            return ""
        return str(_fields(self.verdict).get(_BY[self.state]) or self.verdict.actor)

    def field(self, name: str) -> Any:
        return _fields(self.proposed).get(name)


@click.group(cls=CommandGroup)
def decisions() -> None:
    """List what agents propose, and approve or reject it.

    A proposal is an event `agent.decision_proposed`, and so is what is said to it.
    """


@decisions.command("list")
@click.option("--all", "with_decided", is_flag=True, help="Decided and expired ones, too.")
@click.option("--agent", default="", help="Only those of this agent.")
@LIMIT_OPTION
@client_options
def list_(*, target: Target, with_decided: bool, agent: str, limit: int) -> None:
    """List the proposals that wait for somebody's word, newest first."""
    run(_list(target, with_decided=with_decided, agent=agent, limit=limit))


@decisions.command()
@click.argument("decision", metavar="DECISION")
@_ACTOR_OPTION
@click.option("--note", default="", help="What is to be said beside it.")
@click.option("--changes", metavar="JSON", help="In what it differs from the proposal: an object.")
@client_options
def approve(*, target: Target, decision: str, actor: str, note: str, changes: str | None) -> None:
    """Approve the proposal DECISION (the id of its aggregate). It is then carried out."""
    data: dict[str, Any] = {"approved_by": actor}
    if note:
        data["note"] = note
    if changes is not None:
        data["changes"] = _object(changes)
    run(_decide(target, decision, "agent.decision_approved", data, actor))


@decisions.command()
@click.argument("decision", metavar="DECISION")
@_ACTOR_OPTION
@click.option("--reason", required=True, help="Why.")
@client_options
def reject(*, target: Target, decision: str, actor: str, reason: str) -> None:
    """Reject the proposal DECISION (the id of its aggregate)."""
    data = {"rejected_by": actor, "reason": reason}
    run(_decide(target, decision, "agent.decision_rejected", data, actor))


def _object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"--changes is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError(f"--changes is {text}, expected a JSON object")
    return value


async def _list(target: Target, *, with_decided: bool, agent: str, limit: int) -> None:
    output = Output(as_json=target.json)
    verdicts: dict[AggregateKey, RecordedEvent] = {}
    count = 0
    async with target.connect() as client:
        query = client.query(Filter(event_types=(_PROPOSED, *_VERDICTS)))
        async for event in query:
            about = AggregateKey(event.aggregate_type, event.aggregate_id)
            if event.event_type in _VERDICTS:
                verdicts[about] = event  # the first one counts: newest come first
                continue
            decision = _Decision(event, verdicts.pop(about, None))
            if agent and decision.field("agent") != agent:
                continue
            if with_decided or decision.state == "open":
                _show(output, decision)
                count += 1
            if count == limit:
                break
    output.flush()


def _show(output: Output, decision: _Decision) -> None:
    proposed, verdict = decision.proposed, decision.verdict
    if output.as_json:
        document = {
            "decision": proposed.aggregate_id,
            "state": decision.state,
            "proposed": _fields(proposed),
            "event_id": proposed.event_id,
            "record_time": time_text(proposed.record_time),
            "correlation_id": proposed.correlation_id,
            "causation_id": proposed.causation_id,
        }
        if verdict is not None:
            document["decided_by"] = decision.decided_by
            document["decided_time"] = time_text(verdict.record_time)
        output.document(document)
        return
    confidence = decision.field("confidence")
    cells = [
        shown_time(proposed.record_time),
        proposed.aggregate_id,
        decision.state + (f" by {decision.decided_by}" if verdict is not None else ""),
        str(decision.field("agent") or proposed.actor or "-"),
        str(decision.field("decision_type") or "-"),
        f"{confidence:.0%}" if isinstance(confidence, int | float) else "-",
        orjson.dumps(decision.field("proposal")).decode(),
        str(decision.field("reasoning") or ""),
    ]
    output.line("  ".join(visible(cell) for cell in cells).rstrip())


async def _decide(
    target: Target, decision_id: str, event_type: str, data: dict[str, Any], actor: str
) -> None:
    async with target.connect(retries=True) as client:
        decision = await _find(client, decision_id)
        if decision.verdict is not None:
            _refuse_decided(decision)
        if decision.state == "expired":
            _refuse(f"{decision_id} has expired, at {decision.field('expires_time')}")
        proposed = decision.proposed
        verdict = Event(
            event_type,
            aggregate=(proposed.aggregate_type, decision_id),
            data=data,
            actor=actor,
            causation_id=proposed.event_id,
            correlation_id=proposed.correlation_id,
            # Sent again after an interruption, it is the same word of the same person.
            idempotency_key=f"{proposed.event_id}/{event_type}/{actor}",
        )
        try:
            receipt = await client.emit(verdict, expect=proposed.sequence)
        except (everlog.SequenceConflict, everlog.AlreadyExists):
            # Somebody was faster: the sequence at which this was decided is past.
            decided = await _find(client, decision_id)
            if decided.verdict is None:
                raise
            _refuse_decided(decided)
    output = Output(as_json=target.json)
    if target.json:
        output.line(receipt_line(receipt).decode().rstrip("\n"))
    else:
        output.line(f"{decision_id} is {_VERDICTS[event_type]} ({receipt.event_id})")
    output.flush()


async def _find(client: Client, decision_id: str) -> _Decision:
    about = Filter(
        aggregate=AggregateKey("decision", decision_id), event_types=(_PROPOSED, *_VERDICTS)
    )
    proposed = verdict = None
    async for event in client.query(about, order="oldest_first"):
        if event.event_type == _PROPOSED:
            proposed = proposed or event
        else:
            verdict = verdict or event
    if proposed is None:
        say(f"nobody has proposed {decision_id}: see `everlog decisions list`")
        sys.exit(ExitCode.NOT_FOUND)
    return _Decision(proposed, verdict)


def _refuse_decided(decision: _Decision) -> NoReturn:
    assert decision.verdict is not None  # noqa: S101 - both callers know
    when = shown_time(decision.verdict.record_time)
    _refuse(
        f"{decision.proposed.aggregate_id} was {decision.state} by {decision.decided_by}, {when}"
    )


def _refuse(why: str) -> NoReturn:
    say(why)
    sys.exit(ExitCode.REFUSED)


def _fields(event: RecordedEvent) -> dict[str, Any]:
    try:
        return event.data if isinstance(event.data, dict) else {}
    except ValueError:  # no JSON, or one that Python does not read
        return {}
