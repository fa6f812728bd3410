package io.everlog.client;

/** The request has more events or bytes than the limits: split it. */
public final class BatchTooLargeException extends InvalidArgumentException {
    BatchTooLargeException(Failure failure) {
        super(failure);
    }
}
