package io.everlog.client.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.everlog.client.AggregateKey;
import io.everlog.client.AlreadyExistsException;
import io.everlog.client.EmitOptions;
import io.everlog.client.Event;
import io.everlog.client.EverlogException;
import io.everlog.client.Expected;
import io.everlog.client.FieldViolation;
import io.everlog.client.Filter;
import io.everlog.client.Head;
import io.everlog.client.InvalidArgumentException;
import io.everlog.client.KnownEvent;
import io.everlog.client.Receipt;
import io.everlog.client.RecordedEvent;
import io.everlog.client.SequenceConflictException;
import io.everlog.client.SequenceViolation;
import io.everlog.client.SubscriptionItem;
import io.everlog.v1.Context;
import io.everlog.v1.Intent;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Between the suite's canonical JSON and the objects of this client. */
final class Shapes {
    private static final DateTimeFormatter SIX_DIGITS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    private Shapes() {}

    static String time(Instant time) {
        return SIX_DIGITS.format(time);
    }

    static Instant time(String text) {
        return Instant.parse(text);
    }

    static Duration seconds(JsonElement seconds) {
        return Duration.ofNanos(Math.round(seconds.getAsDouble() * 1e9));
    }

    /** A JSON value as a caller would have it: maps, lists, texts, numbers, booleans, null. */
    static Object nativeValue(JsonElement element) {
        if (element.isJsonObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            element.getAsJsonObject().entrySet().forEach(entry -> map.put(entry.getKey(), nativeValue(entry.getValue())));
            return map;
        }
        if (element.isJsonArray()) {
            List<Object> list = new ArrayList<>();
            element.getAsJsonArray().forEach(item -> list.add(nativeValue(item)));
            return list;
        }
        if (element.isJsonNull()) {
            return null;
        }
        JsonPrimitive value = element.getAsJsonPrimitive();
        if (value.isString()) {
            return value.getAsString();
        }
        if (value.isBoolean()) {
            return value.getAsBoolean();
        }
        String text = value.getAsString();
        if (!text.matches("-?\\d+")) {
            return value.getAsDouble();
        }
        BigInteger integer = new BigInteger(text);
        return integer.bitLength() < 64 ? (Object) integer.longValue() : integer;
    }

    static void text(JsonObject shape, String name, Consumer<String> setter) {
        if (shape.has(name)) {
            setter.accept(shape.get(name).getAsString());
        }
    }

    static List<Event> events(JsonObject command) {
        return command.getAsJsonArray("events").asList().stream()
                .map(event -> event(event.getAsJsonObject()))
                .toList();
    }

    static Event event(JsonObject shape) {
        Event.Builder event = Event.builder(shape.has("event_type") ? shape.get("event_type").getAsString() : "");
        if (shape.has("aggregate_type") || shape.has("aggregate_id")) {
            event.aggregate(optional(shape, "aggregate_type"), optional(shape, "aggregate_id"));
        }
        text(shape, "event_id", event::eventId);
        text(shape, "source", event::source);
        text(shape, "json", event::json);
        text(shape, "binary", base64 -> event.binary(Base64.getDecoder().decode(base64)));
        text(shape, "content_type", event::contentType);
        text(shape, "idempotency_key", event::idempotencyKey);
        text(shape, "correlation_id", event::correlationId);
        text(shape, "causation_id", event::causationId);
        text(shape, "actor", event::actor);
        text(shape, "user_id", event::userId);
        text(shape, "occurred_time", time -> event.occurredTime(time(time)));
        if (shape.has("data")) {
            event.data(nativeValue(shape.get("data")));
        }
        if (shape.has("metadata")) {
            shape.getAsJsonObject("metadata")
                    .entrySet()
                    .forEach(entry -> event.metadata(entry.getKey(), nativeValue(entry.getValue())));
        }
        if (shape.has("documentable")) {
            event.documentable(shape.get("documentable").getAsBoolean());
        }
        if (shape.has("intent")) {
            event.intent(intent(shape.getAsJsonObject("intent")));
        }
        if (shape.has("context")) {
            event.context(context(shape.getAsJsonObject("context")));
        }
        return event.build();
    }

    private static Intent intent(JsonObject shape) {
        return Intent.newBuilder()
                .setProblemSolved(optional(shape, "problem_solved"))
                .setPainPoint(optional(shape, "pain_point"))
                .setGoal(optional(shape, "goal"))
                .setExpectedOutcome(optional(shape, "expected_outcome"))
                .setImpactMetric(optional(shape, "impact_metric"))
                .build();
    }

    private static Context context(JsonObject shape) {
        Context.Builder context = Context.newBuilder()
                .setDecision(optional(shape, "decision"))
                .setCategory(optional(shape, "category"));
        if (shape.has("related_event_ids")) {
            shape.getAsJsonArray("related_event_ids").forEach(id -> context.addRelatedEventIds(id.getAsString()));
        }
        return context.build();
    }

    private static String optional(JsonObject shape, String name) {
        return shape.has(name) ? shape.get(name).getAsString() : "";
    }

    static AggregateKey aggregate(JsonObject shape) {
        return new AggregateKey(
                shape.get("aggregate_type").getAsString(), shape.get("aggregate_id").getAsString());
    }

    static EmitOptions expectations(JsonObject command) {
        EmitOptions options = EmitOptions.none();
        if (command.has("expect")) {
            for (JsonElement element : command.getAsJsonArray("expect")) {
                JsonObject shape = element.getAsJsonObject();
                Expected expected = shape.has("exactly")
                        ? Expected.sequence(shape.get("exactly").getAsLong())
                        : shape.has("must_exist") ? Expected.MUST_EXIST : Expected.MUST_NOT_EXIST;
                options = options.expect(aggregate(shape), expected);
            }
        }
        return options;
    }

    static Filter filter(JsonObject shape) {
        Filter[] filter = {Filter.all()};
        strings(shape, "aggregate_types", values -> filter[0] = filter[0].aggregateTypes(values));
        strings(shape, "event_types", values -> filter[0] = filter[0].eventTypes(values));
        strings(shape, "sources", values -> filter[0] = filter[0].sources(values));
        text(shape, "recorded_from", time -> filter[0] = filter[0].recordedFrom(time(time)));
        text(shape, "recorded_before", time -> filter[0] = filter[0].recordedBefore(time(time)));
        text(shape, "occurred_from", time -> filter[0] = filter[0].occurredFrom(time(time)));
        text(shape, "occurred_before", time -> filter[0] = filter[0].occurredBefore(time(time)));
        text(shape, "correlation_id", id -> filter[0] = filter[0].correlationId(id));
        text(shape, "causation_id", id -> filter[0] = filter[0].causationId(id));
        text(shape, "actor", actor -> filter[0] = filter[0].actor(actor));
        text(shape, "user_id", id -> filter[0] = filter[0].userId(id));
        text(shape, "keyword", words -> filter[0] = filter[0].keyword(words));
        if (shape.has("aggregate")) {
            filter[0] = filter[0].aggregate(aggregate(shape.getAsJsonObject("aggregate")));
        }
        if (shape.has("documentable_only") && shape.get("documentable_only").getAsBoolean()) {
            filter[0] = filter[0].documentableOnly();
        }
        if (shape.has("metadata")) {
            shape.getAsJsonObject("metadata")
                    .entrySet()
                    .forEach(entry -> filter[0] =
                            filter[0].metadata(entry.getKey(), entry.getValue().getAsString()));
        }
        if (shape.has("data_contains")) {
            filter[0] = filter[0].dataContains(nativeValue(shape.get("data_contains")));
        }
        return filter[0];
    }

    private static void strings(JsonObject shape, String name, Consumer<String[]> setter) {
        if (shape.has(name)) {
            setter.accept(shape.getAsJsonArray(name).asList().stream()
                    .map(JsonElement::getAsString)
                    .toArray(String[]::new));
        }
    }

    static JsonObject of(RecordedEvent event) {
        JsonObject shape = new JsonObject();
        shape.addProperty("event_id", event.eventId());
        shape.addProperty("position", Long.toString(event.position()));
        shape.addProperty("sequence", Long.toString(event.sequence()));
        shape.addProperty("record_time", time(event.recordTime()));
        shape.addProperty("aggregate_type", event.aggregate().aggregateType());
        shape.addProperty("aggregate_id", event.aggregate().aggregateId());
        shape.addProperty("event_type", event.eventType());
        shape.addProperty("source", event.source());
        event.json().ifPresent(json -> shape.addProperty("json", json));
        event.binary()
                .ifPresent(binary -> shape.addProperty("binary", Base64.getEncoder().encodeToString(binary)));
        shape.addProperty("content_type", event.contentType());
        shape.add("metadata", of(event.metadata()));
        shape.addProperty("idempotency_key", event.idempotencyKey());
        shape.addProperty("correlation_id", event.correlationId());
        shape.addProperty("causation_id", event.causationId());
        shape.addProperty("actor", event.actor());
        shape.addProperty("user_id", event.userId());
        shape.addProperty("occurred_time", time(event.occurredTime()));
        shape.addProperty("documentable", event.documentable());
        event.intent().ifPresent(intent -> shape.add("intent", of(intent)));
        event.context().ifPresent(context -> shape.add("context", of(context)));
        return shape;
    }

    private static JsonObject of(Map<String, String> metadata) {
        JsonObject shape = new JsonObject();
        metadata.forEach(shape::addProperty);
        return shape;
    }

    private static JsonObject of(Intent intent) {
        JsonObject shape = new JsonObject();
        shape.addProperty("problem_solved", intent.getProblemSolved());
        shape.addProperty("pain_point", intent.getPainPoint());
        shape.addProperty("goal", intent.getGoal());
        shape.addProperty("expected_outcome", intent.getExpectedOutcome());
        shape.addProperty("impact_metric", intent.getImpactMetric());
        return shape;
    }

    private static JsonObject of(Context context) {
        JsonObject shape = new JsonObject();
        shape.addProperty("decision", context.getDecision());
        shape.addProperty("category", context.getCategory());
        JsonArray related = new JsonArray();
        context.getRelatedEventIdsList().forEach(related::add);
        shape.add("related_event_ids", related);
        return shape;
    }

    static JsonObject of(Receipt receipt) {
        JsonObject shape = new JsonObject();
        shape.addProperty("event_id", receipt.eventId());
        shape.addProperty("position", Long.toString(receipt.position()));
        shape.addProperty("sequence", Long.toString(receipt.sequence()));
        shape.addProperty("record_time", time(receipt.recordTime()));
        shape.addProperty("deduplicated", receipt.deduplicated());
        shape.addProperty("documentable", receipt.documentable());
        return shape;
    }

    static JsonObject of(Head head) {
        JsonObject shape = new JsonObject();
        shape.addProperty("position", Long.toString(head.position()));
        shape.addProperty("event_id", head.eventId());
        head.recordTime().ifPresent(time -> shape.addProperty("record_time", time(time)));
        return shape;
    }

    static JsonObject of(SubscriptionItem item) {
        JsonObject shape = new JsonObject();
        if (item instanceof SubscriptionItem.Recorded recorded) {
            shape.add("event", of(recorded.event()));
        } else if (item instanceof SubscriptionItem.CaughtUp) {
            shape.addProperty("caught_up", Long.toString(item.position()));
        } else {
            shape.addProperty("fell_behind", Long.toString(item.position()));
        }
        return shape;
    }

    static JsonObject of(EverlogException error) {
        JsonObject shape = new JsonObject();
        shape.addProperty("reason", error.reason());
        shape.addProperty("code", error.code().name());
        shape.addProperty("message", error.message());
        shape.add("metadata", of(error.metadata()));
        JsonArray fields = new JsonArray();
        if (error instanceof InvalidArgumentException invalid) {
            invalid.fieldViolations().forEach(violation -> fields.add(of(violation)));
        }
        shape.add("field_violations", fields);
        JsonArray sequences = new JsonArray();
        if (error instanceof SequenceConflictException conflict) {
            conflict.violations().forEach(violation -> sequences.add(of(violation)));
        }
        shape.add("sequence_violations", sequences);
        JsonArray known = new JsonArray();
        if (error instanceof AlreadyExistsException exists) {
            exists.knownEvents().forEach(event -> known.add(of(event)));
        }
        shape.add("known_events", known);
        error.retryAfter().ifPresent(wait -> shape.addProperty("retry_after_seconds", wait.toNanos() / 1e9));
        return shape;
    }

    private static JsonObject of(FieldViolation violation) {
        JsonObject shape = new JsonObject();
        shape.addProperty("field", violation.field());
        shape.addProperty("description", violation.description());
        return shape;
    }

    private static JsonObject of(SequenceViolation violation) {
        JsonObject shape = new JsonObject();
        shape.addProperty("aggregate_type", violation.aggregate().aggregateType());
        shape.addProperty("aggregate_id", violation.aggregate().aggregateId());
        if (violation.expected() instanceof Expected.Sequence exactly) {
            shape.addProperty("exactly", Long.toString(exactly.sequence()));
        } else {
            boolean exists = violation.expected() == Expected.MUST_EXIST;
            shape.addProperty(exists ? "must_exist" : "must_not_exist", true);
        }
        shape.addProperty("actual_sequence", Long.toString(violation.actual()));
        return shape;
    }

    private static JsonObject of(KnownEvent known) {
        JsonObject shape = new JsonObject();
        shape.addProperty("index", known.index());
        shape.addProperty("idempotency_key", known.idempotencyKey());
        shape.addProperty("event_id", known.eventId());
        return shape;
    }
}
