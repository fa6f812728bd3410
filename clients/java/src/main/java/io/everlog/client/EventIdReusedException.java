package io.everlog.client;

/** A chosen event id was seen before with other content. */
public final class EventIdReusedException extends AlreadyExistsException {
    EventIdReusedException(Failure failure) {
        super(failure);
    }
}
