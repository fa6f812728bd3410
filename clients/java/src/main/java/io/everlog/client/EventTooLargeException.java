package io.everlog.client;

/** One event is larger than the limit. */
public final class EventTooLargeException extends InvalidArgumentException {
    EventTooLargeException(Failure failure) {
        super(failure);
    }
}
