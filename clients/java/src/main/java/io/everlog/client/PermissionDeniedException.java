package io.everlog.client;

/** The credentials do not allow this call. */
public final class PermissionDeniedException extends EverlogException {
    PermissionDeniedException(Failure failure) {
        super(failure);
    }
}
