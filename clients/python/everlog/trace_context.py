"""The trace of which an emit is a part, written into its events: whoever reads them can go on.

Emits share a stream, whose metadata can't say of which trace each of them is. So W3C's
`traceparent` is put into the metadata of their events, as the server does for unary calls. Only
where the program has imported OpenTelemetry and a span is current; never in place of one that an
event has already, nor where the event might be refused for it.
"""

import sys

from everlog.v1 import event_pb2

_TRACEPARENT = "traceparent"
_ENTRY_BYTES = len(_TRACEPARENT) + 55
# What a server takes unless its operator says otherwise.
_ENTRIES_MAX = 64
_ENTRIES_BYTES_MAX = 16 * 1024


def current_traceparent() -> str:
    """The `traceparent` of the span that is current; empty: there is none."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return ""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def keep_trace(event: event_pb2.NewEvent, traceparent: str) -> None:
    """Write it into an event, where that is wanted and fits."""
    entries = event.metadata
    if _TRACEPARENT not in entries and len(entries) < _ENTRIES_MAX:
        size = sum(len(key.encode()) + len(text.encode()) for key, text in entries.items())
        if size + _ENTRY_BYTES <= _ENTRIES_BYTES_MAX:
            entries[_TRACEPARENT] = traceparent
