package io.everlog.client;

/** There is no such token. */
public final class TokenNotFoundException extends NotFoundException {
    TokenNotFoundException(Failure failure) {
        super(failure);
    }
}
