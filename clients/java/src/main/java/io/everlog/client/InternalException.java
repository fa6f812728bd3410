package io.everlog.client;

/** A defect of the server; its log has the details. */
public final class InternalException extends EverlogException {
    InternalException(Failure failure) {
        super(failure);
    }
}
