package io.everlog.client;

/** A schema is in somebody else's use. */
public final class ProjectionSchemaTakenException extends EverlogException {
    ProjectionSchemaTakenException(Failure failure) {
        super(failure);
    }
}
