package io.everlog.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Whether a client has ever been connected to its server. Until it has, the address may be wrong or
 * nobody be there: what waits is given up after the connect timeout. Later a server that is away is
 * expected back, and is waited for as long as each call allows.
 */
final class Reach {
    private final ManagedChannel transport;
    private final Address address;
    private final Duration timeout;
    private volatile boolean noted;

    Reach(ManagedChannel transport, Address address, Duration timeout) {
        this.transport = transport;
        this.address = address;
        this.timeout = timeout;
    }

    /** For whoever got an answer. */
    void note() {
        if (!noted) {
            noted = true;
        }
    }

    /** Whether the client is, or has been, connected. */
    boolean isConnected() {
        if (!noted && transport.getState(false) == ConnectivityState.READY) {
            noted = true;
        }
        return noted;
    }

    /** When a search that begins now is given up, as {@link System#nanoTime()} counts; null: never. */
    Long deadline() {
        return isConnected() ? null : Times.deadline(timeout);
    }

    /** Whether a search with this deadline is to be given up by this moment. */
    boolean isOver(Long deadline, long moment) {
        return deadline != null && deadline - moment <= 0 && !isConnected();
    }

    /** Waits until there is a connection or an attempt at one has failed, at most until the deadline. */
    void awaitAttempt(long deadline) throws InterruptedException {
        ConnectivityState state = transport.getState(true);
        while (state == ConnectivityState.IDLE || state == ConnectivityState.CONNECTING) {
            CountDownLatch changed = new CountDownLatch(1);
            transport.notifyWhenStateChanged(state, changed::countDown);
            if (!changed.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                return;
            }
            state = transport.getState(true);
        }
    }

    /** Says that there is no server; last is what went wrong with the latest attempt, or null. */
    EverlogException failure(EverlogException last) {
        EverlogException failure = Failures.connectionLost("no server could be reached at " + address + " within "
                + timeout.toMillis() / 1000.0 + " s" + (last == null ? "" : ": " + last.message()));
        if (last != null) {
            failure.initCause(last);
        }
        return failure;
    }
}
