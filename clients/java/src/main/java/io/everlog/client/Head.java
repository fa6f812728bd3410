package io.everlog.client;

import io.everlog.v1.GetHeadResponse;
import java.time.Instant;
import java.util.Optional;

/**
 * Where a log ends.
 *
 * @param position the position of its last event; 0 when it is empty
 * @param eventId the id of that event; empty when the log is empty
 * @param recordTime when it was recorded; empty when the log is empty
 */
public record Head(long position, String eventId, Optional<Instant> recordTime) {
    static Head of(GetHeadResponse message) {
        return new Head(
                message.getPosition(),
                message.getEventId(),
                message.hasRecordTime()
                        ? Optional.of(Times.toInstant(message.getRecordTime()))
                        : Optional.empty());
    }

    /** The cursor after the last event. */
    public Cursor cursor() {
        return new Cursor(position, eventId);
    }
}
