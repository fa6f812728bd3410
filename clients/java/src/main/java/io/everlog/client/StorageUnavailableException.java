package io.everlog.client;

/** PostgreSQL can't be reached or refuses work; nothing was stored. */
public final class StorageUnavailableException extends UnavailableException {
    StorageUnavailableException(Failure failure) {
        super(failure);
    }
}
