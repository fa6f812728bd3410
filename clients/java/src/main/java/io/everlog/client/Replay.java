package io.everlog.client;

import io.everlog.v1.EventStoreServiceGrpc;
import io.everlog.v1.ReplayRequest;
import io.everlog.v1.ReplayResponse;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A stretch of history, event by event; it ends by itself. One thread reads; any thread may close.
 *
 * <p>Before its first message it is tried again as any read; an interruption after that is thrown,
 * not resumed: go on after the last event's position. It has no deadline.
 */
public final class Replay implements Iterator<RecordedEvent>, AutoCloseable {
    private final Connection connection;
    private final ReplayRequest request;
    private final JsonCodec json;
    private final Consumer<AutoCloseable> onClose;
    private final Connection.Attempts attempts;

    private ResponseStream<ReplayResponse> stream;
    private Iterator<io.everlog.v1.RecordedEvent> events = Collections.emptyIterator();
    private boolean begun;
    private boolean over;
    private volatile boolean closed;

    Replay(Connection connection, ReplayOptions options, JsonCodec json, Consumer<AutoCloseable> onClose) {
        this.connection = connection;
        this.request = options.toMessage();
        this.json = json;
        this.onClose = onClose;
        this.attempts = connection.new Attempts();
        open();
    }

    /** Waits for the next event; false at the end of the stretch, or when it is closed. */
    @Override
    public boolean hasNext() {
        try {
            while (!closed && !over && !events.hasNext()) {
                read();
            }
        } catch (InterruptedException interrupted) {
            close();
            throw Failures.interrupted();
        }
        return !closed && events.hasNext();
    }

    @Override
    public RecordedEvent next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return new RecordedEvent(events.next(), json);
    }

    /** Streams the rest; closing the stream closes the replay. */
    public Stream<RecordedEvent> stream() {
        int kind = Spliterator.ORDERED | Spliterator.NONNULL;
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, kind), false)
                .onClose(this::close);
    }

    /** Ends the call, from any thread. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            stream.close();
        }
        onClose.accept(this);
    }

    private void read() throws InterruptedException {
        ResponseStream.Arrival<ReplayResponse> arrival = stream.poll(Times.nanos(null));
        if (!arrival.isEnd()) {
            begun = true;
            events = arrival.message().getEventsList().iterator();
        } else if (arrival.error() == null) {
            over = true;
            onClose.accept(this);
        } else if (!closed) {
            if (begun) {
                over = true;
                onClose.accept(this);
                throw arrival.error().copy();
            }
            attempts.waitOrThrow(arrival.error().copy());
            open();
        }
    }

    private synchronized void open() {
        if (!closed) {
            stream = ResponseStream.open(
                    connection.channel(), EventStoreServiceGrpc.getReplayMethod(), request);
        }
    }
}
