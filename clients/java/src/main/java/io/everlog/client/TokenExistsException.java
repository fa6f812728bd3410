package io.everlog.client;

/** There is, or was, a token of this name. */
public final class TokenExistsException extends AlreadyExistsException {
    TokenExistsException(Failure failure) {
        super(failure);
    }
}
