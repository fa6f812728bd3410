package io.everlog.client;

/** There is no such tenant. */
public final class TenantNotFoundException extends NotFoundException {
    TenantNotFoundException(Failure failure) {
        super(failure);
    }
}
