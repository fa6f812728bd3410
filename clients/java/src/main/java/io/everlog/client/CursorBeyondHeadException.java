package io.everlog.client;

/** The cursor is beyond the log's head: it is not from this log. */
public final class CursorBeyondHeadException extends EverlogException {
    CursorBeyondHeadException(Failure failure) {
        super(failure);
    }
}
