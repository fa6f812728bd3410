package io.everlog.client;

/** The minimum position did not become visible in time. */
public final class PositionNotVisibleException extends DeadlineExceededException {
    PositionNotVisibleException(Failure failure) {
        super(failure);
    }
}
