package io.everlog.client;

import io.grpc.Status.Code;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The call failed.
 *
 * <p>Each {@code reason} of the contract ({@code ErrorReason} in errors.proto) has a subclass of its
 * own. Branch on the class or on {@link #reason()}, never on the message. A reason that this client
 * does not know, because the server is newer, comes as the class of its code.
 */
public class EverlogException extends RuntimeException {
    private final Failure failure;

    EverlogException(Failure failure) {
        super((failure.reason().isEmpty() ? failure.code().name() : failure.reason())
                + ": " + failure.message());
        this.failure = failure;
    }

    /** Why, as the contract names it; empty when the failure did not come from everlog itself. */
    public String reason() {
        return failure.reason();
    }

    /** The canonical gRPC code. */
    public Code code() {
        return failure.code();
    }

    /** What happened, in words; {@link #getMessage()} has the reason before it. */
    public String message() {
        return failure.message();
    }

    /** What the server says besides, such as {@code position} and {@code head}. */
    public Map<String, String> metadata() {
        return failure.metadata();
    }

    /** How long to wait before trying again, when the server said so. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(failure.retryAfter());
    }

    Failure failure() {
        return failure;
    }

    /**
     * The same failure once more, with this one as its cause: one that several threads throw would mix
     * their traces, and one that was made elsewhere does not tell who called.
     */
    EverlogException copy() {
        EverlogException copy = this instanceof ConnectionLostException
                ? new ConnectionLostException(failure)
                : Failures.exception(failure);
        copy.initCause(this);
        return copy;
    }
}
