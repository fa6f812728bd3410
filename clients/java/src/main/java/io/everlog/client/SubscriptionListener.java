package io.everlog.client;

import java.time.Duration;

/**
 * Is told what a subscription hands out, one thing at a time, on a thread of the client.
 *
 * <p>The next event waits until a method has returned: a slow listener holds the server back. What a
 * method throws ends the subscription.
 */
@FunctionalInterface
public interface SubscriptionListener {
    /** An event. Its {@code cursor()} is the checkpoint once this method has returned. */
    void onEvent(RecordedEvent event);

    /** Everything that the log had is handed out: what follows is live. */
    default void onCaughtUp(long position) {}

    /** This listener is slower than the log grows; nothing is lost. */
    default void onFellBehind(long position) {}

    /** The subscription was interrupted, and resumes after this wait. */
    default void onInterruption(EverlogException error, Duration wait) {}
}
