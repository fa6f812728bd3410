package io.everlog.client;

/** The aggregate has no events. */
public final class AggregateNotFoundException extends NotFoundException {
    AggregateNotFoundException(Failure failure) {
        super(failure);
    }
}
