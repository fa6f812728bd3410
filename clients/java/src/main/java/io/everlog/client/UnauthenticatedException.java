package io.everlog.client;

/** The call carries no credentials, or none that are valid. */
public final class UnauthenticatedException extends EverlogException {
    UnauthenticatedException(Failure failure) {
        super(failure);
    }
}
