package io.everlog.client;

/**
 * What is stored of an event is no event any more: it has to be restored from a backup. Trying again
 * does not help. Reads may go on after its position.
 */
public final class EventDamagedException extends EverlogException {
    EventDamagedException(Failure failure) {
        super(failure);
    }

    /** Where it stands in the log; 0 when the server did not say. */
    public long position() {
        return Long.parseLong(metadata().getOrDefault("position", "0"));
    }

    /** Its id; empty when the server did not say. */
    public String eventId() {
        return metadata().getOrDefault("event_id", "");
    }
}
