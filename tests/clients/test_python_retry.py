import grpc
import pytest

import everlog
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


def test_waits_grow_up_to_the_cap() -> None:
    waits = [Backoff().seconds(failures, random=lambda: 1.0) for failures in (1, 2, 3, 11, 5000)]
    assert waits == pytest.approx([0.1, 0.15, 0.225, 5.0, 5.0])


def test_jitter_takes_off_up_to_half() -> None:
    assert Backoff().seconds(50, random=lambda: 0.0) == pytest.approx(2.5)
    assert len({Backoff().seconds(3) for _ in range(20)}) > 1


def test_a_wait_is_not_shorter_than_the_server_asked_for() -> None:
    assert Backoff().seconds(1, retry_after=7.0) == 7.0
