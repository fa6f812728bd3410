package io.everlog.client;

/** The tenant is frozen: it takes no events. */
public final class TenantFrozenException extends EverlogException {
    TenantFrozenException(Failure failure) {
        super(failure);
    }
}
