package io.everlog.client;

/** This server has as many subscriptions as it may have. */
public final class TooManySubscriptionsException extends ResourceExhaustedException {
    TooManySubscriptionsException(Failure failure) {
        super(failure);
    }
}
