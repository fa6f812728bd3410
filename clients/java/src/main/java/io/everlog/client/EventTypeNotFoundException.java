package io.everlog.client;

/** The catalogue does not have the event type, or not that version of it. */
public final class EventTypeNotFoundException extends NotFoundException {
    EventTypeNotFoundException(Failure failure) {
        super(failure);
    }
}
