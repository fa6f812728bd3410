package io.everlog.client;

/** The event's data breaks its event type's schema. */
public final class EventDataInvalidException extends InvalidArgumentException {
    EventDataInvalidException(Failure failure) {
        super(failure);
    }
}
