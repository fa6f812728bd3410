"""The trace of which an Emit is a part, kept with its events: whoever reads them can go on with it.

W3C's `traceparent`, from the call's metadata into the metadata of each of its events, under the
same name. Only if the caller sent it, never in place of one that an event has already, and never if
the event would be refused for it. Idempotency does not look at metadata: a retry may be another
trace.

Not on an EmitStream, which many traces share: there the caller writes it into each event, and that
of an Emit's first event is the one that its span is below (emit_stream.py).
"""

from __future__ import annotations

import re
from typing import TypeGuard

from everlog.v1 import event_store_pb2 as pb
from everlog_server.settings import LimitSettings

TRACEPARENT = "traceparent"

# Of version 00, neither id all zeros: https://www.w3.org/TR/trace-context/#traceparent-header.
_VALID = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_VALUE_BYTES = 55
_ENTRY_BYTES = len(TRACEPARENT) + _VALUE_BYTES
_ENTRY_ON_THE_WIRE_BYTES = _ENTRY_BYTES + 16


def is_trace(traceparent: object) -> TypeGuard[str]:
    """Whether it is the `traceparent` of a trace."""
    return isinstance(traceparent, str) and _VALID.fullmatch(traceparent) is not None


def keep_trace(request: pb.EmitRequest, traceparent: object, limits: LimitSettings) -> None:
    """Writes it into the events, where it is valid, wanted, and fits; changes the message."""
    if not is_trace(traceparent):
        return
    added = _ENTRY_ON_THE_WIRE_BYTES * len(request.events)
    if request.ByteSize() + added > limits.request_bytes_max:
        return
    for event in request.events:
        entries = event.metadata
        # An empty key, or an entry too many, is refused later, and not for what is added here.
        if TRACEPARENT in entries or len(entries) >= limits.metadata_entries_max:
            continue
        size = sum(len(key.encode()) + len(entries[key].encode()) for key in entries)
        if (
            size + _ENTRY_BYTES <= limits.metadata_bytes_max
            and event.ByteSize() + _ENTRY_ON_THE_WIRE_BYTES <= limits.event_bytes_max
        ):
            entries[TRACEPARENT] = traceparent
