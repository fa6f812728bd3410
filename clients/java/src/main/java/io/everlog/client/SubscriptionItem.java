package io.everlog.client;

/** What a subscription hands out: an event, or a mark between events. */
public sealed interface SubscriptionItem {
    /** The position in the log that it stands for. */
    long position();

    /**
     * Everything that the log had, up to this position, is handed out: what follows is live.
     *
     * @param position the position
     */
    record CaughtUp(long position) implements SubscriptionItem {}

    /**
     * The caller reads more slowly than the log grows; nothing is lost.
     *
     * @param position the position up to which everything is handed out
     */
    record FellBehind(long position) implements SubscriptionItem {}

    /**
     * A recorded event.
     *
     * @param event the event
     */
    record Recorded(RecordedEvent event) implements SubscriptionItem {
        @Override
        public long position() {
            return event.position();
        }
    }
}
