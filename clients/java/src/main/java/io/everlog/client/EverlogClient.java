package io.everlog.client;

import io.everlog.v1.AggregateSequence;
import io.everlog.v1.EmitRequest;
import io.everlog.v1.EventStoreServiceGrpc;
import io.everlog.v1.GetHeadRequest;
import io.everlog.v1.GetRequest;
import io.everlog.v1.NewEvent;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Appends events, reads them back and follows them: one connection to a server, for one tenant,
 * shared by any number of threads. Made by {@link Everlog#connect}.
 *
 * <p>Every failed call throws an {@link EverlogException}; arguments that make no sense throw an
 * IllegalArgumentException before anything is sent. Interrupting a thread that waits ends its wait with
 * a {@link CallCancelledException}. Futures are completed on threads of the client: dependents that
 * block belong on an executor of the caller's own ({@code thenApplyAsync(…, executor)}).
 */
public final class EverlogClient implements AutoCloseable {
    private static final int UNANSWERED_MAX = 1_000;
    private static final long CLOSE_SECONDS = 5;

    private final ExecutorService executor = Executors.newCachedThreadPool(new Threads("everlog-client-"));
    private final ScheduledThreadPoolExecutor timer =
            new ScheduledThreadPoolExecutor(1, new Threads("everlog-timer-"));
    private final ManagedChannel transport;
    private final Connection connection;
    private final Duration timeout;
    private final JsonCodec json;
    private final boolean makeIdempotencyKeys;
    private final EmitPipeline pipeline;
    private final Set<AutoCloseable> open = ConcurrentHashMap.newKeySet();

    EverlogClient(
            ManagedChannelBuilder<?> channel,
            Address address,
            Metadata headers,
            Duration timeout,
            Duration connectTimeout,
            Backoff backoff,
            JsonCodec json,
            boolean makeIdempotencyKeys) {
        timer.setRemoveOnCancelPolicy(true);
        this.transport = channel.executor(executor).build();
        Channel withHeaders = ClientInterceptors.intercept(
                transport, MetadataUtils.newAttachHeadersInterceptor(headers));
        Reach reach = new Reach(transport, address, connectTimeout);
        this.connection = new Connection(transport, withHeaders, reach, timeout, backoff);
        this.timeout = timeout;
        this.json = json;
        this.makeIdempotencyKeys = makeIdempotencyKeys;
        this.pipeline = newPipeline();
    }

    /** The channel, with the headers of every call, for calls that this client has no method for. */
    public Channel channel() {
        return connection.channel();
    }

    // --- Appending --------------------------------------------------------------------------------

    /** Appends one event, and returns when it is stored durably. */
    public Receipt emit(Event event) {
        return emit(event, EmitOptions.none());
    }

    /**
     * Appends one event, and returns when it is stored durably.
     *
     * <p>Concurrent calls share one stream and its messages; each is judged on its own. An event with
     * an idempotency key, or a chosen id, is sent again after an interruption until the time is over;
     * others only when it is certain that nothing was stored.
     */
    public Receipt emit(Event event, EmitOptions options) {
        return join(emitAsync(event, options));
    }

    /** As {@link #emit(Event)}, without waiting. */
    public CompletableFuture<Receipt> emitAsync(Event event) {
        return emitAsync(event, EmitOptions.none());
    }

    /** As {@link #emit(Event, EmitOptions)}, without waiting. Cancelling does not undo what is sent. */
    public CompletableFuture<Receipt> emitAsync(Event event, EmitOptions options) {
        return submit(List.of(event), options, receipts -> receipts.get(0));
    }

    /** Appends 1 to 1,000 events, all or none, in this order. */
    public List<Receipt> emitMany(List<Event> events) {
        return emitMany(events, EmitOptions.none());
    }

    /** Appends 1 to 1,000 events, all or none, in this order; otherwise as {@link #emit}. */
    public List<Receipt> emitMany(List<Event> events, EmitOptions options) {
        return join(emitManyAsync(events, options));
    }

    /** As {@link #emitMany(List, EmitOptions)}, without waiting. */
    public CompletableFuture<List<Receipt>> emitManyAsync(List<Event> events, EmitOptions options) {
        return submit(events, options, receipts -> receipts);
    }

    /** Opens a stream for many emits, of which at most 1,000 are unanswered. */
    public EmitStream emitStream() {
        return emitStream(UNANSWERED_MAX);
    }

    /** Opens a stream for many emits, of which at most so many are unanswered. */
    public EmitStream emitStream(int unansweredMax) {
        return remember(new EmitStream(this, newPipeline(), unansweredMax));
    }

    private <T> CompletableFuture<T> submit(
            List<Event> events, EmitOptions options, Function<List<Receipt>, T> result) {
        EmitRequest request = emitRequest(events, options);
        return pipeline.submit(request, recognisable(request), timeout(options), result);
    }

    EmitRequest emitRequest(List<Event> events, EmitOptions options) {
        EmitRequest.Builder request = EmitRequest.newBuilder().setKnownEvents(options.knownEvents().toMessage());
        for (Event event : events) {
            NewEvent message = event.toMessage(json);
            request.addEvents(
                    makeIdempotencyKeys && message.getIdempotencyKey().isEmpty()
                            ? message.toBuilder()
                                    .setIdempotencyKey(UUID.randomUUID().toString())
                                    .build()
                            : message);
        }
        return request.addAllExpectedSequences(options.expectedSequences(events)).build();
    }

    /** Whether the log would know every event again, by its key or its chosen id. */
    static boolean recognisable(EmitRequest request) {
        return request.getEventsList().stream()
                .noneMatch(event ->
                        event.getIdempotencyKey().isEmpty() && event.getEventId().isEmpty());
    }

    Duration timeout(EmitOptions options) {
        return options.timeout() != null ? options.timeout() : timeout;
    }

    private EmitPipeline newPipeline() {
        return new EmitPipeline(connection, executor, timer);
    }

    // --- Reading ----------------------------------------------------------------------------------

    /** Tells where the log ends. */
    public Head head() {
        return head(0);
    }

    /** Tells where the log ends, once at least this position is visible. */
    public Head head(long minPosition) {
        return Head.of(connection.read(
                EventStoreServiceGrpc.getGetHeadMethod(),
                GetHeadRequest.newBuilder().setMinPosition(minPosition).build()));
    }

    /** Returns the event with this id; throws {@link EventNotFoundException}. */
    public RecordedEvent get(String eventId) {
        return get(GetRequest.newBuilder().setEventId(Texts.requireWellFormed("event_id", eventId)));
    }

    /** Returns the event at this position; throws {@link EventNotFoundException}. */
    public RecordedEvent getByPosition(long position) {
        return get(GetRequest.newBuilder().setPosition(position));
    }

    /** Returns the event with this number in its aggregate; throws {@link EventNotFoundException}. */
    public RecordedEvent getBySequence(AggregateKey aggregate, long sequence) {
        return get(GetRequest.newBuilder()
                .setAggregateSequence(AggregateSequence.newBuilder()
                        .setAggregate(aggregate.toMessage())
                        .setSequence(sequence)));
    }

    /** Returns the event with this idempotency key; throws {@link EventNotFoundException}. */
    public RecordedEvent getByIdempotencyKey(String idempotencyKey) {
        return get(GetRequest.newBuilder()
                .setIdempotencyKey(Texts.requireWellFormed("idempotency_key", idempotencyKey)));
    }

    /** Returns one event, asked for with all that a request can say, such as {@code min_position}. */
    public RecordedEvent get(GetRequest request) {
        return new RecordedEvent(
                connection.read(EventStoreServiceGrpc.getGetMethod(), request).getEvent(), json);
    }

    private RecordedEvent get(GetRequest.Builder request) {
        return get(request.build());
    }

    /** Lists the events under a filter, newest first. */
    public Query query(Filter filter) {
        return query(QueryOptions.of(filter));
    }

    /** Lists events; nothing is asked before the listing is iterated. */
    public Query query(QueryOptions options) {
        return new Query(
                request -> connection.read(EventStoreServiceGrpc.getQueryMethod(), request), options, json);
    }

    /** Reads a stretch of history; close it, unless it is read to its end. */
    public Replay replay(ReplayOptions options) {
        return remember(new Replay(connection, options, json, this::forget));
    }

    /** Follows the log, to be read by a thread of the caller's; close it. */
    public Subscription subscribe(SubscribeOptions options) {
        return remember(new Subscription(connection, options, json, this::forget));
    }

    /** Follows the log, with a listener that is told on a thread of the client; close it. */
    public ListenedSubscription subscribe(SubscribeOptions options, SubscriptionListener listener) {
        SubscribeOptions told = options.onInterruption((error, wait) -> {
            options.onInterruption().accept(error, wait);
            listener.onInterruption(error, wait);
        });
        ListenedSubscription subscription = new ListenedSubscription(subscribe(told), listener);
        executor.execute(subscription::run);
        return subscription;
    }

    // --- Closing ----------------------------------------------------------------------------------

    /**
     * Closes the connection, and with it every replay, subscription and emit stream that is open.
     * Emits without an answer fail with {@link ConnectionLostException}.
     */
    @Override
    public void close() {
        for (AutoCloseable each : open) {
            if (each instanceof EmitStream stream) {
                stream.abort();
            } else if (each instanceof Subscription subscription) {
                subscription.close();
            } else if (each instanceof Replay replay) {
                replay.close();
            }
        }
        open.clear();
        pipeline.close();
        transport.shutdownNow();
        try {
            transport.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        timer.shutdownNow();
        executor.shutdown();
    }

    private <T extends AutoCloseable> T remember(T opened) {
        if (connection.isClosed()) {
            throw new IllegalStateException("the client is closed");
        }
        open.add(opened);
        return opened;
    }

    void forget(AutoCloseable closed) {
        open.remove(closed);
    }

    // --- Waiting ----------------------------------------------------------------------------------

    /** Waits for an answer. */
    private static <T> T join(CompletableFuture<T> answer) {
        try {
            return answer.get();
        } catch (InterruptedException interrupted) {
            answer.cancel(false);
            throw Failures.interrupted();
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof EverlogException error) {
                throw error.copy();
            }
            throw new IllegalStateException("a defect of the client", failure.getCause());
        }
    }

    /** Waits until there is an answer, whatever it is. */
    static void awaitQuietly(CompletableFuture<?> answer) {
        try {
            answer.get();
        } catch (InterruptedException interrupted) {
            throw Failures.interrupted();
        } catch (ExecutionException | CancellationException refused) {
            // told to whoever holds the future
        }
    }

    /** Threads that do not keep the process alive. */
    private static final class Threads implements ThreadFactory {
        private final String prefix;
        private final AtomicInteger count = new AtomicInteger();

        Threads(String prefix) {
            this.prefix = prefix;
        }

        @Override
        public Thread newThread(Runnable task) {
            Thread thread = new Thread(task, prefix + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        }
    }
}
