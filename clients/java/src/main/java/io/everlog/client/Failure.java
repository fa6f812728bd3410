package io.everlog.client;

import io.grpc.Status.Code;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Everything that a failed call says. {@code retryAfter} is null when the server did not say. */
record Failure(
        Code code,
        String reason,
        String message,
        Map<String, String> metadata,
        Duration retryAfter,
        List<FieldViolation> fieldViolations,
        List<SequenceViolation> sequenceViolations,
        List<KnownEvent> knownEvents)
        implements Serializable {

    /** A failure that did not come from everlog itself. */
    static Failure of(Code code, String message) {
        return new Failure(code, "", message, Map.of(), null, List.of(), List.of(), List.of());
    }
}
