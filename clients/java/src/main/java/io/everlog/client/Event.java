package io.everlog.client;

import com.google.protobuf.ByteString;
import io.everlog.v1.Context;
import io.everlog.v1.Intent;
import io.everlog.v1.NewEvent;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * A new event. Only its type, and an aggregate or a source, are required.
 *
 * <p>Objects given as data or metadata are written as JSON when the event is emitted, not before: do
 * not change them until then.
 */
public final class Event {
    private final NewEvent message;
    private final Object data;
    private final Map<String, Object> metadata;

    private Event(Builder builder) {
        this.message = builder.message.build();
        this.data = builder.data;
        this.metadata = Map.copyOf(builder.metadata);
    }

    /** Begins an event of this type, such as {@code order.created}. */
    public static Builder builder(String eventType) {
        return new Builder(eventType);
    }

    /** The aggregate that it will belong to. */
    public AggregateKey aggregate() {
        return message.getAggregateType().isEmpty() && message.getAggregateId().isEmpty()
                ? new AggregateKey("source", message.getSource())
                : new AggregateKey(message.getAggregateType(), message.getAggregateId());
    }

    /** Whether emitting it a second time is harmless, because the log would recognise it. */
    public boolean mayBeRepeated() {
        return !message.getIdempotencyKey().isEmpty() || !message.getEventId().isEmpty();
    }

    /** Encodes the event. */
    NewEvent toMessage(JsonCodec json) {
        if (data == null && metadata.isEmpty()) {
            return message;
        }
        NewEvent.Builder encoded = message.toBuilder();
        if (data != null) {
            encoded.setJson(write(json, "data", data));
        }
        metadata.forEach((key, value) -> encoded.putMetadata(key, write(json, "metadata." + key, value)));
        return encoded.build();
    }

    private static String write(JsonCodec json, String field, Object value) {
        String text;
        try {
            text = json.write(value);
        } catch (RuntimeException unwritable) {
            throw new IllegalArgumentException(
                    field + " can't be written as JSON, a " + value.getClass().getName() + ": "
                            + unwritable.getMessage(),
                    unwritable);
        }
        return Texts.requireWellFormed(field, text);
    }

    @Override
    public String toString() {
        return "Event[" + message.getEventType() + " " + aggregate() + "]";
    }

    /** Makes an event. Its setters refuse null, and text that UTF-8 can't carry. */
    public static final class Builder {
        private final NewEvent.Builder message = NewEvent.newBuilder();
        private final Map<String, Object> metadata = new LinkedHashMap<>();
        private Object data;

        private Builder(String eventType) {
            message.setEventType(text("event_type", eventType));
        }

        /** What it is about, such as {@code order}, {@code 42}. Absent: {@code source} / its source. */
        public Builder aggregate(String aggregateType, String aggregateId) {
            return aggregate(new AggregateKey(aggregateType, aggregateId));
        }

        /** What it is about. */
        public Builder aggregate(AggregateKey aggregate) {
            message.setAggregateType(aggregate.aggregateType());
            message.setAggregateId(aggregate.aggregateId());
            return this;
        }

        /** The component that speaks, such as {@code checkout-service}. */
        public Builder source(String source) {
            message.setSource(text("source", source));
            return this;
        }

        /** Its data: a map, a list, a record or any object that the client's codec writes as JSON. */
        public Builder data(Object data) {
            requireNoPayload();
            this.data = Objects.requireNonNull(data, "data: for a JSON null give json(\"null\")");
            return this;
        }

        /** Its data as JSON text, kept byte for byte. */
        public Builder json(String json) {
            requireNoPayload();
            message.setJson(text("json", json));
            return this;
        }

        /** Its data as bytes; they are copied. */
        public Builder binary(byte[] binary) {
            requireNoPayload();
            message.setBinary(ByteString.copyFrom(binary));
            return this;
        }

        /** The media type of {@link #binary}, such as {@code application/x-protobuf}. */
        public Builder contentType(String contentType) {
            message.setContentType(text("content_type", contentType));
            return this;
        }

        /** One entry of technical context. A value that is no text is kept as JSON text. */
        public Builder metadata(String key, Object value) {
            text("metadata", key);
            Objects.requireNonNull(value, key);
            if (value instanceof String already) {
                metadata.remove(key);
                message.putMetadata(key, text("metadata." + key, already));
            } else {
                message.removeMetadata(key);
                metadata.put(key, value);
            }
            return this;
        }

        /** Entries of technical context, each as {@link #metadata(String, Object)}. */
        public Builder metadata(Map<String, ?> entries) {
            entries.forEach(this::metadata);
            return this;
        }

        /** The caller's name for this event, unique per tenant for ever: it may be sent again. */
        public Builder idempotencyKey(String idempotencyKey) {
            message.setIdempotencyKey(text("idempotency_key", idempotencyKey));
            return this;
        }

        /**
         * A new random key. It makes the client's own retries safe; another event with the same
         * content gets another one.
         */
        public Builder randomIdempotencyKey() {
            return idempotencyKey(UUID.randomUUID().toString());
        }

        /** An id of the caller's choice. Absent: the server makes one. */
        public Builder eventId(UUID eventId) {
            return eventId(eventId.toString());
        }

        /** An id of the caller's choice, a UUID. */
        public Builder eventId(String eventId) {
            message.setEventId(text("event_id", eventId));
            return this;
        }

        /** Groups the events of one piece of work. */
        public Builder correlationId(String correlationId) {
            message.setCorrelationId(text("correlation_id", correlationId));
            return this;
        }

        /** The id of the event that caused this one. */
        public Builder causationId(String causationId) {
            message.setCausationId(text("causation_id", causationId));
            return this;
        }

        /** Who did it, such as {@code user:mia}, {@code agent:x} or {@code system}. */
        public Builder actor(String actor) {
            message.setActor(text("actor", actor));
            return this;
        }

        /** The user whom it concerns or belongs to. */
        public Builder userId(String userId) {
            message.setUserId(text("user_id", userId));
            return this;
        }

        /** When it happened, if not now; cut to microseconds. */
        public Builder occurredTime(Instant occurredTime) {
            message.setOccurredTime(Times.toTimestamp(occurredTime));
            return this;
        }

        /** Whether people should be told about it. Absent: the server decides by the event type. */
        public Builder documentable(boolean documentable) {
            message.setDocumentable(documentable);
            return this;
        }

        /** Why somebody wanted it. */
        public Builder intent(Intent intent) {
            message.setIntent(intent);
            return this;
        }

        /** The decision behind it, and the events that belong with it. */
        public Builder context(Context context) {
            message.setContext(context);
            return this;
        }

        /** Makes the event. The builder may be used on. */
        public Event build() {
            return new Event(this);
        }

        private void requireNoPayload() {
            if (data != null || message.hasJson() || message.hasBinary()) {
                throw new IllegalStateException("an event has one payload: data, json or binary");
            }
        }

        private static String text(String field, String value) {
            return Texts.requireWellFormed(field, value);
        }
    }
}
