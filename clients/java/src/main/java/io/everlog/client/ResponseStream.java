package io.everlog.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A server's stream, taken message by message by one thread.
 *
 * <p>At most {@link #READ_AHEAD} messages are here before they are asked for: a slow reader holds the
 * server back, rather than filling memory.
 */
final class ResponseStream<T> implements AutoCloseable {
    private static final int READ_AHEAD = 2;

    private final BlockingQueue<Arrival<T>> arrived = new LinkedBlockingQueue<>();
    private final ClientCall<?, T> call;

    /**
     * What came: a message, or the end with its error, which is null when the server ended the stream
     * without one.
     */
    record Arrival<T>(T message, EverlogException error) {
        boolean isEnd() {
            return message == null;
        }
    }

    private ResponseStream(ClientCall<?, T> call) {
        this.call = call;
    }

    /** Makes a call with one request. */
    static <Q, T> ResponseStream<T> open(Channel channel, MethodDescriptor<Q, T> method, Q request) {
        ClientCall<Q, T> call = channel.newCall(method, CallOptions.DEFAULT);
        ResponseStream<T> stream = new ResponseStream<>(call);
        call.start(stream.listener(), new Metadata());
        call.request(READ_AHEAD);
        call.sendMessage(request);
        call.halfClose();
        return stream;
    }

    /** Takes the next arrival; waits for it, at most so long; null: nothing came. */
    Arrival<T> poll(long timeoutNanos) throws InterruptedException {
        Arrival<T> arrival = arrived.poll(Math.max(timeoutNanos, 0), TimeUnit.NANOSECONDS);
        if (arrival != null && !arrival.isEnd()) {
            call.request(1);
        }
        return arrival;
    }

    /** Ends the call, from any thread: whoever waits sees its end. */
    @Override
    public void close() {
        call.cancel("the reader has gone", null);
    }

    private ClientCall.Listener<T> listener() {
        return new ClientCall.Listener<>() {
            @Override
            public void onMessage(T message) {
                arrived.add(new Arrival<>(message, null));
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
                arrived.add(new Arrival<>(
                        null, status.isOk() ? null : Statuses.exception(status, trailers)));
            }
        };
    }
}
