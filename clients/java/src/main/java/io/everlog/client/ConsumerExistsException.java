package io.everlog.client;

/** There is a consumer of this name with other settings. */
public final class ConsumerExistsException extends AlreadyExistsException {
    ConsumerExistsException(Failure failure) {
        super(failure);
    }
}
