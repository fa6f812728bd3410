package io.everlog.client;

import io.everlog.v1.KnownEventsPolicy;

/** What to do with a request of which only some events are known already. */
public enum KnownEvents {
    /** Refuse it whole, with {@link IdempotencyKeysPartlyKnownException}. */
    REFUSE(KnownEventsPolicy.KNOWN_EVENTS_POLICY_REFUSE),

    /** Answer the known ones with their original receipts, and append the others. */
    SKIP(KnownEventsPolicy.KNOWN_EVENTS_POLICY_SKIP);

    private final KnownEventsPolicy message;

    KnownEvents(KnownEventsPolicy message) {
        this.message = message;
    }

    KnownEventsPolicy toMessage() {
        return message;
    }
}
