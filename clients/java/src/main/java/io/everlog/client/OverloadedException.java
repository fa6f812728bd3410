package io.everlog.client;

/** The server's append queue is full; nothing was stored. */
public final class OverloadedException extends ResourceExhaustedException {
    OverloadedException(Failure failure) {
        super(failure);
    }
}
