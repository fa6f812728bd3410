package io.everlog.client;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import java.time.Instant;

/** Times between Java and the wire. What is finer than a microsecond is cut off. */
final class Times {
    private Times() {}

    static Timestamp toTimestamp(Instant time) {
        return Timestamp.newBuilder()
                .setSeconds(time.getEpochSecond())
                .setNanos(time.getNano() / 1_000 * 1_000)
                .build();
    }

    static Instant toInstant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos() / 1_000 * 1_000);
    }

    static Duration toMessage(java.time.Duration duration) {
        return Duration.newBuilder()
                .setSeconds(duration.getSeconds())
                .setNanos(duration.getNano())
                .build();
    }

    /** The moment so far from now, as {@link System#nanoTime()} counts; null is about a century. */
    static long deadline(java.time.Duration timeout) {
        return System.nanoTime() + nanos(timeout);
    }

    /** The duration in nanoseconds, at most about a century; null is that century. */
    static long nanos(java.time.Duration duration) {
        long most = Long.MAX_VALUE / 3;
        return duration == null || duration.getSeconds() > most / 1_000_000_000
                ? most
                : Math.max(duration.toNanos(), 0);
    }
}
