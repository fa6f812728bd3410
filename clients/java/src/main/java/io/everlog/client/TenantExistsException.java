package io.everlog.client;

/** There is a tenant of this name. */
public final class TenantExistsException extends AlreadyExistsException {
    TenantExistsException(Failure failure) {
        super(failure);
    }
}
