package io.everlog.client;

import io.everlog.v1.Context;
import io.everlog.v1.Intent;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * An event as it is stored: a view of the message that came over the wire, which decodes a field when
 * it is asked for. Texts that its writer left out are empty.
 */
public final class RecordedEvent {
    private final io.everlog.v1.RecordedEvent message;
    private final JsonCodec json;

    RecordedEvent(io.everlog.v1.RecordedEvent message, JsonCodec json) {
        this.message = message;
        this.json = json;
    }

    /** The message, as it came over the wire. */
    public io.everlog.v1.RecordedEvent message() {
        return message;
    }

    /** Its id, a UUID. */
    public String eventId() {
        return message.getEventId();
    }

    /** Its number within the tenant's log, from 1. */
    public long position() {
        return message.getPosition();
    }

    /** Its number within its aggregate, from 1. */
    public long sequence() {
        return message.getSequence();
    }

    /** The cursor after it. */
    public Cursor cursor() {
        return new Cursor(position(), eventId());
    }

    /** What it is about, such as {@code order/42}. */
    public AggregateKey aggregate() {
        return new AggregateKey(message.getAggregateType(), message.getAggregateId());
    }

    /** What happened, such as {@code order.created}. */
    public String eventType() {
        return message.getEventType();
    }

    /** The component that spoke. */
    public String source() {
        return message.getSource();
    }

    /** Its JSON data as maps, lists, texts, numbers and booleans; null: none, or a JSON null. */
    public Object data() {
        return data((Type) Object.class);
    }

    /** Its JSON data as an object of this class; null: none, or a JSON null. */
    public <T> T data(Class<T> type) {
        @SuppressWarnings("unchecked") // not cast(): a primitive's class does not admit its box
        T read = (T) data((Type) type);
        return read;
    }

    /** Its JSON data as this type, such as a parameterised one; null: none, or a JSON null. */
    public Object data(Type type) {
        return message.hasJson() ? json.read(message.getJson(), type) : null;
    }

    /** Its JSON data, byte for byte as it was sent; empty when it has none. */
    public Optional<String> json() {
        return message.hasJson() ? Optional.of(message.getJson()) : Optional.empty();
    }

    /** Its binary data, in an array of the caller's own; empty when it has none. */
    public Optional<byte[]> binary() {
        return message.hasBinary() ? Optional.of(message.getBinary().toByteArray()) : Optional.empty();
    }

    /** The media type of {@link #binary()}. */
    public String contentType() {
        return message.getContentType();
    }

    /** Technical context; a nested value is JSON text. */
    public Map<String, String> metadata() {
        return message.getMetadataMap();
    }

    /** The writer's name for it. */
    public String idempotencyKey() {
        return message.getIdempotencyKey();
    }

    /** Groups the events of one piece of work. */
    public String correlationId() {
        return message.getCorrelationId();
    }

    /** The id of the event that caused it. */
    public String causationId() {
        return message.getCausationId();
    }

    /** Who did it. */
    public String actor() {
        return message.getActor();
    }

    /** The user whom it concerns or belongs to. */
    public String userId() {
        return message.getUserId();
    }

    /** When the server recorded it, to the microsecond. */
    public Instant recordTime() {
        return Times.toInstant(message.getRecordTime());
    }

    /** When it happened, to the microsecond. */
    public Instant occurredTime() {
        return Times.toInstant(message.getOccurredTime());
    }

    /** Whether people should be told about it in narratives. */
    public boolean documentable() {
        return message.getDocumentable();
    }

    /** Why somebody wanted it, if that was said. */
    public Optional<Intent> intent() {
        return message.hasIntent() ? Optional.of(message.getIntent()) : Optional.empty();
    }

    /** The decision behind it, and related events, if that was said. */
    public Optional<Context> context() {
        return message.hasContext() ? Optional.of(message.getContext()) : Optional.empty();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RecordedEvent event && message.equals(event.message);
    }

    @Override
    public int hashCode() {
        return Objects.hash(message.getEventId());
    }

    @Override
    public String toString() {
        return "RecordedEvent[" + position() + " " + eventType() + " " + aggregate() + "#" + sequence()
                + " " + eventId() + "]";
    }
}
