package io.everlog.client;

import java.util.List;

/** The log knows an event of the request already. */
public class AlreadyExistsException extends EverlogException {
    AlreadyExistsException(Failure failure) {
        super(failure);
    }

    /** The events of the request that are known, or whose key or id belongs to another one. */
    public List<KnownEvent> knownEvents() {
        return failure().knownEvents();
    }

    /** The id of the first known event; empty when the server did not say. */
    public String eventId() {
        return knownEvents().isEmpty() ? "" : knownEvents().get(0).eventId();
    }
}
