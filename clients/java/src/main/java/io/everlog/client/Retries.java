package io.everlog.client;

import io.grpc.Status.Code;

/**
 * When to try again: decisions only, without clocks, threads or connections.
 *
 * <p>What may be repeated follows from what the contract says of each reason. After
 * {@code STORAGE_UNAVAILABLE}, {@code SERVER_DRAINING} and {@code OVERLOADED} nothing was stored:
 * anybody may try again. After a lost connection and {@code COMMIT_UNKNOWN} the events may be stored:
 * only who would be recognised, by an idempotency key or a chosen id of every event, may try again.
 * Everything else is an answer, not an interruption.
 */
final class Retries {
    private Retries() {}

    /** Whether an emit that failed so may be sent again; recognisable: the log would know it. */
    static boolean emitMayBeRetried(EverlogException error, boolean recognisable) {
        return error instanceof StorageUnavailableException
                || error instanceof ServerDrainingException
                || error instanceof OverloadedException
                || recognisable && (error instanceof UnavailableException || wasCutOff(error));
    }

    /** Whether a read that failed so may be sent again. */
    static boolean readMayBeRetried(EverlogException error) {
        // Not after INTERNAL, with which gRPC also ends what can never succeed.
        return error instanceof UnavailableException
                || error instanceof OverloadedException
                || error.code() == Code.CANCELLED && wasCutOff(error);
    }

    /** Whether a subscription that ended so goes on from its cursor, rather than being over. */
    static boolean subscriptionMayBeResumed(EverlogException error) {
        return error instanceof UnavailableException
                || error instanceof OverloadedException
                || error instanceof TooManySubscriptionsException
                || wasCutOff(error);
    }

    /** Whether something on the way ended the call: everlog itself always gives a reason. */
    private static boolean wasCutOff(EverlogException error) {
        return error.reason().isEmpty()
                && !(error instanceof CallCancelledException)
                && (error.code() == Code.CANCELLED || error.code() == Code.INTERNAL);
    }
}
