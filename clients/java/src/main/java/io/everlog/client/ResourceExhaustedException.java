package io.everlog.client;

/** The server has no room for the call now. */
public class ResourceExhaustedException extends EverlogException {
    ResourceExhaustedException(Failure failure) {
        super(failure);
    }
}
