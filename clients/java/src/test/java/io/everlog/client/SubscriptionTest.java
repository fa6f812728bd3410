package io.everlog.client;

import static io.everlog.client.ScriptedServer.batch;
import static io.everlog.client.ScriptedServer.draining;
import static io.everlog.client.ScriptedServer.failure;
import static io.everlog.client.ScriptedServer.retryAfter;
import static io.everlog.client.ScriptedServer.silent;
import static io.everlog.client.ScriptedServer.status;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.everlog.client.ScriptedServer.Script;
import io.everlog.v1.CaughtUp;
import io.everlog.v1.FellBehind;
import io.everlog.v1.Heartbeat;
import io.everlog.v1.SubscribeRequest;
import io.everlog.v1.SubscribeRequest.StartCase;
import io.everlog.v1.SubscribeResponse;
import io.grpc.InsecureServerCredentials;
import io.grpc.Status.Code;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A subscription that outlives its connections: never a skip, never a repeat. */
@Timeout(30)
class SubscriptionTest {
    private static final SubscribeOptions START = SubscribeOptions.afterPosition(0);
    private static final Duration NOT_LONG = Duration.ofMillis(300);

    private static Script<SubscribeRequest, SubscribeResponse> sends(SubscribeResponse... responses) {
        return (request, answers) -> List.of(responses).forEach(answers::onNext);
    }

    private static Script<SubscribeRequest, SubscribeResponse> sendsAndDrains(SubscribeResponse... responses) {
        return (request, answers) -> {
            List.of(responses).forEach(answers::onNext);
            answers.onError(draining());
        };
    }

    private static List<Long> take(Subscription subscription, int count) {
        List<Long> positions = new ArrayList<>();
        while (positions.size() < count) {
            positions.add(subscription.next().position());
        }
        return positions;
    }

    @ParameterizedTest
    @CsvSource({
        "UNAVAILABLE, SERVER_DRAINING",
        "UNAVAILABLE, STORAGE_UNAVAILABLE",
        "RESOURCE_EXHAUSTED, TOO_MANY_SUBSCRIPTIONS",
        "INTERNAL, ''",
    })
    void resumesAfterWhatItHandedOut(Code code, String reason) throws Exception {
        Script<SubscribeRequest, SubscribeResponse> interrupted = (request, answers) -> {
            answers.onNext(batch(1, 2));
            answers.onNext(batch(3));
            answers.onError(failure(status(code, reason)));
        };
        Script<SubscribeRequest, SubscribeResponse> rest =
                (request, answers) -> answers.onNext(batch(request.getAfterPosition() + 1, 5));
        try (ScriptedServer server = new ScriptedServer().onSubscribe(interrupted, rest);
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            assertEquals(List.of(1L, 2L, 3L, 4L, 5L), take(subscription, 5));
            SubscribeRequest second = server.seen(SubscribeRequest.class).get(1);
            assertEquals(3, second.getAfterPosition());
            assertEquals("id-3", second.getAfterEventId());
        }
    }

    @Test
    void resumesAfterAConnectionThatBrokeWithoutAWord() throws Exception {
        ScriptedServer first = new ScriptedServer().onSubscribe(sends(batch(1)));
        try (EverlogClient client = first.connect();
                Subscription subscription = client.subscribe(START)) {
            assertEquals(List.of(1L), take(subscription, 1));
            int port = first.port();
            first.close();
            assertEquals(Optional.empty(), subscription.poll(NOT_LONG));
            try (ScriptedServer second = new ScriptedServer(port, InsecureServerCredentials.create())
                    .onSubscribe(sends(batch(2)))) {
                assertEquals(List.of(2L), take(subscription, 1));
                assertEquals(1, second.seen(SubscribeRequest.class).get(0).getAfterPosition());
            }
        } finally {
            first.close();
        }
    }

    @Test
    void waitsAsLongAsTheServerAskedFor() throws Exception {
        Script<SubscribeRequest, SubscribeResponse> notNow =
                ScriptedServer.fails(Code.UNAVAILABLE, "STORAGE_UNAVAILABLE", retryAfter(400));
        try (ScriptedServer server = new ScriptedServer().onSubscribe(notNow, sends(batch(1)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            long began = System.nanoTime();
            take(subscription, 1);
            assertTrue(System.nanoTime() - began >= TimeUnit.MILLISECONDS.toNanos(400));
        }
    }

    @Test
    void aFilteredOutStretchMovesTheCursor() throws Exception {
        SubscribeResponse examined = SubscribeResponse.newBuilder()
                .setExaminedPosition(900)
                .setHeartbeat(Heartbeat.getDefaultInstance())
                .build();
        try (ScriptedServer server =
                        new ScriptedServer().onSubscribe(sendsAndDrains(batch(1), examined), silent());
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            take(subscription, 1);
            assertEquals(Optional.empty(), subscription.poll(NOT_LONG));
            SubscribeRequest second = server.seen(SubscribeRequest.class).get(1);
            assertEquals(900, second.getAfterPosition());
            assertEquals("", second.getAfterEventId());
            assertEquals(new Cursor(900, ""), subscription.cursor());
        }
    }

    @Test
    void theCursorIsThatOfTheEventHandedOutNotOfTheOneLookedAt() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sends(batch(1, 2)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            assertTrue(subscription.hasNext());
            assertEquals(Cursor.START, subscription.cursor());
            subscription.next();
            assertTrue(subscription.hasNext());
            assertEquals(new Cursor(1, "id-1"), subscription.cursor());
        }
    }

    @Test
    void aGivenCursorsEventIdGoesAlong() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sendsAndDrains(), sends(batch(8)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(SubscribeOptions.after(new Cursor(7, "id-7")))) {
            take(subscription, 1);
            for (SubscribeRequest request : server.seen(SubscribeRequest.class)) {
                assertEquals(7, request.getAfterPosition());
                assertEquals("id-7", request.getAfterEventId());
            }
        }
    }

    @Test
    void fromATimeItResumesFromThePositionOnceItKnowsOne() throws Exception {
        try (ScriptedServer server =
                        new ScriptedServer().onSubscribe(sendsAndDrains(), sendsAndDrains(batch(5)), silent());
                EverlogClient client = server.connect();
                Subscription subscription =
                        client.subscribe(SubscribeOptions.fromTime(Instant.parse("2026-01-01T00:00:00Z")))) {
            take(subscription, 1);
            assertEquals(Optional.empty(), subscription.poll(NOT_LONG));
            assertEquals(
                    List.of(StartCase.FROM_TIME, StartCase.FROM_TIME, StartCase.AFTER_POSITION),
                    server.seen(SubscribeRequest.class).stream().map(SubscribeRequest::getStartCase).toList());
        }
    }

    @Test
    void fromNowOnAnEmptyLogResumesAtItsStartAndSkipsNothing() throws Exception {
        SubscribeResponse caughtUp =
                SubscribeResponse.newBuilder().setCaughtUp(CaughtUp.getDefaultInstance()).build();
        try (ScriptedServer server =
                        new ScriptedServer().onSubscribe(sendsAndDrains(caughtUp), sends(batch(1)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(SubscribeOptions.fromNow())) {
            assertEquals(List.of(1L), take(subscription, 1));
            SubscribeRequest second = server.seen(SubscribeRequest.class).get(1);
            assertEquals(StartCase.AFTER_POSITION, second.getStartCase());
            assertEquals(0, second.getAfterPosition());
        }
    }

    @Test
    void threeMissedHeartbeatsMakeItReconnect() throws Exception {
        List<EverlogException> interruptions = Collections.synchronizedList(new ArrayList<>());
        SubscribeOptions options = START.heartbeat(Duration.ofMillis(100))
                .onInterruption((error, wait) -> interruptions.add(error));
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sends(batch(1)), sends(batch(2)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(options)) {
            assertEquals(List.of(1L, 2L), take(subscription, 2));
            assertInstanceOf(ConnectionLostException.class, interruptions.get(0));
            assertTrue(server.cancelled.await(10, TimeUnit.SECONDS));
        }
    }

    @Test
    void silenceAddsUpOverPollsThatAreShorter() throws Exception {
        SubscribeOptions options = START.heartbeat(Duration.ofMillis(100));
        try (ScriptedServer server = new ScriptedServer().onSubscribe(silent(), sends(batch(2)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(options)) {
            Optional<SubscriptionItem> item = Optional.empty();
            for (int polls = 0; polls < 200 && item.isEmpty(); polls++) {
                item = subscription.poll(Duration.ofMillis(20));
            }
            assertEquals(2, item.orElseThrow().position());
        }
    }

    @Test
    void aSlowReaderIsNotTakenForASilentServer() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sends(batch(1), batch(2), batch(3)));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START.heartbeat(Duration.ofMillis(50)))) {
            take(subscription, 1);
            Thread.sleep(400); // far more than three heartbeats: what is tested is the passing of time
            assertEquals(List.of(2L, 3L), take(subscription, 2));
            assertEquals(List.of("Subscribe"), server.calls);
        }
    }

    @Test
    void aSlowReaderHoldsTheServerBack() throws Exception {
        AtomicInteger sent = new AtomicInteger();
        byte[] large = new byte[256 * 1024];
        Script<SubscribeRequest, SubscribeResponse> endless = (request, answers) -> {
            ServerCallStreamObserver<SubscribeResponse> call = (ServerCallStreamObserver<SubscribeResponse>) answers;
            Thread sender = new Thread(() -> {
                while (!call.isCancelled() && sent.get() < 1_000) {
                    if (!call.isReady()) {
                        Thread.onSpinWait();
                        continue;
                    }
                    long position = sent.incrementAndGet();
                    call.onNext(batch(position).toBuilder()
                            .setEvents(0, ScriptedServer.events(position).get(0).toBuilder()
                                    .setBinary(ByteString.copyFrom(large)))
                            .build());
                }
            });
            sender.setDaemon(true);
            sender.start();
        };
        try (ScriptedServer server = new ScriptedServer().onSubscribe(endless);
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            take(subscription, 1);
            Thread.sleep(500); // for everything to come that would come without being asked for
            assertTrue(sent.get() < 40, "sent " + sent);
            List<Long> rest = take(subscription, 99);
            assertEquals(100, rest.get(98));
        }
    }

    @Test
    void marksStandBetweenTheEvents() throws Exception {
        Script<SubscribeRequest, SubscribeResponse> script = sends(
                batch(1).toBuilder().setCaughtUp(CaughtUp.getDefaultInstance()).build(),
                SubscribeResponse.newBuilder()
                        .setExaminedPosition(1)
                        .setFellBehind(FellBehind.getDefaultInstance())
                        .build(),
                batch(2));
        try (ScriptedServer server = new ScriptedServer().onSubscribe(script);
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            List<SubscriptionItem> items = new ArrayList<>();
            for (int count = 0; count < 4; count++) {
                items.add(subscription.poll(Duration.ofSeconds(10)).orElseThrow());
            }
            assertInstanceOf(SubscriptionItem.Recorded.class, items.get(0));
            assertEquals(
                    List.of(new SubscriptionItem.CaughtUp(1), new SubscriptionItem.FellBehind(1)),
                    items.subList(1, 3));
            assertEquals(2, items.get(3).position());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "OUT_OF_RANGE, CURSOR_BEYOND_HEAD, io.everlog.client.CursorBeyondHeadException",
        "FAILED_PRECONDITION, LOG_DIVERGED, io.everlog.client.LogDivergedException",
        "INVALID_ARGUMENT, INVALID_FILTER, io.everlog.client.InvalidFilterException",
        "INTERNAL, INTERNAL, io.everlog.client.InternalException",
    })
    void whatWaitingCanNotMendIsThrown(Code code, String reason, Class<EverlogException> type)
            throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(ScriptedServer.fails(code, reason));
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            assertThrows(type, subscription::next);
            assertThrows(type, subscription::hasNext);
            assertEquals(List.of("Subscribe"), server.calls);
        }
    }

    @Test
    void withoutRetriesAnInterruptionIsThrown() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sendsAndDrains(batch(1)));
                EverlogClient client = server.builder().withoutRetries().connect();
                Subscription subscription = client.subscribe(START)) {
            take(subscription, 1);
            assertThrows(ServerDrainingException.class, subscription::next);
        }
    }

    @Test
    void closingFromAnotherThreadEndsTheWaitAndTheCall() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(silent());
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            Thread closer = new Thread(() -> {
                try {
                    server.requests.take();
                    subscription.close();
                } catch (InterruptedException never) {
                    Thread.currentThread().interrupt();
                }
            });
            closer.start();
            assertFalse(subscription.hasNext());
            assertTrue(server.cancelled.await(10, TimeUnit.SECONDS));
            closer.join();
        }
    }

    @Test
    void closingEndsAWaitForTheNextAttempt() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        try (ScriptedServer server = new ScriptedServer()
                        .onSubscribe(ScriptedServer.fails(Code.UNAVAILABLE, "SERVER_DRAINING", retryAfter(60_000)));
                EverlogClient client = server.connect()) {
            Subscription subscription =
                    client.subscribe(START.onInterruption((error, wait) -> interrupted.countDown()));
            Thread closer = new Thread(() -> {
                try {
                    interrupted.await();
                    client.close();
                } catch (InterruptedException never) {
                    Thread.currentThread().interrupt();
                }
            });
            closer.start();
            assertFalse(subscription.hasNext());
            closer.join();
        }
    }

    @Test
    void interruptingTheReaderEndsItsWaitAndKeepsTheFlag() throws Exception {
        try (ScriptedServer server = new ScriptedServer().onSubscribe(silent());
                EverlogClient client = server.connect();
                Subscription subscription = client.subscribe(START)) {
            Thread.currentThread().interrupt();
            assertThrows(CallCancelledException.class, subscription::next);
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void aListenerIsToldEverythingInOrder() throws Exception {
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        SubscriptionListener listener = new SubscriptionListener() {
            @Override
            public void onEvent(RecordedEvent event) {
                told.add("event " + event.position());
            }

            @Override
            public void onCaughtUp(long position) {
                told.add("caught up " + position);
            }

            @Override
            public void onInterruption(EverlogException error, Duration wait) {
                told.add(error.reason());
            }
        };
        SubscribeResponse caughtUp = batch(1).toBuilder().setCaughtUp(CaughtUp.getDefaultInstance()).build();
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sendsAndDrains(caughtUp), sends(batch(2)));
                EverlogClient client = server.connect();
                ListenedSubscription subscription = client.subscribe(START, listener)) {
            for (String expected : List.of("event 1", "caught up 1", "SERVER_DRAINING", "event 2")) {
                assertEquals(expected, told.poll(10, TimeUnit.SECONDS));
            }
            subscription.close();
            subscription.ended().get(10, TimeUnit.SECONDS);
            assertEquals(new Cursor(2, "id-2"), subscription.cursor());
        }
    }

    @Test
    void whatAListenerThrowsEndsItsSubscription() throws Exception {
        SubscriptionListener listener = event -> {
            throw new IllegalStateException("no more");
        };
        try (ScriptedServer server = new ScriptedServer().onSubscribe(sends(batch(1)));
                EverlogClient client = server.connect();
                ListenedSubscription subscription = client.subscribe(START, listener)) {
            ExecutionException ended = assertThrows(
                    ExecutionException.class, () -> subscription.ended().get(10, TimeUnit.SECONDS));
            assertEquals("no more", ended.getCause().getMessage());
            assertTrue(server.cancelled.await(10, TimeUnit.SECONDS));
        }
    }
}
