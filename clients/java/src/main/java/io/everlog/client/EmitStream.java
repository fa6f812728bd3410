package io.everlog.client;

import io.everlog.v1.EmitRequest;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Many emits on a stream of their own, without waiting for each answer; made by
 * {@link EverlogClient#emitStream()}.
 *
 * <p>Each emit is judged on its own, in the order of the calls; a refused one does not stop the
 * others. What has no answer yet is bounded: beyond that, emitting waits. Any number of threads may
 * share it.
 */
public final class EmitStream implements AutoCloseable {
    private static final int UNANSWERED_BYTES_MAX = 8 * 1024 * 1024;

    private final EverlogClient client;
    private final EmitPipeline pipeline;
    private final Semaphore requests;
    private final Semaphore bytes = new Semaphore(UNANSWERED_BYTES_MAX, true);
    private final Set<CompletableFuture<?>> unanswered = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    EmitStream(EverlogClient client, EmitPipeline pipeline, int unansweredMax) {
        if (unansweredMax < 1) {
            throw new IllegalArgumentException("unansweredMax is " + unansweredMax + ", below 1");
        }
        this.client = client;
        this.pipeline = pipeline;
        this.requests = new Semaphore(unansweredMax, true);
    }

    /** Emits one event; waits only while too much has no answer. */
    public CompletableFuture<Receipt> emit(Event event) {
        return emit(event, EmitOptions.none());
    }

    /** Emits one event; waits only while too much has no answer. */
    public CompletableFuture<Receipt> emit(Event event, EmitOptions options) {
        return submit(List.of(event), options, receipts -> receipts.get(0));
    }

    /** Emits 1 to 1,000 events, all or none; waits only while too much has no answer. */
    public CompletableFuture<List<Receipt>> emitMany(List<Event> events, EmitOptions options) {
        return submit(events, options, receipts -> receipts);
    }

    private <T> CompletableFuture<T> submit(
            List<Event> events, EmitOptions options, Function<List<Receipt>, T> result) {
        EmitRequest request = client.emitRequest(events, options);
        int size = Math.min(request.getSerializedSize(), UNANSWERED_BYTES_MAX);
        if (closed) {
            throw new IllegalStateException("the emit stream is closed");
        }
        acquire(size);
        CompletableFuture<T> answer = pipeline.submit(
                request, EverlogClient.recognisable(request), client.timeout(options), result);
        unanswered.add(answer);
        answer.whenComplete((done, error) -> {
            unanswered.remove(answer);
            bytes.release(size);
            requests.release();
        });
        return answer;
    }

    private void acquire(int size) {
        try {
            requests.acquire();
            try {
                bytes.acquire(size);
            } catch (InterruptedException interrupted) {
                requests.release();
                throw interrupted;
            }
        } catch (InterruptedException interrupted) {
            throw Failures.interrupted();
        }
    }

    /** Waits until everything that was emitted before has its answer, be it a refusal. */
    public void flush() {
        for (CompletableFuture<?> answer : List.copyOf(unanswered)) {
            EverlogClient.awaitQuietly(answer);
        }
    }

    /** As {@link #flush()}, then ends the stream. */
    @Override
    public void close() {
        closed = true;
        try {
            flush();
        } finally {
            pipeline.close();
            client.forget(this);
        }
    }

    /** Ends the stream at once; what has no answer fails. */
    void abort() {
        closed = true;
        pipeline.close();
    }
}
