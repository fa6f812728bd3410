package io.everlog.client;

/** The log was restored to an earlier state and went on otherwise: rebuild from the start. */
public final class LogDivergedException extends EverlogException {
    LogDivergedException(Failure failure) {
        super(failure);
    }
}
