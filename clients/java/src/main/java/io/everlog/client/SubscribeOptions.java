package io.everlog.client;

import com.google.protobuf.Empty;
import io.everlog.v1.SubscribeRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.function.BiConsumer;

/** What to follow, and from where. Each method returns new options. */
public final class SubscribeOptions {
    private final SubscribeRequest request;
    private final Duration heartbeat;
    private final BiConsumer<EverlogException, Duration> onInterruption;

    private SubscribeOptions(
            SubscribeRequest request,
            Duration heartbeat,
            BiConsumer<EverlogException, Duration> onInterruption) {
        this.request = request;
        this.heartbeat = heartbeat;
        this.onInterruption = onInterruption;
    }

    /** After this position; 0 is the start of the log. */
    public static SubscribeOptions afterPosition(long position) {
        return from(SubscribeRequest.newBuilder().setAfterPosition(position));
    }

    /** After this place, and has it checked that this is still the same log. */
    public static SubscribeOptions after(Cursor cursor) {
        return from(SubscribeRequest.newBuilder()
                .setAfterPosition(cursor.position())
                .setAfterEventId(cursor.eventId()));
    }

    /** With the first event recorded at this time or later. */
    public static SubscribeOptions fromTime(Instant time) {
        return from(SubscribeRequest.newBuilder().setFromTime(Times.toTimestamp(time)));
    }

    /** With the next event recorded once the server has answered: its first mark says that it has. */
    public static SubscribeOptions fromNow() {
        return from(SubscribeRequest.newBuilder().setFromNow(Empty.getDefaultInstance()));
    }

    /** Which events. */
    public SubscribeOptions filter(Filter filter) {
        return with(request.toBuilder().setFilter(filter.toMessage()));
    }

    /** Waits until at least this position is visible. */
    public SubscribeOptions minPosition(long position) {
        return with(request.toBuilder().setMinPosition(position));
    }

    /** The server's longest silence, 1 s to 5 min; 10 s when not said. After three it reconnects. */
    public SubscribeOptions heartbeat(Duration interval) {
        if (interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("heartbeat is " + interval + ", expected more than 0");
        }
        return new SubscribeOptions(request, interval, onInterruption);
    }

    /** Is told what interrupted the subscription, and how long it waits until the next attempt. */
    public SubscribeOptions onInterruption(BiConsumer<EverlogException, Duration> hook) {
        return new SubscribeOptions(request, heartbeat, hook);
    }

    SubscribeRequest toMessage() {
        return request.toBuilder().setHeartbeatInterval(Times.toMessage(heartbeat)).build();
    }

    Duration heartbeat() {
        return heartbeat;
    }

    BiConsumer<EverlogException, Duration> onInterruption() {
        return onInterruption;
    }

    private static SubscribeOptions from(SubscribeRequest.Builder request) {
        return new SubscribeOptions(request.build(), Duration.ofSeconds(10), (error, wait) -> {});
    }

    private SubscribeOptions with(SubscribeRequest.Builder changed) {
        return new SubscribeOptions(changed.build(), heartbeat, onInterruption);
    }
}
