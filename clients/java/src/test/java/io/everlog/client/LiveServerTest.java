package io.everlog.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client against a real server, each test with aggregates, types and keys of its own. */
@Timeout(120)
class LiveServerTest {
    private final String unique = UUID.randomUUID().toString();
    private final AggregateKey order = new AggregateKey("order", "42 🙂 " + unique);
    private EverlogClient client;

    @BeforeEach
    void connect() {
        client = Everlog.connect(LiveServer.url());
    }

    @AfterEach
    void close() {
        if (client != null) {
            client.close();
        }
    }

    private Event.Builder event() {
        return Event.builder("order.created").aggregate(order).correlationId(unique);
    }

    @Test
    void whatIsEmittedIsReadBackByEveryName() {
        byte[] bytes = {0, 1, -1};
        Receipt receipt = client.emit(event().binary(bytes).idempotencyKey(unique).build());
        assertEquals(1, receipt.sequence());
        RecordedEvent event = client.get(receipt.eventId());
        assertArrayEquals(bytes, event.binary().orElseThrow());
        assertEquals(receipt.recordTime(), event.recordTime());
        assertEquals(event, client.getByPosition(receipt.position()));
        assertEquals(event, client.getBySequence(order, 1));
        assertEquals(event, client.getByIdempotencyKey(unique));
        assertTrue(client.head(receipt.position()).position() >= receipt.position());
        assertThrows(EventNotFoundException.class, () -> client.getBySequence(order, 2));
    }

    @Test
    void aConflictSaysWhatWasExpectedAndWhatIs() {
        client.emit(event().build());
        SequenceConflictException conflict = assertThrows(
                SequenceConflictException.class,
                () -> client.emit(event().build(), EmitOptions.expecting(Expected.MUST_NOT_EXIST)));
        assertEquals(
                List.of(new SequenceViolation(order, Expected.MUST_NOT_EXIST, 1)), conflict.violations());
        assertEquals(2, client.emit(event().build(), EmitOptions.expecting(1)).sequence());
    }

    @Test
    void aKeyIsRecognisedAndRefusedForOtherContent() {
        Event first = event().json("1").idempotencyKey(unique).build();
        Event other = event().json("2").idempotencyKey(unique).build();
        Receipt original = client.emit(first);
        Receipt again = client.emit(first);
        assertTrue(again.deduplicated());
        assertEquals(original.position(), again.position());
        IdempotencyKeyReusedException refusal =
                assertThrows(IdempotencyKeyReusedException.class, () -> client.emit(other));
        assertEquals(original.eventId(), refusal.eventId());
        List<Event> moved = List.of(first, event().json("3").randomIdempotencyKey().build());
        assertThrows(IdempotencyKeysPartlyKnownException.class, () -> client.emitMany(moved));
        List<Receipt> receipts = client.emitMany(moved, EmitOptions.none().knownEvents(KnownEvents.SKIP));
        assertEquals(List.of(true, false), receipts.stream().map(Receipt::deduplicated).toList());
    }

    @Test
    void aBatchIsStoredWholeOrNotAtAll() {
        List<Event> batch = List.of(event().build(), Event.builder("").aggregate(order).build());
        InvalidEventException refusal =
                assertThrows(InvalidEventException.class, () -> client.emitMany(batch));
        assertEquals("events[1].event_type", refusal.fieldViolations().get(0).field());
        assertThrows(AggregateNotFoundException.class, () -> client.replay(ReplayOptions.aggregate(order)).hasNext());
    }

    @Test
    void aStreamKeepsTheOrderOfItsEmitsAndReplayAndQueryGiveItBack() throws Exception {
        List<CompletableFuture<Receipt>> answers = new ArrayList<>();
        try (EmitStream stream = client.emitStream(200)) {
            for (int n = 0; n < 1_500; n++) {
                answers.add(stream.emit(event().data(Map.of("n", n)).build()));
            }
        }
        for (int n = 0; n < answers.size(); n++) {
            assertEquals(n + 1, answers.get(n).get(10, TimeUnit.SECONDS).sequence());
        }
        try (Replay replay = client.replay(ReplayOptions.aggregate(order).throughSequence(1_200))) {
            List<Object> numbers =
                    replay.stream().map(event -> event.data(Map.class).get("n")).toList();
            assertEquals(1_200, numbers.size());
            assertEquals(1_199L, numbers.get(1_199));
        }
        Filter mine = Filter.all().correlationId(unique);
        Query query = client.query(QueryOptions.of(mine.eventTypes("order.*")).pageSize(400));
        assertEquals(1_500, query.stream().map(RecordedEvent::position).distinct().count());
        assertEquals(8, client.query(mine.dataContains(Map.of("n", 7))).iterator().next().sequence());
    }

    @Test
    void aSubscriptionCatchesUpAndGoesOnLive() {
        Filter mine = Filter.all().correlationId(unique);
        Cursor before = client.head().cursor();
        Receipt first = client.emit(event().build());
        Cursor cursor;
        try (Subscription subscription = client.subscribe(SubscribeOptions.after(before).filter(mine))) {
            assertEquals(first.position(), subscription.next().position());
            Receipt second = client.emit(event().build());
            assertEquals(second.position(), subscription.next().position());
            cursor = subscription.cursor();
            assertEquals(new Cursor(second.position(), second.eventId()), cursor);
        }
        Receipt third = client.emit(event().build());
        try (Subscription later = client.subscribe(SubscribeOptions.after(cursor).filter(mine))) {
            assertEquals(third.position(), later.next().position());
        }
    }

    @Test
    void aCursorOfAnotherLogIsRefused() {
        Receipt receipt = client.emit(event().build());
        Cursor foreign = new Cursor(receipt.position(), UUID.randomUUID().toString());
        try (Subscription subscription = client.subscribe(SubscribeOptions.after(foreign))) {
            assertThrows(LogDivergedException.class, subscription::hasNext);
        }
        Cursor beyond = new Cursor(Long.MAX_VALUE - 1, "");
        try (Subscription subscription = client.subscribe(SubscribeOptions.after(beyond))) {
            CursorBeyondHeadException error =
                    assertThrows(CursorBeyondHeadException.class, subscription::hasNext);
            assertEquals(Long.toString(Long.MAX_VALUE - 1), error.metadata().get("position"));
        }
    }
}
