package io.everlog.client;

/** There is no such projection. */
public final class ProjectionNotFoundException extends NotFoundException {
    ProjectionNotFoundException(Failure failure) {
        super(failure);
    }
}
