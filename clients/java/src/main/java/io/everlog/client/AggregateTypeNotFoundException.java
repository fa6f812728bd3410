package io.everlog.client;

/** The catalogue does not have the aggregate type. */
public final class AggregateTypeNotFoundException extends NotFoundException {
    AggregateTypeNotFoundException(Failure failure) {
        super(failure);
    }
}
