package io.everlog.client;

/** An idempotency key was seen before with other content. */
public final class IdempotencyKeyReusedException extends AlreadyExistsException {
    IdempotencyKeyReusedException(Failure failure) {
        super(failure);
    }
}
