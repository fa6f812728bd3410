package io.everlog.client;

/** There is no such thing. */
public class NotFoundException extends EverlogException {
    NotFoundException(Failure failure) {
        super(failure);
    }
}
