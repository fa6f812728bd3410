package io.everlog.client;

/** A field of the request is missing, ill-formed or contradicts a second one. */
public final class InvalidRequestException extends InvalidArgumentException {
    InvalidRequestException(Failure failure) {
        super(failure);
    }
}
