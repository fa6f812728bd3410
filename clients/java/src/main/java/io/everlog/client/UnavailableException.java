package io.everlog.client;

/** The server can't answer now. */
public class UnavailableException extends EverlogException {
    UnavailableException(Failure failure) {
        super(failure);
    }
}
