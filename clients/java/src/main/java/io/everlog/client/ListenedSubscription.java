package io.everlog.client;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A subscription that a listener follows; made by {@link EverlogClient#subscribe}. */
public final class ListenedSubscription implements AutoCloseable {
    private static final Duration LONG = Duration.ofDays(1);

    private final Subscription subscription;
    private final SubscriptionListener listener;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    ListenedSubscription(Subscription subscription, SubscriptionListener listener) {
        this.subscription = subscription;
        this.listener = listener;
    }

    /** The place after which to subscribe again; see {@link Subscription#cursor()}. */
    public Cursor cursor() {
        return subscription.cursor();
    }

    /** Completes when it is closed; fails with what ended it otherwise. Cancelling it does nothing. */
    public CompletableFuture<Void> ended() {
        return ended.copy();
    }

    /** Ends it, also from within the listener; a call of the listener that runs is not waited for. */
    @Override
    public void close() {
        subscription.close();
    }

    void run() {
        try (subscription) {
            while (!subscription.isClosed()) {
                Optional<SubscriptionItem> item = subscription.poll(LONG);
                item.ifPresent(this::tell);
            }
            ended.complete(null);
        } catch (Throwable failure) {
            ended.completeExceptionally(failure);
        }
    }

    private void tell(SubscriptionItem item) {
        if (item instanceof SubscriptionItem.Recorded recorded) {
            listener.onEvent(recorded.event());
        } else if (item instanceof SubscriptionItem.CaughtUp mark) {
            listener.onCaughtUp(mark.position());
        } else if (item instanceof SubscriptionItem.FellBehind mark) {
            listener.onFellBehind(mark.position());
        }
    }
}
