package io.everlog.client;

/** Retention has removed events that follow the cursor. */
public final class CursorTrimmedException extends EverlogException {
    CursorTrimmedException(Failure failure) {
        super(failure);
    }
}
