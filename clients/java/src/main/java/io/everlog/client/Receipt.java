package io.everlog.client;

import java.time.Instant;

/**
 * What the server says of an event that is stored, durably.
 *
 * @param eventId its id, a UUID
 * @param position its number in the tenant's log, from 1
 * @param sequence its number within its aggregate, from 1
 * @param recordTime when it was recorded, to the microsecond
 * @param deduplicated whether an earlier request stored it, and this one found it
 * @param documentable whether people should be told about it in narratives
 */
public record Receipt(
        String eventId,
        long position,
        long sequence,
        Instant recordTime,
        boolean deduplicated,
        boolean documentable) {
    static Receipt of(io.everlog.v1.Receipt message) {
        return new Receipt(
                message.getEventId(),
                message.getPosition(),
                message.getSequence(),
                Times.toInstant(message.getRecordTime()),
                message.getDeduplicated(),
                message.getDocumentable());
    }
}
