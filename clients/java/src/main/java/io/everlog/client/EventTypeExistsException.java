package io.everlog.client;

/** The catalogue has the event type with another definition. */
public final class EventTypeExistsException extends AlreadyExistsException {
    EventTypeExistsException(Failure failure) {
        super(failure);
    }
}
