package io.everlog.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.everlog.v1.Context;
import io.everlog.v1.ExpectedSequence;
import io.everlog.v1.ExpectedSequence.ExpectedCase;
import io.everlog.v1.Intent;
import io.everlog.v1.NewEvent.PayloadCase;
import io.everlog.v1.ReplayRequest;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Events, expectations and options, as they are written for the wire and read from it. */
class EventsTest {
    private static final JsonCodec JSON = new GsonCodec();

    /** A caller's class. */
    record Order(String name, long cents, List<String> tags) {}

    private static Event.Builder event() {
        return Event.builder("a.b").source("s");
    }

    private static RecordedEvent recorded(String json) {
        return new RecordedEvent(io.everlog.v1.RecordedEvent.newBuilder().setJson(json).build(), JSON);
    }

    static Stream<Arguments> written() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", "Zoë <&>");
        map.put("none", null);
        map.put("n", List.of(1, Long.MAX_VALUE));
        return Stream.of(
                Arguments.of(map, "{\"name\":\"Zoë <&>\",\"none\":null,\"n\":[1,9223372036854775807]}"),
                Arguments.of(
                        new Order("x", 12, List.of("a")), "{\"name\":\"x\",\"cents\":12,\"tags\":[\"a\"]}"),
                Arguments.of(Map.of(), "{}"),
                Arguments.of("text", "\"text\""),
                Arguments.of(BigInteger.TEN.pow(20), "100000000000000000000"),
                Arguments.of(true, "true"));
    }

    @ParameterizedTest
    @MethodSource("written")
    void dataIsWrittenAsCompactJson(Object data, String json) {
        assertEquals(json, event().data(data).build().toMessage(JSON).getJson());
    }

    @ParameterizedTest
    @MethodSource("written")
    void dataIsReadAsItWasWritten(Object data, String json) {
        assertEquals(json, JSON.write(recorded(json).data()));
    }

    static Stream<Arguments> read() {
        return Stream.of(
                Arguments.of("null", null),
                Arguments.of("9223372036854775807", Long.MAX_VALUE),
                Arguments.of("-9223372036854775808", Long.MIN_VALUE),
                Arguments.of("18446744073709551615", new BigInteger("18446744073709551615")),
                Arguments.of("1.5", 1.5),
                Arguments.of("1e2", 100.0),
                Arguments.of("[1,\"a\",true,null]", Arrays.asList(1L, "a", true, null)));
    }

    @ParameterizedTest
    @MethodSource("read")
    void numbersStayExact(String json, Object expected) {
        assertEquals(expected, recorded(json).data());
    }

    @Test
    void dataIsReadAsAClass() {
        Order order = new Order("x", Long.MAX_VALUE, List.of("a"));
        assertEquals(order, recorded(JSON.write(order)).data(Order.class));
        assertEquals(7, recorded("7").data(int.class));
    }

    @Test
    void whatIsNoJsonIsRefusedByItsField() {
        Event data = event().data(Map.of("n", Double.NaN)).build();
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> data.toMessage(JSON));
        assertTrue(refusal.getMessage().startsWith("data can't be written as JSON"), refusal.getMessage());
        Event metadata = event().metadata("m", List.of(Double.NaN)).build();
        assertTrue(assertThrows(IllegalArgumentException.class, () -> metadata.toMessage(JSON))
                .getMessage()
                .startsWith("metadata.m can't be"));
        Event halfPair = event().data("\uD83D").build();
        assertThrows(IllegalArgumentException.class, () -> halfPair.toMessage(JSON));
    }

    @Test
    void anotherCodecTakesThePlaceOfTheClientsOwn() {
        JsonCodec loud = new JsonCodec() {
            @Override
            public String write(Object value) {
                return "\"" + value.toString().toUpperCase(java.util.Locale.ROOT) + "\"";
            }

            @Override
            public Object read(String json, java.lang.reflect.Type type) {
                return json.length();
            }
        };
        assertEquals("\"A\"", event().data("a").build().toMessage(loud).getJson());
        assertEquals(
                3,
                new RecordedEvent(io.everlog.v1.RecordedEvent.newBuilder().setJson("\"A\"").build(), loud)
                        .data());
    }

    @Test
    void textAndBytesAreKeptAsTheyAre() {
        assertEquals("{ \"n\" : 1.00 }", event().json("{ \"n\" : 1.00 }").build().toMessage(JSON).getJson());
        byte[] bytes = {0, -1, 10, 13};
        assertArrayEquals(bytes, event().binary(bytes).build().toMessage(JSON).getBinary().toByteArray());
    }

    @Test
    void noDataAndEmptyDataDiffer() {
        assertEquals(PayloadCase.PAYLOAD_NOT_SET, event().build().toMessage(JSON).getPayloadCase());
        assertEquals(PayloadCase.BINARY, event().binary(new byte[0]).build().toMessage(JSON).getPayloadCase());
        RecordedEvent none = new RecordedEvent(io.everlog.v1.RecordedEvent.getDefaultInstance(), JSON);
        assertTrue(none.json().isEmpty() && none.binary().isEmpty());
        assertNull(none.data());
    }

    @Test
    void twoPayloadsAreRefused() {
        assertThrows(IllegalStateException.class, () -> event().data(1).json("1"));
        assertThrows(IllegalStateException.class, () -> event().json("1").binary(new byte[0]));
        assertThrows(IllegalStateException.class, () -> event().binary(new byte[0]).data(1));
    }

    @Test
    void aNestedMetadataValueIsKeptAsJsonText() {
        Event event = event().metadata(Map.of("trace", Map.of("id", 7), "plain", "text")).build();
        assertEquals(
                Map.of("trace", "{\"id\":7}", "plain", "text"), event.toMessage(JSON).getMetadataMap());
    }

    @Test
    void everyFieldOfAnEventArrivesInItsPlace() throws InvalidProtocolBufferException {
        Event event = Event.builder("order.created")
                .aggregate("order", "42")
                .source("shop")
                .data(1)
                .metadata("m", "1")
                .idempotencyKey("key")
                .eventId("id")
                .correlationId("correlation")
                .causationId("cause")
                .actor("user:me")
                .userId("me")
                .occurredTime(Instant.parse("2026-01-01T00:00:00.123456789Z"))
                .documentable(false)
                .intent(Intent.newBuilder().setGoal("sell").build())
                .context(Context.newBuilder().setDecision("yes").addRelatedEventIds("other").build())
                .build();
        RecordedEvent view = new RecordedEvent(
                io.everlog.v1.RecordedEvent.parseFrom(event.toMessage(JSON).toByteArray()), JSON);
        assertEquals("order/42", view.aggregate().toString());
        assertEquals(
                List.of("order.created", "shop", 1L, Map.of("m", "1"), "key", "id", "correlation", "cause"),
                List.of(
                        view.eventType(),
                        view.source(),
                        view.data(),
                        view.metadata(),
                        view.idempotencyKey(),
                        view.eventId(),
                        view.correlationId(),
                        view.causationId()));
        assertEquals(
                List.of("user:me", "me", false, Instant.parse("2026-01-01T00:00:00.123456Z")),
                List.of(view.actor(), view.userId(), view.documentable(), view.occurredTime()));
        assertTrue(view.message().hasDocumentable());
        assertEquals("sell", view.intent().orElseThrow().getGoal());
        assertEquals(List.of("other"), view.context().orElseThrow().getRelatedEventIdsList());
    }

    @Test
    void aSingleExpectationIsOfTheOneAggregateThatIsWritten() {
        Event order = Event.builder("a.b").aggregate("order", "42").build();
        ExpectedSequence only =
                EmitOptions.expecting(3).expectedSequences(List.of(order, order)).get(0);
        assertEquals("42", only.getAggregate().getAggregateId());
        assertEquals(3, only.getExactly());
        ExpectedSequence ofSource =
                EmitOptions.expecting(3).expectedSequences(List.of(event().build())).get(0);
        assertEquals("source/s", AggregateKey.of(ofSource.getAggregate()).toString());
    }

    @Test
    void aSingleExpectationOfSeveralAggregatesIsRefused() {
        List<Event> events = List.of(
                Event.builder("a.b").aggregate("order", "42").build(),
                Event.builder("a.b").aggregate("order", "43").build());
        assertThrows(
                IllegalArgumentException.class, () -> EmitOptions.expecting(3).expectedSequences(events));
    }

    @Test
    void expectationsMayNameAggregatesThatAreNotWritten() {
        EmitOptions options = EmitOptions.none()
                .expect(new AggregateKey("a", "1"), Expected.sequence(0))
                .expect(new AggregateKey("a", "2"), Expected.MUST_EXIST)
                .expect(new AggregateKey("a", "3"), Expected.MUST_NOT_EXIST);
        assertEquals(
                List.of(ExpectedCase.EXACTLY, ExpectedCase.MUST_EXIST, ExpectedCase.MUST_NOT_EXIST),
                options.expectedSequences(List.of()).stream().map(ExpectedSequence::getExpectedCase).toList());
    }

    @Test
    void anExpectationBelowZeroIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Expected.sequence(-1));
    }

    @Test
    void whatIsSaidLastOfAReplaysBoundsCounts() {
        ReplayRequest request = ReplayOptions.aggregate("a", "1")
                .after(new Cursor(7, "id-7"))
                .afterSequence(2)
                .throughPosition(9)
                .toMessage();
        assertEquals(2, request.getAfterSequence());
        assertEquals("", request.getAfterEventId());
        assertEquals(9, request.getThroughPosition());
    }

    @Test
    void optionsDoNotChangeOnceMade() {
        ReplayOptions log = ReplayOptions.log();
        log.backwards().maxEvents(3);
        assertEquals(ReplayRequest.getDefaultInstance(), log.toMessage());
        Filter all = Filter.all();
        all.actor("me").eventTypes("a.*");
        assertEquals(Filter.all(), all);
    }
}
