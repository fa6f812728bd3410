package io.everlog.client;

/** The read took longer than the server allows: narrow the filter. */
public final class ReadTooExpensiveException extends ResourceExhaustedException {
    ReadTooExpensiveException(Failure failure) {
        super(failure);
    }
}
