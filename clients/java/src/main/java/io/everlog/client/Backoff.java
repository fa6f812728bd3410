package io.everlog.client;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;

/**
 * How long to wait before the n-th attempt: growing, capped, with jitter.
 *
 * @param initial before the first retry
 * @param max the cap
 * @param multiplier from one wait to the next; below 2, so that whoever was away is found again
 *     within half of its absence
 */
public record Backoff(Duration initial, Duration max, double multiplier) {
    /** 0.1 s, growing by half, up to 5 s. */
    public static final Backoff DEFAULT =
            new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5), 1.5);

    public Backoff {
        Objects.requireNonNull(initial, "initial");
        Objects.requireNonNull(max, "max");
        if (initial.isNegative() || initial.isZero() || max.compareTo(initial) < 0) {
            throw new IllegalArgumentException(
                    "waits from " + initial + " to " + max + ", expected 0 < initial <= max");
        }
        if (!(multiplier >= 1 && multiplier <= 10)) {
            throw new IllegalArgumentException("multiplier is " + multiplier + ", expected 1 to 10");
        }
    }

    /**
     * Says how long to wait after so many failures in a row, from 1: between half and all of the
     * grown wait, so that clients do not return in step; not less than the server asked for, even
     * beyond the cap.
     */
    Duration wait(int failures, EverlogException error) {
        return wait(failures, error, ThreadLocalRandom.current()::nextDouble);
    }

    Duration wait(int failures, EverlogException error, DoubleSupplier random) {
        // The exponent is bounded: a double overflows after a thousand failures.
        double full = initial.toNanos() * Math.pow(multiplier, Math.min(failures - 1, 32));
        double jittered = Math.min(full, max.toNanos()) * (0.5 + random.getAsDouble() / 2);
        Duration own = Duration.ofNanos((long) jittered);
        return error.retryAfter().filter(asked -> asked.compareTo(own) > 0).orElse(own);
    }
}
