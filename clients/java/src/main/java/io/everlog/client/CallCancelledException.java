package io.everlog.client;

/** The call was ended on this side: its thread was interrupted. */
public final class CallCancelledException extends EverlogException {
    CallCancelledException(Failure failure) {
        super(failure);
    }
}
