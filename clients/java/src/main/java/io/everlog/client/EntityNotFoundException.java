package io.everlog.client;

/** No event that is indexed carries the id, and nobody has linked it. */
public final class EntityNotFoundException extends NotFoundException {
    EntityNotFoundException(Failure failure) {
        super(failure);
    }
}
