package io.everlog.client;

/** The event is not in a state of which the call could make anything. */
public final class EventNotPendingException extends EverlogException {
    EventNotPendingException(Failure failure) {
        super(failure);
    }
}
