package io.everlog.client;

/** There is no such event. */
public final class EventNotFoundException extends NotFoundException {
    EventNotFoundException(Failure failure) {
        super(failure);
    }
}
