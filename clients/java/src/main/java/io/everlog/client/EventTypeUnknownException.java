package io.everlog.client;

/** The tenant's catalogue is strict and does not have this event type. */
public final class EventTypeUnknownException extends InvalidArgumentException {
    EventTypeUnknownException(Failure failure) {
        super(failure);
    }
}
