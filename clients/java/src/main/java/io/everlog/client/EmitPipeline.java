package io.everlog.client;

import io.everlog.v1.EmitRequest;
import io.everlog.v1.EmitStreamRequest;
import io.everlog.v1.EmitStreamResponse;
import io.everlog.v1.EventStoreServiceGrpc;
import io.everlog.v1.StreamedAnswer;
import io.everlog.v1.StreamedEmit;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * One EmitStream for many callers: concurrent emits share messages, each gets its own answer.
 *
 * <pre>
 *   submit ──▶ queue (by number) ──▶ in flight (by number) ──▶ answer
 *                    ▲                       │
 *                    └── may be retried ─────┘  refused for now, or the stream broke
 * </pre>
 *
 * <ul>
 *   <li>An emit's number is its {@code request_id} for good, and the queue gives out the lowest number
 *       first: what is sent again goes before what was never sent, in the order of submission.
 *   <li>Nothing waits for company. What was submitted while the sender was busy travels in one message.
 *   <li>Nothing leaves the queue before a connection is there to take it ({@code isReady}): what is
 *       still queued when a stream breaks is certainly not stored, and is sent on the next one.
 *   <li>At most {@link #IN_FLIGHT_BYTES_MAX} are unanswered, except for one larger emit alone.
 *   <li>Every emit ends in exactly one of: receipts, an error of its own, its caller's cancellation.
 *   <li>All state but {@code submitted} is touched within {@code turns} only, one turn at a time; no
 *       future is completed within one, because its dependents are the caller's code.
 * </ul>
 */
final class EmitPipeline {
    private static final int MESSAGE_EMITS_MAX = 1_000;
    private static final int MESSAGE_BYTES_MAX = 1024 * 1024;
    private static final int IN_FLIGHT_EMITS_MAX = 5_000; // half of a server's append queue, at its default
    private static final int IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024;
    private static final int READ_AHEAD = 4;

    private final Connection connection;
    private final Executor executor;
    private final ScheduledExecutorService timer;
    private final SynchronizationContext turns;

    private final AtomicLong numbers = new AtomicLong();
    private final Queue<Emit<?>> submitted = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean turnIsDue = new AtomicBoolean();

    private final TreeMap<Long, Emit<?>> queue = new TreeMap<>();
    private final Map<Long, Emit<?>> inFlight = new HashMap<>();
    private long inFlightBytes;
    private Stream stream;
    private int failures;
    private boolean paused;
    private ScheduledFuture<?> expiry;
    private long expiryAt;
    private boolean closed;

    EmitPipeline(Connection connection, Executor executor, ScheduledExecutorService timer) {
        this.connection = connection;
        this.executor = executor;
        this.timer = timer;
        this.turns = new SynchronizationContext((thread, defect) -> closeBecauseOf(defect));
    }

    /**
     * Queues a request. The future gives what {@code result} makes of its receipts, or fails with an
     * EverlogException. Cancelling it withdraws the request if it is not sent yet; if it is, nobody
     * will be told what becomes of it.
     *
     * @param recognisable whether every event carries an idempotency key or a chosen id
     * @param timeout retries included; null: no bound
     */
    <T> CompletableFuture<T> submit(
            EmitRequest request,
            boolean recognisable,
            Duration timeout,
            Function<List<Receipt>, T> result) {
        long number = numbers.incrementAndGet();
        StreamedEmit message =
                StreamedEmit.newBuilder().setRequestId(number).setRequest(request).build();
        CompletableFuture<T> answer = new CompletableFuture<>();
        submitted.add(new Emit<>(
                number,
                message,
                message.getSerializedSize(),
                recognisable,
                timeout == null ? null : Times.deadline(timeout),
                connection.reach().deadline(),
                result,
                answer));
        if (turnIsDue.compareAndSet(false, true)) {
            run(this::takeTurn);
        }
        return answer;
    }

    /** Ends the stream. Emits without an answer fail with ConnectionLostException. */
    void close() {
        turns.execute(() -> close(Failures.connectionLost("the client was closed before the answer came")));
    }

    // --- Turns: everything below but `run` and `Emit` happens within one --------------------------

    private void takeTurn() {
        turns.execute(() -> {
            turnIsDue.set(false); // before looking: whoever submits from now on asks for another turn
            for (Emit<?> emit = submitted.poll(); emit != null; emit = submitted.poll()) {
                if (closed) {
                    refuse(List.of(emit), Failures.connectionLost("the client is closed"));
                } else {
                    queue.put(emit.number, emit);
                    expireBy(emit.deadline);
                    expireBy(emit.searchDeadline);
                }
            }
            send();
        });
    }

    private void send() {
        while (!queue.isEmpty() && queue.firstEntry().getValue().answer.isDone()) {
            queue.pollFirstEntry();
        }
        if (closed || paused || queue.isEmpty()) {
            return;
        }
        if (stream == null) {
            stream = new Stream();
            stream.start();
        }
        while (stream.call.isReady()) {
            EmitStreamRequest message = nextMessage();
            if (message == null) {
                return;
            }
            stream.hasSent = true;
            stream.call.sendMessage(message);
        }
    }

    /** Moves emits from the queue to those in flight, as many as one message may have; null: none. */
    private EmitStreamRequest nextMessage() {
        EmitStreamRequest.Builder message = EmitStreamRequest.newBuilder();
        int bytes = 0;
        while (!queue.isEmpty() && message.getEmitsCount() < MESSAGE_EMITS_MAX) {
            Emit<?> emit = queue.firstEntry().getValue();
            if (!emit.answer.isDone()) {
                boolean full = message.getEmitsCount() > 0 && bytes + emit.bytes > MESSAGE_BYTES_MAX;
                if (full || !hasRoom(emit.bytes)) {
                    break;
                }
                inFlight.put(emit.number, emit);
                inFlightBytes += emit.bytes;
                bytes += emit.bytes;
                message.addEmits(emit.message);
            }
            queue.pollFirstEntry();
        }
        return message.getEmitsCount() == 0 ? null : message.build();
    }

    private boolean hasRoom(int bytes) {
        return inFlight.isEmpty()
                || inFlight.size() < IN_FLIGHT_EMITS_MAX && inFlightBytes + bytes <= IN_FLIGHT_BYTES_MAX;
    }

    /** Hands answers to those who wait for them. */
    private void take(EmitStreamResponse response) {
        connection.reach().note();
        List<Runnable> completions = new ArrayList<>(response.getAnswersCount());
        for (StreamedAnswer answer : response.getAnswersList()) {
            Emit<?> emit = inFlight.remove(answer.getRequestId());
            if (emit == null) {
                continue; // an answer to nobody: there is nobody to tell
            }
            inFlightBytes -= emit.bytes;
            if (answer.hasResponse()) {
                failures = 0;
                completions.add(() -> emit.resolve(answer));
            } else {
                retryOrRefuse(List.of(emit), Statuses.exception(answer.getStatus()));
            }
        }
        if (!completions.isEmpty()) {
            run(() -> completions.forEach(Runnable::run));
        }
        send();
    }

    /** Decides about the emits that a broken stream left without an answer. */
    private void settle(boolean hasSent, EverlogException error) {
        List<Emit<?>> unanswered = List.copyOf(inFlight.values());
        inFlight.clear();
        inFlightBytes = 0;
        retryOrRefuse(unanswered, error);
        if (!hasSent) {
            // Nobody's request was the cause, and nothing of the queue can have been stored.
            if (connection.backoff() != null && Retries.emitMayBeRetried(error, true)) {
                queue.values().forEach(emit -> emit.lastError = error);
                pause(error);
            } else {
                refuse(List.copyOf(queue.values()), error);
                queue.clear();
            }
        }
        send();
    }

    private void retryOrRefuse(List<Emit<?>> failed, EverlogException error) {
        List<Emit<?>> refused = new ArrayList<>();
        for (Emit<?> emit : failed) {
            emit.lastError = error;
            if (connection.backoff() == null || !Retries.emitMayBeRetried(error, emit.recognisable)) {
                refused.add(emit);
            } else if (!emit.answer.isDone()) {
                queue.put(emit.number, emit);
                pause(error);
            }
        }
        refuse(refused, error);
    }

    /** Holds everything back for a while: what failed now would fail for the next emit, too. */
    private void pause(EverlogException error) {
        if (paused || closed) {
            return; // another refusal out of the same misfortune
        }
        paused = true;
        failures++;
        long wait = Times.nanos(connection.backoff().wait(failures, error));
        later(wait, () -> {
            paused = false;
            connection.reconnectNow();
            send();
        });
    }

    /** One timer for all, set to the earliest deadline that was seen since it last went off. */
    private void expireBy(Long deadline) {
        if (deadline == null || expiry != null && expiryAt - deadline <= 0) {
            return;
        }
        if (expiry != null) {
            expiry.cancel(false);
        }
        expiryAt = deadline;
        expiry = later(deadline - System.nanoTime(), this::expireOverdue);
    }

    private void expireOverdue() {
        expiry = null;
        long now = System.nanoTime();
        List<Emit<?>> overdue = new ArrayList<>();
        List<Emit<?>> searching = new ArrayList<>();
        Long earliest = null;
        for (Map<Long, Emit<?>> waiting : List.of(inFlight, queue)) {
            for (Emit<?> emit : waiting.values()) {
                if (emit.deadline != null && emit.deadline - now <= 0) {
                    overdue.add(emit);
                } else if (connection.reach().isOver(emit.searchDeadline, now)) {
                    searching.add(emit);
                } else {
                    earliest = earlier(earliest, emit.deadline);
                    earliest = earlier(earliest, connection.reach().isConnected() ? null : emit.searchDeadline);
                }
            }
        }
        for (Emit<?> emit : overdue) {
            queue.remove(emit.number);
            refuse(List.of(emit), emit.lastError != null ? emit.lastError : Failures.deadlineExceeded());
        }
        for (Emit<?> emit : searching) {
            queue.remove(emit.number);
            refuse(List.of(emit), connection.reach().failure(emit.lastError));
        }
        expireBy(earliest);
    }

    private static Long earlier(Long one, Long other) {
        return one == null || other != null && other - one < 0 ? other : one;
    }

    private void refuse(List<Emit<?>> refused, EverlogException error) {
        if (!refused.isEmpty()) {
            run(() -> refused.forEach(emit -> emit.answer.completeExceptionally(error.copy())));
        }
    }

    private void close(EverlogException error) {
        if (closed) {
            return;
        }
        closed = true;
        if (expiry != null) {
            expiry.cancel(false);
        }
        List<Emit<?>> unanswered = new ArrayList<>(inFlight.values());
        unanswered.addAll(queue.values());
        inFlight.clear();
        queue.clear();
        refuse(unanswered, error);
        if (stream != null) {
            stream.call.cancel("the client is closed", null);
            stream = null;
        }
        takeTurn();
    }

    private void closeBecauseOf(Throwable defect) {
        EverlogException error = Failures.connectionLost("a defect of the client: " + defect);
        error.initCause(defect);
        turns.execute(() -> close(error));
    }

    private ScheduledFuture<?> later(long nanos, Runnable action) {
        try {
            return timer.schedule(() -> turns.execute(action), nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException closing) {
            return null; // the client closes, and the pipeline with it
        }
    }

    private void run(Runnable action) {
        try {
            executor.execute(action);
        } catch (RejectedExecutionException closing) {
            action.run(); // the client is closed: nobody else is left to run it
        }
    }

    /** One EmitStream call. Its callbacks say nothing once another one has taken its place. */
    private final class Stream extends ClientCall.Listener<EmitStreamResponse> {
        private final ClientCall<EmitStreamRequest, EmitStreamResponse> call = connection
                .channel()
                .newCall(EventStoreServiceGrpc.getEmitStreamMethod(), CallOptions.DEFAULT);
        private boolean hasSent;

        void start() {
            call.start(this, new Metadata());
            call.request(READ_AHEAD);
        }

        @Override
        public void onReady() {
            turns.execute(EmitPipeline.this::send);
        }

        @Override
        public void onMessage(EmitStreamResponse response) {
            turns.execute(() -> {
                if (stream == this) {
                    take(response);
                    call.request(1);
                }
            });
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            turns.execute(() -> {
                if (stream == this) {
                    stream = null;
                    settle(hasSent, status.isOk()
                            ? Failures.connectionLost("the server ended the stream without a reason")
                            : Statuses.exception(status, trailers));
                }
            });
        }
    }

    /**
     * An emit that has no answer yet; a deadline of null is none. By its search deadline there must be
     * a first connection.
     */
    private static final class Emit<T> {
        private final long number;
        private final StreamedEmit message;
        private final int bytes;
        private final boolean recognisable;
        private final Long deadline;
        private final Long searchDeadline;
        private final Function<List<Receipt>, T> result;
        private final CompletableFuture<T> answer;
        private EverlogException lastError;

        Emit(
                long number,
                StreamedEmit message,
                int bytes,
                boolean recognisable,
                Long deadline,
                Long searchDeadline,
                Function<List<Receipt>, T> result,
                CompletableFuture<T> answer) {
            this.number = number;
            this.message = message;
            this.bytes = bytes;
            this.recognisable = recognisable;
            this.deadline = deadline;
            this.searchDeadline = searchDeadline;
            this.result = result;
            this.answer = answer;
        }

        void resolve(StreamedAnswer given) {
            try {
                answer.complete(result.apply(given.getResponse().getReceiptsList().stream()
                        .map(Receipt::of)
                        .toList()));
            } catch (RuntimeException malformed) {
                answer.completeExceptionally(malformed);
            }
        }
    }
}
