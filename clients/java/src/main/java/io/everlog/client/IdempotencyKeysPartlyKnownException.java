package io.everlog.client;

/** Some of the request's idempotency keys or event ids are known and others are not. */
public final class IdempotencyKeysPartlyKnownException extends AlreadyExistsException {
    IdempotencyKeysPartlyKnownException(Failure failure) {
        super(failure);
    }
}
