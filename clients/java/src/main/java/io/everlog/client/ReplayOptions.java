package io.everlog.client;

import io.everlog.v1.ReplayDirection;
import io.everlog.v1.ReplayRequest;
import java.time.Instant;

/**
 * Which stretch of history to read. Each method returns new options.
 *
 * <p>The bounds are of the stretch, whatever the direction. A stretch has one start and one end: what
 * is said last counts.
 */
public final class ReplayOptions {
    private static final ReplayOptions LOG = new ReplayOptions(ReplayRequest.getDefaultInstance());

    private final ReplayRequest request;

    private ReplayOptions(ReplayRequest request) {
        this.request = request;
    }

    /** The whole log, forwards, up to the head as it is when the call arrives. */
    public static ReplayOptions log() {
        return LOG;
    }

    /** One aggregate; without events it fails with {@link AggregateNotFoundException}. */
    public static ReplayOptions aggregate(String aggregateType, String aggregateId) {
        return aggregate(new AggregateKey(aggregateType, aggregateId));
    }

    /** One aggregate; without events it fails with {@link AggregateNotFoundException}. */
    public static ReplayOptions aggregate(AggregateKey aggregate) {
        return with(LOG.request.toBuilder().setAggregate(aggregate.toMessage()));
    }

    /** Which events of the stretch. */
    public ReplayOptions filter(Filter filter) {
        return with(request.toBuilder().setFilter(filter.toMessage()));
    }

    /** Begins after this position of the log. */
    public ReplayOptions afterPosition(long position) {
        return with(request.toBuilder().setAfterPosition(position).clearAfterEventId());
    }

    /** Begins after this place, and has it checked that this is still the same log. */
    public ReplayOptions after(Cursor cursor) {
        return with(request.toBuilder()
                .setAfterPosition(cursor.position())
                .setAfterEventId(cursor.eventId()));
    }

    /** Begins after this sequence; only with an aggregate. */
    public ReplayOptions afterSequence(long sequence) {
        return with(request.toBuilder().setAfterSequence(sequence).clearAfterEventId());
    }

    /** Begins with the first event recorded at this time or later. */
    public ReplayOptions fromTime(Instant time) {
        return with(request.toBuilder().setFromTime(Times.toTimestamp(time)).clearAfterEventId());
    }

    /** Ends with the event at this position. */
    public ReplayOptions throughPosition(long position) {
        return with(request.toBuilder().setThroughPosition(position));
    }

    /** Ends with this sequence; only with an aggregate. */
    public ReplayOptions throughSequence(long sequence) {
        return with(request.toBuilder().setThroughSequence(sequence));
    }

    /** Ends with the last event recorded at this time or earlier. */
    public ReplayOptions throughTime(Instant time) {
        return with(request.toBuilder().setThroughTime(Times.toTimestamp(time)));
    }

    /** Newest first. */
    public ReplayOptions backwards() {
        return with(request.toBuilder().setDirection(ReplayDirection.REPLAY_DIRECTION_BACKWARDS));
    }

    /** Stops after so many events; 0: no limit. */
    public ReplayOptions maxEvents(long events) {
        return with(request.toBuilder().setMaxEvents(events));
    }

    /** Waits until at least this position is visible. */
    public ReplayOptions minPosition(long position) {
        return with(request.toBuilder().setMinPosition(position));
    }

    ReplayRequest toMessage() {
        return request;
    }

    private static ReplayOptions with(ReplayRequest.Builder changed) {
        return new ReplayOptions(changed.build());
    }
}
