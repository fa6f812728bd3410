import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

import everlog
from everlog.errors import ERRORS_BY_REASON
from everlog.status import error_from_rpc, error_from_status
from everlog.v1 import errors_pb2, event_pb2
from tests.clients.scripted_server import status

ORDER = event_pb2.AggregateKey(aggregate_type="order", aggregate_id="42")
Violation = errors_pb2.SequenceConflict.Violation


def test_every_reason_of_the_contract_has_its_class() -> None:
    prefix = "ERROR_REASON_"
    reasons = {name.removeprefix(prefix) for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118
    assert set(ERRORS_BY_REASON) == reasons - {"UNSPECIFIED"}


def test_a_sequence_conflict_lists_every_violated_expectation() -> None:
    error = error_from_status(
        status(
            grpc.StatusCode.ABORTED,
            "SEQUENCE_CONFLICT",
            errors_pb2.SequenceConflict(
                violations=[
                    Violation(
                        aggregate=ORDER,
                        expected=Violation.EXPECTED_SEQUENCE,
                        expected_sequence=3,
                        actual_sequence=4,
                    ),
                    Violation(
                        aggregate=ORDER,
                        expected=Violation.EXPECTED_NOT_TO_EXIST,
                        actual_sequence=4,
                    ),
                    Violation(aggregate=ORDER, expected=Violation.EXPECTED_TO_EXIST),
                ]
            ),
        )
    )
    assert isinstance(error, everlog.SequenceConflict)
    assert [(v.expected, v.actual) for v in error.violations] == [
        (3, 4),
        (everlog.MUST_NOT_EXIST, 4),
        (everlog.MUST_EXIST, 0),
    ]
    assert str(error.violations[0]) == "order/42 is at sequence 4, expected 3"


def test_a_reused_idempotency_key_names_the_event_that_has_it() -> None:
    known = errors_pb2.KnownEvents.KnownEvent(index=2, idempotency_key="k", event_id="e")
    error = error_from_status(
        status(
            grpc.StatusCode.ALREADY_EXISTS,
            "IDEMPOTENCY_KEY_REUSED",
            errors_pb2.KnownEvents(events=[known]),
        )
    )
    assert isinstance(error, everlog.IdempotencyKeyReused)
    assert error.event_id == "e"
    assert error.known_events[0].index == 2


def test_a_damaged_event_is_named() -> None:
    info = error_details_pb2.ErrorInfo(
        reason="EVENT_DAMAGED", domain="everlog", metadata={"position": "5", "event_id": "e"}
    )
    told = status_pb2.Status(code=code_pb2.DATA_LOSS)
    told.details.add().Pack(info)
    error = error_from_status(told)
    assert isinstance(error, everlog.EventDamaged)
    assert (error.position, error.event_id) == (5, "e")


def test_an_unknown_event_type_comes_with_the_nearest_names() -> None:
    one = errors_pb2.UnknownEventTypes.UnknownEventType(
        index=1, event_type="order.craeted", nearest_event_types=["order.created"]
    )
    detail = errors_pb2.UnknownEventTypes(event_types=[one])
    error = error_from_status(
        status(grpc.StatusCode.INVALID_ARGUMENT, "EVENT_TYPE_UNKNOWN", detail)
    )
    assert isinstance(error, everlog.EventTypeUnknown)
    expected = everlog.UnknownEventType(1, "order.craeted", ("order.created",))
    assert error.unknown_event_types == (expected,)


def test_invalid_data_lists_every_rule_that_it_breaks() -> None:
    rules = {"index": 2, "event_type": "order.created", "version": 3}
    violations = [
        {**rules, "data_pointer": "/total", "schema_pointer": "/type", "message": "is no number"},
        {**rules, "message": "is of aggregate type 'x'"},
    ]
    detail = errors_pb2.InvalidEventData()
    for violation in violations:
        detail.violations.add(**violation)
    error = error_from_status(
        status(grpc.StatusCode.INVALID_ARGUMENT, "EVENT_DATA_INVALID", detail)
    )
    assert isinstance(error, everlog.EventDataInvalid)
    of_data, of_aggregate = error.data_violations
    assert str(of_data) == "events[2] (order.created) data/total: is no number"
    assert (of_data.schema_pointer, of_data.version) == ("/type", 3)
    assert of_aggregate.data_pointer is None
    assert str(of_aggregate) == "events[2] (order.created) is of aggregate type 'x'"


def test_an_invalid_event_names_each_field() -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(
        field="events[3].event_type", description="is empty"
    )
    error = error_from_status(
        status(
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_EVENT",
            error_details_pb2.BadRequest(field_violations=[violation]),
        )
    )
    assert isinstance(error, everlog.InvalidEvent)
    assert [(v.field, v.description) for v in error.field_violations] == [
        ("events[3].event_type", "is empty")
    ]


def test_an_error_carries_reason_code_message_metadata_and_the_time_to_wait() -> None:
    error = error_from_status(
        status(
            grpc.StatusCode.OUT_OF_RANGE,
            "CURSOR_BEYOND_HEAD",
            message="position 9 is beyond the head, 4",
            retry_after=1.5,
            position="9",
            head="4",
        )
    )
    assert isinstance(error, everlog.CursorBeyondHead)
    assert error.code is grpc.StatusCode.OUT_OF_RANGE
    assert error.reason == "CURSOR_BEYOND_HEAD"
    assert error.message == "position 9 is beyond the head, 4"
    assert error.metadata == {"position": "9", "head": "4"}
    assert error.retry_after == 1.5
    assert str(error) == "CURSOR_BEYOND_HEAD: position 9 is beyond the head, 4"


def test_a_reason_that_this_client_does_not_know_falls_back_to_its_code() -> None:
    error = error_from_status(status(grpc.StatusCode.NOT_FOUND, "MOON_NOT_FOUND"))
    assert type(error) is everlog.NotFound
    assert error.reason == "MOON_NOT_FOUND"


def test_a_reason_of_another_domain_is_not_taken_for_one_of_everlogs() -> None:
    error = error_from_status(
        status(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", domain="example.org")
    )
    assert type(error) is everlog.Unavailable
    assert error.reason == ""


def test_an_unknown_code_is_still_an_everlog_error() -> None:
    error = error_from_status(status_pb2.Status(code=999, message="?"))
    assert type(error) is everlog.EverlogError
    assert error.code is grpc.StatusCode.UNKNOWN


def rpc_error(code: grpc.StatusCode, *trailers: tuple[str, bytes]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details="gone"
    )


def test_unavailable_without_a_status_of_everlogs_is_a_lost_connection() -> None:
    assert type(error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE))) is everlog.ConnectionLost


def test_a_failed_call_is_read_from_its_trailers() -> None:
    given = status(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
    trailer = ("grpc-status-details-bin", given.SerializeToString())
    error = error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE, trailer))
    assert type(error) is everlog.ServerDraining


def test_trailers_that_contradict_the_calls_own_code_are_not_believed() -> None:
    given = status_pb2.Status(code=code_pb2.ABORTED)
    trailer = ("grpc-status-details-bin", given.SerializeToString())
    error = error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE, trailer))
    assert type(error) is everlog.ConnectionLost


@pytest.mark.parametrize("error", ERRORS_BY_REASON.values(), ids=ERRORS_BY_REASON)
def test_a_docstring_is_the_default_message(error: type[everlog.EverlogError]) -> None:
    assert error().message
    assert str(error()) == f"{error.reason}: {error().message}"
