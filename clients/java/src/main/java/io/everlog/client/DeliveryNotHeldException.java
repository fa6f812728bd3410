package io.everlog.client;

/** The delivery is not this member's, or not any more. */
public final class DeliveryNotHeldException extends EverlogException {
    DeliveryNotHeldException(Failure failure) {
        super(failure);
    }
}
