package io.everlog.client;

/** The consumer has as many members as it may have. */
public final class TooManyMembersException extends ResourceExhaustedException {
    TooManyMembersException(Failure failure) {
        super(failure);
    }
}
