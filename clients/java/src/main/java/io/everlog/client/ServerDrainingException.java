package io.everlog.client;

/** This server is shutting down; nothing was stored. */
public final class ServerDrainingException extends UnavailableException {
    ServerDrainingException(Failure failure) {
        super(failure);
    }
}
