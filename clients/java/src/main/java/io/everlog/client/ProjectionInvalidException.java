package io.everlog.client;

/** The database does not take a projection's SQL. */
public final class ProjectionInvalidException extends InvalidArgumentException {
    ProjectionInvalidException(Failure failure) {
        super(failure);
    }
}
