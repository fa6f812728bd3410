"""Exit codes and reasons: what scripts and people get when a command fails."""

import pytest

import everlog
from everlog.details import Details
from everlog_server.cli.failures import ExitCode, exit_code, explain


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (everlog.SequenceConflict(), ExitCode.REFUSED),
        (everlog.InvalidEvent(), ExitCode.REFUSED),
        (everlog.IdempotencyKeyReused(), ExitCode.REFUSED),
        (everlog.CursorBeyondHead(), ExitCode.REFUSED),
        (everlog.PermissionDenied(), ExitCode.REFUSED),
        (everlog.ReadTooExpensive(), ExitCode.REFUSED),
        (everlog.EventNotFound(), ExitCode.NOT_FOUND),
        (everlog.TenantNotFound(), ExitCode.NOT_FOUND),
        (everlog.ConnectionLost(), ExitCode.UNAVAILABLE),
        (everlog.CommitUnknown(), ExitCode.UNAVAILABLE),
        (everlog.DeadlineExceeded(), ExitCode.UNAVAILABLE),
        (everlog.Overloaded(), ExitCode.UNAVAILABLE),
        (everlog.InternalError(), ExitCode.DEFECT),
        (everlog.EverlogError(), ExitCode.DEFECT),
    ],
)
def test_each_failure_has_its_exit_code(error: everlog.EverlogError, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_a_conflict_is_told_by_its_facts() -> None:
    key = everlog.AggregateKey("order", "42")
    violation = everlog.SequenceViolation(aggregate=key, expected=3, actual=4)
    error = everlog.SequenceConflict("prose", details=Details(sequence_violations=[violation]))
    assert explain(error) == "SEQUENCE_CONFLICT: order/42 is at sequence 4, expected 3"


def test_an_invalid_event_is_told_by_its_fields() -> None:
    wrong = everlog.FieldViolation(field="events[0].event_type", description="must be given")
    error = everlog.InvalidEvent("prose", details=Details(field_violations=[wrong]))
    assert explain(error) == "INVALID_EVENT: events[0].event_type: must be given"


def test_a_reason_is_one_line() -> None:
    assert explain(everlog.StorageUnavailable("a\n  b")) == "STORAGE_UNAVAILABLE: a b"


def test_a_server_that_is_not_there_is_told_in_plain_words() -> None:
    told = explain(everlog.ConnectionLost("failed to connect to all addresses; last error: …"))
    assert told == (
        "UNAVAILABLE: no answer from the server: does it run (everlog serve), and is --url right?"
    )
