"""What is asked and decided about consumers' events, checked: raises BadRequestError."""

from __future__ import annotations

from everlog.v1 import consumers_pb2 as pb
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import EventFilter
from everlog_server.rpc.consumer_requests import decode_name
from everlog_server.rpc.decoding import parse_uuid
from everlog_server.rpc.fields import (
    checked_enum,
    text_problem,
    uuid_problem,
    violations_of,
)
from everlog_server.rpc.filters import decode_filter
from everlog_server.rpc.validation import VIOLATIONS_MAX
from everlog_server.settings import LimitSettings

REASON_BYTES_MAX = 4 * 1024
SELECTED_MAX = 1_000
_ACTIONS = {
    pb.SetProcessingRequest.ACTION_ACK: "ack",
    pb.SetProcessingRequest.ACTION_RETRY: "retry",
    pb.SetProcessingRequest.ACTION_PARK: "park",
}


def optional_name(name: str, path: str) -> str | None:
    """The name of a consumer; None: of all."""
    return decode_name(name, path) if name else None


def decode_action(request: pb.SetProcessingRequest) -> str:
    """What is decided; `reason` is checked too."""
    checked_enum(request.action, pb.SetProcessingRequest.Action.DESCRIPTOR, "action")
    violations = [*violations_of("reason", text_problem(request.reason, REASON_BYTES_MAX))]
    if request.action not in _ACTIONS:
        violations.append(FieldViolation("action", "must be given"))
    if violations:
        raise BadRequestError(*violations)
    return _ACTIONS[request.action]


def decode_selection(
    selection: pb.ParkedSelection, limits: LimitSettings
) -> list[bytes] | EventFilter:
    """Ids of events, or a filter."""
    which = selection.WhichOneof("which")
    if which == "all":
        return EventFilter()
    if which == "filter":
        return decode_filter(selection.filter, limits)
    if which != "events":
        raise BadRequestError(FieldViolation("selection", "must be given: events, filter, or all"))
    ids = selection.events.event_ids
    path = "selection.events.event_ids"
    if not 1 <= len(ids) <= SELECTED_MAX:
        raise BadRequestError(FieldViolation(path, f"has {len(ids)}; 1 to {SELECTED_MAX}"))
    violations = [
        violation
        for index, one in enumerate(ids)
        for violation in violations_of(
            f"{path}[{index}]", uuid_problem(one) if one else "must be given"
        )
    ]
    if violations:
        raise BadRequestError(*violations[:VIOLATIONS_MAX])
    return [parse_uuid(one) for one in ids]
