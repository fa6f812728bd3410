package io.everlog.client;

import io.everlog.v1.EventStoreServiceGrpc;
import io.everlog.v1.SubscribeRequest;
import io.everlog.v1.SubscribeResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The events after a cursor, and then every new one: exactly those that match, once each, in position
 * order. It outlives connections, and goes on after what it handed out.
 *
 * <pre>
 *   connect ──▶ read ──▶ hand out ──▶ read …
 *      ▲          │
 *      └─ wait ◀──┘ interrupted: UNAVAILABLE, cut off, or silent for three heartbeats
 * </pre>
 *
 * <p>The cursor moves to a response's {@code examined_position} only when all of its events are handed
 * out, and only then is the next response read: whatever breaks, the next connection begins after
 * exactly what was handed out. Where the cursor's event is known its id goes along, and a log that was
 * restored to an earlier state meanwhile is recognised ({@link LogDivergedException}).
 *
 * <p>One thread reads; any thread may close. Reading throws an EverlogException for what waiting can't
 * mend, and {@link CallCancelledException} when the thread is interrupted.
 */
public final class Subscription implements Iterator<RecordedEvent>, AutoCloseable {
    private static final int HEARTBEATS_MISSED_MAX = 3;

    private final Connection connection;
    private final SubscribeOptions options;
    private final JsonCodec json;
    private final Consumer<AutoCloseable> onClose;
    private final long silenceNanos;
    private final CountDownLatch closed = new CountDownLatch(1);

    private volatile Cursor cursor;
    private volatile boolean started;
    // Written by the reader; guarded by `this`, so that a close never misses a stream just opened.
    private ResponseStream<SubscribeResponse> stream;

    private SubscribeResponse response;
    private Iterator<io.everlog.v1.RecordedEvent> events = Collections.emptyIterator();
    private final Queue<SubscriptionItem> marks = new ArrayDeque<>();
    private SubscriptionItem ahead;
    private EverlogException ending;
    private int failures;
    private long resumeAt = System.nanoTime();
    private boolean waiting;
    private long waitingSince;

    Subscription(Connection connection, SubscribeOptions options, JsonCodec json, Consumer<AutoCloseable> onClose) {
        this.connection = connection;
        this.options = options;
        this.json = json;
        this.onClose = onClose;
        this.silenceNanos = HEARTBEATS_MISSED_MAX * options.heartbeat().toNanos();
        SubscribeRequest request = options.toMessage();
        this.cursor = new Cursor(request.getAfterPosition(), request.getAfterEventId());
    }

    /**
     * The place after which to subscribe again, to go on after the last item. It may be further than
     * the last event: nothing in between matched. Until the first message has come, a subscription
     * from a time or from now has none, and says the start of the log.
     */
    public Cursor cursor() {
        return cursor;
    }

    /** Waits for the next event; false only when the subscription is closed. */
    @Override
    public boolean hasNext() {
        while (!(ahead instanceof SubscriptionItem.Recorded)) {
            ahead = await(Times.deadline(null));
            if (ahead == null) {
                return false;
            }
        }
        return true;
    }

    /** Waits for the next event, and hands it out; marks are passed over. */
    @Override
    public RecordedEvent next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the subscription is closed");
        }
        return ((SubscriptionItem.Recorded) handOut(ahead)).event();
    }

    /** Waits at most so long for the next event or mark; empty: nothing came, or it is closed. */
    public Optional<SubscriptionItem> poll(Duration timeout) {
        SubscriptionItem item = ahead != null ? ahead : await(Times.deadline(timeout));
        return item == null ? Optional.empty() : Optional.of(handOut(item));
    }

    /** Whether it was closed, by its reader or with its client. */
    public boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Ends the subscription, from any thread: a reader that waits is told that nothing follows. */
    @Override
    public void close() {
        synchronized (this) {
            closed.countDown();
            if (stream != null) {
                stream.close();
            }
        }
        onClose.accept(this);
    }

    private SubscriptionItem handOut(SubscriptionItem item) {
        ahead = null;
        if (item instanceof SubscriptionItem.Recorded recorded) {
            cursor = recorded.event().cursor();
            started = true;
        }
        return item;
    }

    /** Waits for the next item; null: the time is over, or the subscription is closed. */
    private SubscriptionItem await(long deadline) {
        try {
            while (!isClosed()) {
                if (ending != null) {
                    throw ending.copy();
                }
                if (events.hasNext()) {
                    return new SubscriptionItem.Recorded(new RecordedEvent(events.next(), json));
                }
                if (response != null) {
                    finish(response);
                    response = null;
                }
                if (!marks.isEmpty()) {
                    return marks.poll();
                }
                if (!read(deadline)) {
                    return null;
                }
            }
            return null;
        } catch (InterruptedException interrupted) {
            throw Failures.interrupted();
        }
    }

    /** Begins after this response next time; all of its events are handed out. */
    private void finish(SubscribeResponse finished) {
        long examined = finished.getExaminedPosition();
        if (!started || examined != cursor.position()) {
            cursor = new Cursor(examined, "");
            started = true;
        }
        if (finished.hasCaughtUp()) {
            marks.add(new SubscriptionItem.CaughtUp(examined));
        }
        if (finished.hasFellBehind()) {
            marks.add(new SubscriptionItem.FellBehind(examined));
        }
    }

    /** Reads one response, or deals with there being none; false: the time is over. */
    private boolean read(long deadline) throws InterruptedException {
        ResponseStream<SubscribeResponse> current = openStream(deadline);
        if (current == null) {
            return isClosed();
        }
        // Silence is what passes while somebody waits: a slow reader has whatever came in the queue.
        if (!waiting) {
            waiting = true;
            waitingSince = System.nanoTime();
        }
        long now = System.nanoTime();
        long silenceLeft = waitingSince + silenceNanos - now;
        ResponseStream.Arrival<SubscribeResponse> arrival =
                current.poll(Math.min(deadline - now, silenceLeft));
        if (arrival == null) {
            if (waitingSince + silenceNanos - System.nanoTime() > 0) {
                return false;
            }
            interrupt(Failures.connectionLost("not even a heartbeat came for "
                    + Duration.ofNanos(silenceNanos).toMillis() / 1000.0 + " s"));
        } else if (!arrival.isEnd()) {
            waiting = false;
            failures = 0;
            response = arrival.message();
            events = response.getEventsList().iterator();
        } else if (!isClosed()) {
            interrupt(arrival.error() != null
                    ? arrival.error()
                    : Failures.connectionLost("the server ended the stream without a reason"));
        }
        return true;
    }

    /** The open stream, or a new one when it is time for it; null: not before the deadline. */
    private ResponseStream<SubscribeResponse> openStream(long deadline) throws InterruptedException {
        if (stream != null) {
            return stream;
        }
        long now = System.nanoTime();
        long wait = Math.min(resumeAt - now, deadline - now);
        if (closed.await(Math.max(wait, 0), TimeUnit.NANOSECONDS) || resumeAt - System.nanoTime() > 0) {
            return null;
        }
        if (failures > 0) {
            connection.reconnectNow();
        }
        synchronized (this) {
            if (isClosed()) {
                return null;
            }
            stream = ResponseStream.open(
                    connection.channel(), EventStoreServiceGrpc.getSubscribeMethod(), request());
            return stream;
        }
    }

    private SubscribeRequest request() {
        return started
                ? options.toMessage().toBuilder()
                        .setAfterPosition(cursor.position())
                        .setAfterEventId(cursor.eventId())
                        .build()
                : options.toMessage();
    }

    private void interrupt(EverlogException error) {
        synchronized (this) {
            stream.close();
            stream = null;
        }
        waiting = false;
        Backoff backoff = connection.backoff();
        if (backoff == null || !Retries.subscriptionMayBeResumed(error)) {
            ending = error;
            return;
        }
        failures++;
        Duration wait = backoff.wait(failures, error);
        resumeAt = System.nanoTime() + Times.nanos(wait);
        options.onInterruption().accept(error, wait);
    }
}
