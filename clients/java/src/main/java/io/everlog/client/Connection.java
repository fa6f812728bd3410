package io.everlog.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Calls to one server: their deadlines, retries and typed failures. */
final class Connection {
    private final ManagedChannel transport;
    private final Channel channel;
    private final Reach reach;
    private final Duration timeout;
    private final Backoff backoff;

    /**
     * @param channel the transport, with the headers of every call
     * @param timeout of each unary read, retries included; null: no bound
     * @param backoff null: nothing is retried
     */
    Connection(ManagedChannel transport, Channel channel, Reach reach, Duration timeout, Backoff backoff) {
        this.transport = transport;
        this.channel = channel;
        this.reach = reach;
        this.timeout = timeout;
        this.backoff = backoff;
    }

    Channel channel() {
        return channel;
    }

    Reach reach() {
        return reach;
    }

    /** Null: nothing is retried. */
    Backoff backoff() {
        return backoff;
    }

    boolean isClosed() {
        return transport.isShutdown();
    }

    /**
     * Has the transport look for the server at once. gRPC's own pauses between attempts grow to two
     * minutes: a restarted server would be found long after it is back.
     */
    void reconnectNow() {
        transport.resetConnectBackoff();
    }

    /** Makes a unary read, again while it is UNAVAILABLE and there is time. */
    <Q, T> T read(MethodDescriptor<Q, T> method, Q request) {
        Attempts attempts = new Attempts();
        while (true) {
            attempts.search();
            try {
                T response = ClientCalls.blockingUnaryCall(channel, method, attempts.options(), request);
                reach.note();
                return response;
            } catch (StatusRuntimeException failure) {
                attempts.waitOrThrow(failed(failure));
            }
        }
    }

    private static EverlogException failed(StatusRuntimeException failure) {
        return Thread.currentThread().isInterrupted()
                ? Failures.interrupted()
                : Statuses.exception(failure.getStatus(), failure.getTrailers());
    }

    /** The attempts of one read, until one succeeds or the time is over. */
    final class Attempts {
        private final long deadline = Times.deadline(timeout);
        private final Long searchDeadline = reach.deadline();
        private int failures;
        private EverlogException interruption;

        private CallOptions options() {
            return timeout == null
                    ? CallOptions.DEFAULT
                    : CallOptions.DEFAULT.withDeadlineAfter(
                            deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        /** Waits for the first connection, if there is none yet; throws when there is none in time. */
        private void search() {
            if (searchDeadline == null || reach.isConnected()) {
                return;
            }
            try {
                reach.awaitAttempt(deadline - searchDeadline < 0 ? deadline : searchDeadline);
            } catch (InterruptedException interrupted) {
                throw Failures.interrupted();
            }
            if (reach.isOver(searchDeadline, System.nanoTime())) {
                throw reach.failure(interruption);
            }
        }

        /** Waits until the next attempt is due, or throws what ends them. */
        void waitOrThrow(EverlogException error) {
            if (!error.reason().isEmpty()) {
                reach.note();
            }
            if (error.getClass() == DeadlineExceededException.class && interruption != null) {
                throw interruption; // why it took so long says more than that it did
            }
            if (backoff == null || isClosed() || !Retries.readMayBeRetried(error)) {
                throw error;
            }
            interruption = error;
            failures++;
            long wait = Times.nanos(backoff.wait(failures, error));
            if (deadline - System.nanoTime() <= wait) {
                throw error;
            }
            if (reach.isOver(searchDeadline, System.nanoTime() + wait)) {
                throw reach.failure(error);
            }
            try {
                TimeUnit.NANOSECONDS.sleep(wait);
            } catch (InterruptedException interrupted) {
                throw Failures.interrupted();
            }
            reconnectNow();
        }
    }
}
