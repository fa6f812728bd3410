package io.everlog.client;

/** There is no such consumer. */
public final class ConsumerNotFoundException extends NotFoundException {
    ConsumerNotFoundException(Failure failure) {
        super(failure);
    }
}
