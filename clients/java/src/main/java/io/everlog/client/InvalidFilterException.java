package io.everlog.client;

/** A field of the filter is ill-formed or too long. */
public final class InvalidFilterException extends InvalidArgumentException {
    InvalidFilterException(Failure failure) {
        super(failure);
    }
}
