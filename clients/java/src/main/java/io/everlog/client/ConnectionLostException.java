package io.everlog.client;

/**
 * The server can't be reached, or the connection broke before it answered.
 *
 * <p>Of an emit it is then unknown whether it is stored: with idempotency keys it is safe to try
 * again, and the client has done so until the time was over.
 */
public final class ConnectionLostException extends UnavailableException {
    ConnectionLostException(Failure failure) {
        super(failure);
    }
}
