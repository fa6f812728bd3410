package io.everlog.client;

/** What is to be replaced is not at the expected version. */
public final class VersionConflictException extends EverlogException {
    VersionConflictException(Failure failure) {
        super(failure);
    }
}
