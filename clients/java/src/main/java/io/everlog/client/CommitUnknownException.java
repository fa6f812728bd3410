package io.everlog.client;

/** It could not be found out whether the events are stored: with idempotency keys, try again. */
public final class CommitUnknownException extends UnavailableException {
    CommitUnknownException(Failure failure) {
        super(failure);
    }
}
