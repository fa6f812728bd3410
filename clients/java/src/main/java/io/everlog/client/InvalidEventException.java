package io.everlog.client;

/** A field of an event is missing, ill-formed or too long. */
public final class InvalidEventException extends InvalidArgumentException {
    InvalidEventException(Failure failure) {
        super(failure);
    }
}
