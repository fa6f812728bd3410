package io.everlog.client;

/** The page token is damaged, or belongs to another query. */
public final class PageTokenInvalidException extends InvalidArgumentException {
    PageTokenInvalidException(Failure failure) {
        super(failure);
    }
}
