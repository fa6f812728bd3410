"""The one table of reasons and codes, against the contract and the exceptions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
import structlog
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from everlog.v1 import errors_pb2
from everlog_server import errors
from everlog_server.model import AggregateKey, Expectation, ExpectationKind
from everlog_server.rpc import status

PROTO = Path(__file__).parents[2] / "protos/everlog/v1/errors.proto"
REASONS = {
    name.removeprefix("ERROR_REASON_")
    for name in errors_pb2.ErrorReason.keys()  # noqa: SIM118  an enum's wrapper is no dict
    if name != "ERROR_REASON_UNSPECIFIED"
}

M = TypeVar("M", bound=Message)


def detail(of: status_pb2.Status, kind: type[M]) -> M:
    found = [any_ for any_ in of.details if any_.Is(kind.DESCRIPTOR)]
    assert len(found) == 1
    message = kind()
    found[0].Unpack(message)
    return message


def all_errors(base: type[errors.EverlogError]) -> list[type[errors.EverlogError]]:
    return [base] + [error for sub in base.__subclasses__() for error in all_errors(sub)]


def test_the_table_has_every_reason_of_the_contract() -> None:
    assert set(status._CODES) == REASONS


def test_every_exception_has_a_reason_of_the_contract() -> None:
    house = [e for e in all_errors(errors.EverlogError) if e.__module__ == errors.__name__]
    assert {error.reason for error in house} <= REASONS


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_the_contracts_comment_begins_with_the_code(reason: str) -> None:
    comment = re.search(
        rf"((?:^ *//.*\n)+) *ERROR_REASON_{reason} = ", PROTO.read_text(), re.MULTILINE
    )
    assert comment is not None
    code = status._CODES[reason].name
    assert re.match(rf" *// {code}[.,]", comment[1]), comment[1]
    says_retry = "with RetryInfo" in comment[1].replace("\n  //", "")
    raised = [e for e in all_errors(errors.EverlogError) if e.reason == reason]
    assert not says_retry or all(e.retry_after_seconds is not None for e in raised)


def test_a_bad_request_names_every_field() -> None:
    answer = status.status_of(
        errors.InvalidEventError(
            errors.FieldViolation("events[0].json", "is no JSON"),
            errors.FieldViolation("events[1].actor", "is too long"),
        )
    )
    assert answer.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert answer.message == "events[0].json: is no JSON; events[1].actor: is too long"
    info = detail(answer, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("INVALID_EVENT", "everlog")
    fields = detail(answer, error_details_pb2.BadRequest).field_violations
    assert [violation.field for violation in fields] == ["events[0].json", "events[1].actor"]


def conflict(count: int) -> errors.SequenceConflictError:
    return errors.SequenceConflictError(
        tuple(
            errors.Violation(
                Expectation(AggregateKey("order", f"{'x' * 200}{n}"), ExpectationKind.EXACTLY, 3),
                4,
            )
            for n in range(count)
        )
    )


def test_a_conflict_lists_every_violated_expectation() -> None:
    answer = status.status_of(conflict(1000))
    assert answer.code == grpc.StatusCode.ABORTED.value[0]
    violations = detail(answer, errors_pb2.SequenceConflict).violations
    assert len(violations) == 1000
    assert violations[0].expected_sequence == 3
    assert violations[0].actual_sequence == 4
    assert violations[0].expected == errors_pb2.SequenceConflict.Violation.EXPECTED_SEQUENCE


def test_the_trailers_of_a_call_stay_within_what_every_client_takes() -> None:
    ended = status.trailers_status_of(conflict(1000))
    (_, data), *others = ended.trailing_metadata
    assert not others
    assert len(ended.details) * 3 + len(data) * 4 / 3 < 8192
    answer = status_pb2.Status.FromString(data)
    shown = len(detail(answer, errors_pb2.SequenceConflict).violations)
    assert shown > 0
    assert detail(answer, error_details_pb2.ErrorInfo).metadata["omitted"] == str(1000 - shown)


def test_known_events_are_told_by_index_key_and_id() -> None:
    known = (errors.KnownEvent(2, "k", "id"),)
    answer = status.status_of(errors.IdempotencyKeyReusedError("used", known))
    assert answer.code == grpc.StatusCode.ALREADY_EXISTS.value[0]
    assert detail(answer, error_details_pb2.ErrorInfo).reason == "IDEMPOTENCY_KEY_REUSED"
    event = detail(answer, errors_pb2.KnownEvents).events[0]
    assert (event.index, event.idempotency_key, event.event_id) == (2, "k", "id")


@pytest.mark.parametrize(
    "error", [errors.OverloadedError, errors.ServerDrainingError, errors.StorageUnavailableError]
)
def test_where_waiting_helps_it_says_how_long(error: type[errors.EverlogError]) -> None:
    answer = status.status_of(error())
    delay = detail(answer, error_details_pb2.RetryInfo).retry_delay
    assert delay.ToTimedelta().total_seconds() == error.retry_after_seconds


def test_a_defect_tells_nothing_but_the_id_under_which_it_is_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        answer = status.status_of(KeyError("secret"), request_id="abc")
    assert answer.code == grpc.StatusCode.INTERNAL.value[0]
    assert b"secret" not in answer.SerializeToString()
    assert "abc" in answer.message
    info = detail(answer, error_details_pb2.ErrorInfo)
    assert (info.reason, info.metadata["request_id"]) == ("INTERNAL", "abc")
    assert logs[0]["request_id"] == "abc"
    assert isinstance(logs[0]["exc_info"], KeyError)


def test_a_long_message_is_cut_between_characters() -> None:
    answer = status.status_of(errors.EventNotFoundError("é" * 1000))
    assert set(answer.message) == {"é", "…"}
    assert len(answer.message.encode()) <= 515


def test_an_error_that_is_raised_again_is_another_object_that_says_the_same() -> None:
    error = errors.InvalidEventError(errors.FieldViolation("events[0].json", "is no JSON"))
    again = error.again()
    assert again is not error
    assert type(again) is errors.InvalidEventError
    assert (again.message, again.__dict__) == (error.message, error.__dict__)
