package io.everlog.client;

import static io.everlog.client.ScriptedServer.answering;
import static io.everlog.client.ScriptedServer.receipts;
import static io.everlog.client.ScriptedServer.refusal;
import static io.everlog.client.ScriptedServer.retryAfter;
import static io.everlog.client.ScriptedServer.silent;
import static io.everlog.client.ScriptedServer.status;
import static io.everlog.client.ScriptedServer.stores;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.everlog.client.ScriptedServer.Script;
import io.everlog.v1.EmitStreamRequest;
import io.everlog.v1.EmitStreamResponse;
import io.everlog.v1.StreamedEmit;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Emits against a peer that answers late, out of order, not at all, or dies. */
@Timeout(30)
class EmitTest {
    private static final Script<EmitStreamRequest, EmitStreamResponse> DIES =
            (request, answers) -> answers.onError(
                    Status.UNAVAILABLE.withDescription("Socket closed").asRuntimeException());

    private static Event event(Object id) {
        return Event.builder("a.b").aggregate("a", id.toString()).build();
    }

    private static Event keyed(Object id) {
        return Event.builder("a.b").aggregate("a", id.toString()).idempotencyKey("k" + id).build();
    }

    private static List<String> ids(ScriptedServer server) {
        return server.seen(EmitStreamRequest.class).stream()
                .flatMap(request -> request.getEmitsList().stream())
                .map(emit -> emit.getRequest().getEvents(0).getAggregateId())
                .toList();
    }

    private static EverlogException failureOf(CompletableFuture<?> answer) throws Exception {
        ExecutionException failure =
                assertThrows(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
        return assertInstanceOf(EverlogException.class, failure.getCause());
    }

    @Test
    void anEmitGivesItsReceiptAndNamesTenantAndToken() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(stores());
                EverlogClient client = server.builder().tenant("acme").token("t").connect()) {
            Receipt receipt = client.emit(event(1), EmitOptions.expecting(Expected.MUST_NOT_EXIST));
            assertEquals(1, receipt.position());
            StreamedEmit emit = server.seen(EmitStreamRequest.class).get(0).getEmits(0);
            assertTrue(emit.getRequest().getExpectedSequences(0).hasMustNotExist());
            Metadata headers = server.headers.get(0);
            assertEquals("acme", headers.get(Metadata.Key.of("everlog-tenant", Metadata.ASCII_STRING_MARSHALLER)));
            assertEquals("Bearer t", headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER)));
        }
    }

    @Test
    void concurrentEmitsShareOneStreamAndTravelInTheOrderOfTheCalls() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(stores());
                EverlogClient client = server.connect()) {
            List<CompletableFuture<Receipt>> answers =
                    IntStream.range(0, 2_500).mapToObj(id -> client.emitAsync(event(id))).toList();
            for (CompletableFuture<Receipt> answer : answers) {
                answer.get(20, TimeUnit.SECONDS);
            }
            assertEquals(List.of("EmitStream"), server.calls);
            assertEquals(IntStream.range(0, 2_500).mapToObj(Integer::toString).toList(), ids(server));
            List<EmitStreamRequest> messages = server.seen(EmitStreamRequest.class);
            assertTrue(messages.size() < 1_000, messages.size() + " messages");
            assertTrue(messages.stream().allMatch(message -> message.getEmitsCount() <= 1_000));
        }
    }

    @Test
    void aClientThatMakesKeysSendsEveryEmitAgainUnderTheSameKey() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(DIES, stores());
                EverlogClient client = server.builder().makeIdempotencyKeys().connect()) {
            client.emit(event(1));
            List<String> keys = server.seen(EmitStreamRequest.class).stream()
                    .map(message -> message.getEmits(0).getRequest().getEvents(0).getIdempotencyKey())
                    .toList();
            assertEquals(2, keys.size());
            assertEquals(36, keys.get(0).length());
            assertEquals(keys.get(0), keys.get(1));
        }
    }

    @Test
    void aRefusedEmitDoesNotTouchItsNeighbours() throws Exception {
        Script<EmitStreamRequest, EmitStreamResponse> refusesTwo = (request, answers) -> {
            for (StreamedEmit emit : request.getEmitsList()) {
                boolean second = emit.getRequest().getEvents(0).getAggregateId().equals("2");
                answers.onNext(answering(
                        second ? refusal(emit, status(Code.ABORTED, "SEQUENCE_CONFLICT")) : receipts(emit)));
            }
        };
        try (ScriptedServer server = new ScriptedServer().onEmitStream(refusesTwo);
                EverlogClient client = server.connect()) {
            CompletableFuture<Receipt> first = client.emitAsync(event(1));
            CompletableFuture<Receipt> second = client.emitAsync(event(2));
            CompletableFuture<Receipt> third = client.emitAsync(event(3));
            assertInstanceOf(SequenceConflictException.class, failureOf(second));
            assertEquals(List.of(1L, 3L), List.of(first.get().position(), third.get().position()));
            SequenceConflictException thrown =
                    assertThrows(SequenceConflictException.class, () -> client.emit(event(2)));
            assertTrue(List.of(thrown.getStackTrace()).toString().contains("EmitTest"));
        }
    }

    @Test
    void anAnswerToNobodyIsPassedOver() throws Exception {
        Script<EmitStreamRequest, EmitStreamResponse> confused = (request, answers) -> {
            StreamedEmit stranger = StreamedEmit.newBuilder().setRequestId(999).build();
            answers.onNext(answering(receipts(stranger), receipts(request.getEmits(0))));
        };
        try (ScriptedServer server = new ScriptedServer().onEmitStream(confused);
                EverlogClient client = server.connect()) {
            assertEquals(1, client.emit(event(1)).position());
        }
    }

    @Test
    void aBrokenStreamFailsThoseWithoutKeysAndTheNextCallOpensANewOne() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(DIES, stores());
                EverlogClient client = server.connect()) {
            assertThrows(ConnectionLostException.class, () -> client.emit(event(1)));
            assertEquals(2, client.emit(event(2)).position());
            assertEquals(List.of("1", "2"), ids(server));
        }
    }

    @Test
    void eachCallerGetsAnExceptionOfItsOwn() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(silent());
                EverlogClient client = server.connect()) {
            CompletableFuture<Receipt> one = client.emitAsync(event(1));
            CompletableFuture<Receipt> two = client.emitAsync(event(2));
            while (ids(server).size() < 2) {
                server.requests.take();
            }
            server.close();
            assertNotSame(failureOf(one), failureOf(two));
        }
    }

    @Test
    void keyedEmitsAreSentAgainInTheirOrder() throws Exception {
        List<StreamedEmit> read = new ArrayList<>();
        Script<EmitStreamRequest, EmitStreamResponse> answersOneAndDies = (request, answers) -> {
            read.addAll(request.getEmitsList());
            if (read.size() == 4) {
                answers.onNext(answering(receipts(read.get(1))));
                DIES.accept(request, answers);
            }
        };
        try (ScriptedServer server = new ScriptedServer().onEmitStream(answersOneAndDies, stores());
                EverlogClient client = server.connect()) {
            List<CompletableFuture<Receipt>> answers =
                    IntStream.range(0, 4).mapToObj(id -> client.emitAsync(keyed(id))).toList();
            for (CompletableFuture<Receipt> answer : answers) {
                answer.get(20, TimeUnit.SECONDS);
            }
            assertEquals(List.of("0", "1", "2", "3", "0", "2", "3"), ids(server));
        }
    }

    @Test
    void aChosenEventIdMakesAnEmitRecognisableToo() throws Exception {
        Event event = Event.builder("a.b").source("s").eventId("chosen").build();
        try (ScriptedServer server = new ScriptedServer().onEmitStream(DIES, stores());
                EverlogClient client = server.connect()) {
            client.emit(event);
            assertEquals(2, server.calls.size());
        }
    }

    @Test
    void ofSeveralEventsEveryOneMustBeRecognisable() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(DIES, stores());
                EverlogClient client = server.connect()) {
            List<Event> events = List.of(keyed(1), event(2));
            assertThrows(ConnectionLostException.class, () -> client.emitMany(events));
            assertEquals(1, server.calls.size());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNAVAILABLE, STORAGE_UNAVAILABLE",
        "UNAVAILABLE, SERVER_DRAINING",
        "RESOURCE_EXHAUSTED, OVERLOADED",
    })
    void refusedForNowIsTriedAgainAfterTheTimeThatTheServerAskedFor(Code code, String reason)
            throws Exception {
        AtomicInteger refused = new AtomicInteger();
        Script<EmitStreamRequest, EmitStreamResponse> later = (request, answers) -> {
            StreamedEmit emit = request.getEmits(0);
            answers.onNext(answering(
                    refused.incrementAndGet() <= 2
                            ? refusal(emit, status(code, reason, retryAfter(200)))
                            : receipts(emit)));
        };
        try (ScriptedServer server = new ScriptedServer().onEmitStream(later);
                EverlogClient client = server.connect()) {
            long began = System.nanoTime();
            client.emit(event(1));
            assertTrue(System.nanoTime() - began >= TimeUnit.MILLISECONDS.toNanos(400));
            assertEquals(List.of("EmitStream"), server.calls);
            assertEquals(3, ids(server).size());
        }
    }

    @Test
    void commitUnknownIsToldToThoseWithoutKeys() throws Exception {
        Script<EmitStreamRequest, EmitStreamResponse> unknown = (request, answers) -> answers.onNext(
                answering(refusal(request.getEmits(0), status(Code.UNAVAILABLE, "COMMIT_UNKNOWN"))));
        try (ScriptedServer server = new ScriptedServer().onEmitStream(unknown);
                EverlogClient client = server.connect()) {
            assertThrows(CommitUnknownException.class, () -> client.emit(event(1)));
            assertEquals(1, ids(server).size());
        }
    }

    @Test
    void everyEmitEndsAtItsOwnDeadline() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(silent());
                EverlogClient client = server.connect()) {
            CompletableFuture<Receipt> patient = client.emitAsync(event(0));
            List<CompletableFuture<Receipt>> answers = new ArrayList<>();
            for (int millis : new int[] {300, 100, 200}) {
                EmitOptions options = EmitOptions.none().timeout(Duration.ofMillis(millis));
                answers.add(client.emitAsync(event(millis), options));
            }
            for (CompletableFuture<Receipt> answer : answers) {
                assertInstanceOf(DeadlineExceededException.class, failureOf(answer));
            }
            assertTrue(!patient.isDone());
        }
    }

    @Test
    void retriesEndAtTheDeadlineWithWhatWentWrongLast() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(DIES);
                EverlogClient client = server.builder().timeout(Duration.ofMillis(400)).connect()) {
            assertThrows(ConnectionLostException.class, () -> client.emit(keyed(1)));
            assertTrue(server.calls.size() > 2, server.calls.toString());
        }
    }

    @Test
    void withoutRetriesNothingIsSentTwice() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(DIES);
                EverlogClient client = server.builder().withoutRetries().connect()) {
            assertThrows(ConnectionLostException.class, () -> client.emit(keyed(1)));
            assertEquals(1, server.calls.size());
        }
    }

    @Test
    void keyedEmitsSurviveARestartOfTheServer() throws Exception {
        ScriptedServer first = new ScriptedServer().onEmitStream(silent());
        try (EverlogClient client = first.connect()) {
            CompletableFuture<Receipt> answer = client.emitAsync(keyed(1));
            first.requests.take();
            int port = first.port();
            first.close();
            try (ScriptedServer second = new ScriptedServer(port, InsecureServerCredentials.create())
                    .onEmitStream(stores())) {
                assertEquals(1, answer.get(20, TimeUnit.SECONDS).position());
                assertEquals(List.of("1"), ids(second));
            }
        } finally {
            first.close();
        }
    }

    @Test
    void whatNeverLeftIsSentOnceTheServerIsThereEvenWithoutAKey() throws Exception {
        int port;
        try (ServerSocket probe = new ServerSocket(0)) {
            port = probe.getLocalPort();
        }
        try (EverlogClient client = Everlog.builder("127.0.0.1:" + port)
                .backoff(new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), 1.5))
                .connect()) {
            CompletableFuture<Receipt> answer = client.emitAsync(event(1));
            Thread.sleep(300); // long enough for several attempts to fail
            assertTrue(!answer.isDone());
            try (ScriptedServer server = new ScriptedServer(port, InsecureServerCredentials.create())
                    .onEmitStream(stores())) {
                answer.get(20, TimeUnit.SECONDS);
                assertEquals(List.of("1"), ids(server));
            }
        }
    }

    @Test
    void aServerThatStaysAwayIsToldAtTheDeadline() {
        try (EverlogClient client =
                Everlog.builder("127.0.0.1:9").timeout(Duration.ofMillis(300)).connect()) {
            EverlogException error =
                    assertThrows(ConnectionLostException.class, () -> client.emit(event(1)));
            assertTrue(error.getMessage().contains("Connection refused"), error.getMessage());
        }
    }

    @Test
    void bytesInFlightAreBounded() throws Exception {
        Event large = Event.builder("a.b").source("s").binary(new byte[900_000]).build();
        CompletableFuture<Void> mayAnswer = new CompletableFuture<>();
        Script<EmitStreamRequest, EmitStreamResponse> holdsBack = (request, answers) -> mayAnswer.thenRun(() -> {
            synchronized (mayAnswer) {
                stores().accept(request, answers);
            }
        });
        try (ScriptedServer server = new ScriptedServer().onEmitStream(holdsBack);
                EverlogClient client = server.connect()) {
            List<CompletableFuture<Receipt>> answers =
                    IntStream.range(0, 12).mapToObj(n -> client.emitAsync(large)).toList();
            server.requests.take();
            Thread.sleep(500); // for everything to come that would come
            assertEquals(4, ids(server).size()); // of 4 MiB
            mayAnswer.complete(null);
            for (CompletableFuture<Receipt> answer : answers) {
                answer.get(20, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void anEmitStreamWaitsWhileTooMuchIsUnanswered() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(silent());
                EverlogClient client = server.connect()) {
            EmitStream stream = client.emitStream(2);
            EmitOptions brief = EmitOptions.none().timeout(Duration.ofMillis(300));
            long began = System.nanoTime();
            for (int id = 0; id < 3; id++) {
                stream.emit(event(id), brief);
            }
            assertTrue(System.nanoTime() - began >= TimeUnit.MILLISECONDS.toNanos(250));
        }
    }

    @Test
    void closingAnEmitStreamWaitsForItsAnswers() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(stores());
                EverlogClient client = server.connect()) {
            List<CompletableFuture<Receipt>> answers = new ArrayList<>();
            EmitStream kept;
            try (EmitStream stream = client.emitStream()) {
                kept = stream;
                for (int id = 0; id < 100; id++) {
                    answers.add(stream.emit(event(id)));
                }
            }
            assertTrue(answers.stream().allMatch(CompletableFuture::isDone));
            assertThrows(IllegalStateException.class, () -> kept.emit(event(100)));
        }
    }

    @Test
    void closingTheClientFailsThoseWhoStillWait() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(silent())) {
            EverlogClient client = server.connect();
            CompletableFuture<Receipt> answer = client.emitAsync(keyed(1));
            server.requests.take();
            client.close();
            assertInstanceOf(ConnectionLostException.class, failureOf(answer));
            assertInstanceOf(ConnectionLostException.class, failureOf(client.emitAsync(keyed(2))));
        }
    }

    @Test
    void interruptingTheCallerEndsItsWaitAndKeepsTheFlag() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onEmitStream(silent());
                EverlogClient client = server.connect()) {
            Thread.currentThread().interrupt();
            assertThrows(CallCancelledException.class, () -> client.emit(event(1)));
            assertTrue(Thread.interrupted());
        }
    }
}
