package io.everlog.client;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.everlog.v1.EmitResponse;
import io.everlog.v1.EmitStreamRequest;
import io.everlog.v1.EmitStreamResponse;
import io.everlog.v1.EventStoreServiceGrpc;
import io.everlog.v1.GetHeadRequest;
import io.everlog.v1.GetHeadResponse;
import io.everlog.v1.QueryRequest;
import io.everlog.v1.QueryResponse;
import io.everlog.v1.ReplayRequest;
import io.everlog.v1.ReplayResponse;
import io.everlog.v1.StreamedAnswer;
import io.everlog.v1.StreamedEmit;
import io.everlog.v1.SubscribeRequest;
import io.everlog.v1.SubscribeResponse;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BiConsumer;
import java.util.stream.LongStream;

/**
 * A server whose every call follows a script: the peer that misbehaves as the test wants it to. Each
 * call of a method takes the next script of that method; the last one is for good.
 */
final class ScriptedServer implements AutoCloseable {
    /** What a method does with a request. */
    interface Script<Q, R> extends BiConsumer<Q, StreamObserver<R>> {}

    final BlockingQueue<Message> requests = new LinkedBlockingQueue<>();
    final List<Message> seen = Collections.synchronizedList(new ArrayList<>());
    final List<Metadata> headers = Collections.synchronizedList(new ArrayList<>());
    final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    final CountDownLatch cancelled = new CountDownLatch(1);
    private final Map<String, Deque<Script<?, ?>>> scripts = new ConcurrentHashMap<>();
    private final Server server;

    ScriptedServer() throws IOException {
        this(0, InsecureServerCredentials.create());
    }

    ScriptedServer(int port, ServerCredentials credentials) throws IOException {
        server = Grpc.newServerBuilderForPort(port, credentials)
                .addService(new Service())
                .intercept(new Noting())
                .build()
                .start();
    }

    int port() {
        return server.getPort();
    }

    String url() {
        return "everlog://127.0.0.1:" + port();
    }

    /** A client that retries soon. */
    EverlogClient connect() {
        return builder().connect();
    }

    Everlog.Builder builder() {
        return Everlog.builder(url())
                .timeout(Duration.ofSeconds(10))
                .backoff(new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), 1.5));
    }

    ScriptedServer on(String method, Script<?, ?>... given) {
        scripts.put(method, new ConcurrentLinkedDeque<>(Arrays.asList(given)));
        return this;
    }

    @SafeVarargs
    final ScriptedServer onSubscribe(Script<SubscribeRequest, SubscribeResponse>... given) {
        return on("Subscribe", given);
    }

    @SafeVarargs
    final ScriptedServer onEmitStream(Script<EmitStreamRequest, EmitStreamResponse>... given) {
        return on("EmitStream", given);
    }

    <T extends Message> List<T> seen(Class<T> type) {
        synchronized (seen) {
            return seen.stream().filter(type::isInstance).map(type::cast).toList();
        }
    }

    /** Cuts every connection. */
    @Override
    public void close() {
        server.shutdownNow();
        // Waited for also by a thread that a test has interrupted: the port is free afterwards.
        boolean interrupted = false;
        while (!server.isTerminated()) {
            try {
                server.awaitTermination();
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @SuppressWarnings("unchecked") // a method's scripts are of its own types
    private <Q, R> Script<Q, R> next(String method) {
        calls.add(method);
        Deque<Script<?, ?>> left = scripts.get(method);
        return (Script<Q, R>) (left.size() > 1 ? left.poll() : left.peek());
    }

    private <Q extends Message, R> void obey(String method, Q request, StreamObserver<R> answers) {
        note(request);
        this.<Q, R>next(method).accept(request, answers);
    }

    private void note(Message request) {
        seen.add(request);
        requests.add(request);
    }

    private final class Service extends EventStoreServiceGrpc.EventStoreServiceImplBase {
        @Override
        public void getHead(GetHeadRequest request, StreamObserver<GetHeadResponse> answers) {
            obey("GetHead", request, answers);
        }

        @Override
        public void query(QueryRequest request, StreamObserver<QueryResponse> answers) {
            obey("Query", request, answers);
        }

        @Override
        public void replay(ReplayRequest request, StreamObserver<ReplayResponse> answers) {
            obey("Replay", request, answers);
        }

        @Override
        public void subscribe(SubscribeRequest request, StreamObserver<SubscribeResponse> answers) {
            obey("Subscribe", request, answers);
        }

        @Override
        public StreamObserver<EmitStreamRequest> emitStream(StreamObserver<EmitStreamResponse> answers) {
            Script<EmitStreamRequest, EmitStreamResponse> script = next("EmitStream");
            return new StreamObserver<>() {
                @Override
                public void onNext(EmitStreamRequest request) {
                    note(request);
                    script.accept(request, answers);
                }

                @Override
                public void onError(Throwable gone) {}

                @Override
                public void onCompleted() {
                    answers.onCompleted();
                }
            };
        }
    }

    private final class Noting implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata given, ServerCallHandler<Q, R> handler) {
            headers.add(given);
            Context.current().addListener(
                    context -> {
                        if (context.isCancelled()) {
                            cancelled.countDown();
                        }
                    },
                    Runnable::run);
            return Contexts.interceptCall(Context.current(), call, given, handler);
        }
    }

    // --- What scripts say -------------------------------------------------------------------------

    /** A status as everlog's server makes it. */
    static com.google.rpc.Status status(Status.Code code, String reason, Message... details) {
        com.google.rpc.Status.Builder status =
                com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("as the script says");
        status.addDetails(Any.pack(
                ErrorInfo.newBuilder().setReason(reason).setDomain(Statuses.DOMAIN).build()));
        for (Message detail : details) {
            status.addDetails(Any.pack(detail));
        }
        return status.build();
    }

    static RetryInfo retryAfter(long millis) {
        return RetryInfo.newBuilder().setRetryDelay(Times.toMessage(Duration.ofMillis(millis))).build();
    }

    static StatusRuntimeException failure(com.google.rpc.Status status) {
        Metadata trailers = new Metadata();
        trailers.put(Statuses.DETAILS, status);
        return Status.fromCodeValue(status.getCode())
                .withDescription(status.getMessage())
                .asRuntimeException(trailers);
    }

    static StatusRuntimeException draining() {
        return failure(status(Status.Code.UNAVAILABLE, "SERVER_DRAINING"));
    }

    static <Q, R> Script<Q, R> fails(Status.Code code, String reason, Message... details) {
        return (request, answers) -> answers.onError(failure(status(code, reason, details)));
    }

    static <Q, R> Script<Q, R> answers(R response) {
        return (request, answers) -> {
            answers.onNext(response);
            answers.onCompleted();
        };
    }

    static <Q, R> Script<Q, R> silent() {
        return (request, answers) -> {};
    }

    static StreamedAnswer receipts(StreamedEmit emit) {
        long position = emit.getRequestId();
        return StreamedAnswer.newBuilder()
                .setRequestId(position)
                .setResponse(EmitResponse.newBuilder()
                        .addAllReceipts(emit.getRequest().getEventsList().stream()
                                .map(event -> io.everlog.v1.Receipt.newBuilder()
                                        .setEventId("id-" + position)
                                        .setPosition(position)
                                        .setSequence(1)
                                        .build())
                                .toList()))
                .build();
    }

    static StreamedAnswer refusal(StreamedEmit emit, com.google.rpc.Status status) {
        return StreamedAnswer.newBuilder().setRequestId(emit.getRequestId()).setStatus(status).build();
    }

    static EmitStreamResponse answering(StreamedAnswer... answers) {
        return EmitStreamResponse.newBuilder().addAllAnswers(List.of(answers)).build();
    }

    static Script<EmitStreamRequest, EmitStreamResponse> stores() {
        return (request, answers) -> answers.onNext(EmitStreamResponse.newBuilder()
                .addAllAnswers(request.getEmitsList().stream().map(ScriptedServer::receipts).toList())
                .build());
    }

    static List<io.everlog.v1.RecordedEvent> events(long... positions) {
        return LongStream.of(positions)
                .mapToObj(position -> io.everlog.v1.RecordedEvent.newBuilder()
                        .setPosition(position)
                        .setEventId("id-" + position)
                        .setEventType("a.b")
                        .build())
                .toList();
    }

    static SubscribeResponse batch(long... positions) {
        return SubscribeResponse.newBuilder()
                .addAllEvents(events(positions))
                .setExaminedPosition(positions[positions.length - 1])
                .build();
    }
}
