import grpc
import pytest

import everlog
from everlog.errors import ERRORS_BY_CODE, ERRORS_BY_REASON
from everlog.retry import (
    Backoff,
    emit_may_be_retried,
    read_may_be_retried,
    subscription_may_be_resumed,
)

CUT_BY_A_PROXY = everlog.InternalError(code=grpc.StatusCode.INTERNAL, reason="")


@pytest.mark.parametrize(
    "error", [everlog.StorageUnavailable(), everlog.ServerDraining(), everlog.Overloaded()]
)
def test_what_was_certainly_not_stored_may_be_sent_again_without_a_key(
    error: everlog.EverlogError,
) -> None:
    assert emit_may_be_retried(error, recognisable=False)


@pytest.mark.parametrize(
    "error",
    [everlog.ConnectionLost(), everlog.CommitUnknown(), everlog.Unavailable(), CUT_BY_A_PROXY],
)
def test_what_may_be_stored_is_sent_again_only_if_the_log_would_know_it(
    error: everlog.EverlogError,
) -> None:
    assert emit_may_be_retried(error, recognisable=True)
    assert not emit_may_be_retried(error, recognisable=False)


@pytest.mark.parametrize(
    "error",
    [
        everlog.SequenceConflict(),
        everlog.InvalidEvent(),
        everlog.IdempotencyKeyReused(),
        everlog.DeadlineExceeded(),
        everlog.InternalError(),
        everlog.PermissionDenied(),
    ],
)
def test_an_answer_is_not_asked_for_twice(error: everlog.EverlogError) -> None:
    assert not emit_may_be_retried(error, recognisable=True)
    assert not read_may_be_retried(error)
    assert not subscription_may_be_resumed(error)


@pytest.mark.parametrize(
    "error",
    [
        everlog.ServerDraining(),
        everlog.StorageUnavailable(),
        everlog.ConnectionLost(),
        everlog.TooManySubscriptions(),
        CUT_BY_A_PROXY,
    ],
)
def test_an_interrupted_subscription_goes_on(error: everlog.EverlogError) -> None:
    assert subscription_may_be_resumed(error)


@pytest.mark.parametrize(
    "error", [everlog.LogDiverged(), everlog.CursorBeyondHead(), everlog.CursorTrimmed()]
)
def test_a_cursor_of_another_log_is_told_to_the_caller(error: everlog.EverlogError) -> None:
    assert not subscription_may_be_resumed(error)


# What may be sent again after each reason: an emit, an emit that the log would recognise, a read,
# a subscription.
AFTER_A_REASON = {
    "STORAGE_UNAVAILABLE": (True, True, True, True),
    "SERVER_DRAINING": (True, True, True, True),
    "OVERLOADED": (True, True, True, True),
    "COMMIT_UNKNOWN": (False, True, True, True),
    "TOO_MANY_SUBSCRIPTIONS": (False, False, False, True),
}
AFTER_A_CODE = {
    grpc.StatusCode.UNAVAILABLE: (False, True, True, True),
    grpc.StatusCode.CANCELLED: (False, True, True, True),
    grpc.StatusCode.INTERNAL: (False, True, False, True),
}
NEVER = (False, False, False, False)


def decisions(error: everlog.EverlogError) -> tuple[bool, bool, bool, bool]:
    return (
        emit_may_be_retried(error, recognisable=False),
        emit_may_be_retried(error, recognisable=True),
        read_may_be_retried(error),
        subscription_may_be_resumed(error),
    )


@pytest.mark.parametrize("reason", ERRORS_BY_REASON)
def test_what_may_be_sent_again_after_each_reason(reason: str) -> None:
    assert decisions(ERRORS_BY_REASON[reason]()) == AFTER_A_REASON.get(reason, NEVER)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.value[0] != 0])
def test_what_may_be_sent_again_after_a_failure_without_a_reason(code: grpc.StatusCode) -> None:
    kind = ERRORS_BY_CODE.get(code, everlog.EverlogError)
    error = kind(code=code, reason="")
    assert decisions(error) == AFTER_A_CODE.get(code, NEVER)


def test_waits_grow_up_to_the_cap() -> None:
    waits = [Backoff().seconds(failures, random=lambda: 1.0) for failures in (1, 2, 3, 11, 5000)]
    assert waits == pytest.approx([0.1, 0.15, 0.225, 5.0, 5.0])


def test_jitter_takes_off_up_to_half() -> None:
    assert Backoff().seconds(50, random=lambda: 0.0) == pytest.approx(2.5)
    assert len({Backoff().seconds(3) for _ in range(20)}) > 1


def test_a_wait_is_not_shorter_than_the_server_asked_for() -> None:
    assert Backoff().seconds(1, retry_after=7.0) == 7.0
