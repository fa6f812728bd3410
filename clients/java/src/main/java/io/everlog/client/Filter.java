package io.everlog.client;

import io.everlog.v1.EventFilter;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Says which events are meant; an empty one means all of them. Each method returns a new filter.
 *
 * <p>Values within a field are OR-ed, fields are AND-ed. {@code …From} is inclusive, {@code …Before}
 * exclusive. A field that is given again replaces what it was.
 */
public final class Filter {
    private static final Filter ALL = new Filter(EventFilter.getDefaultInstance());
    private static final JsonCodec JSON = new GsonCodec();

    private final EventFilter message;

    private Filter(EventFilter message) {
        this.message = message;
    }

    /** All events. */
    public static Filter all() {
        return ALL;
    }

    /** Events about any of these kinds of thing. */
    public Filter aggregateTypes(String... types) {
        return of(message.toBuilder()
                .clearAggregateTypes()
                .addAllAggregateTypes(texts("aggregate_types", types)));
    }

    /** Events about this one thing. */
    public Filter aggregate(String aggregateType, String aggregateId) {
        return aggregate(new AggregateKey(aggregateType, aggregateId));
    }

    /** Events about this one thing. */
    public Filter aggregate(AggregateKey aggregate) {
        return of(message.toBuilder().setAggregate(aggregate.toMessage()));
    }

    /** Events of any of these types: exact ({@code order.created}), or by prefix ({@code order.*}). */
    public Filter eventTypes(String... types) {
        return of(message.toBuilder().clearEventTypes().addAllEventTypes(texts("event_types", types)));
    }

    /** Events that any of these components spoke. */
    public Filter sources(String... sources) {
        return of(message.toBuilder().clearSources().addAllSources(texts("sources", sources)));
    }

    /** Events recorded at this time or later. */
    public Filter recordedFrom(Instant time) {
        return of(message.toBuilder().setRecordedFrom(Times.toTimestamp(time)));
    }

    /** Events recorded before this time. */
    public Filter recordedBefore(Instant time) {
        return of(message.toBuilder().setRecordedBefore(Times.toTimestamp(time)));
    }

    /** Events that happened at this time or later. */
    public Filter occurredFrom(Instant time) {
        return of(message.toBuilder().setOccurredFrom(Times.toTimestamp(time)));
    }

    /** Events that happened before this time. */
    public Filter occurredBefore(Instant time) {
        return of(message.toBuilder().setOccurredBefore(Times.toTimestamp(time)));
    }

    /** Events of this piece of work. */
    public Filter correlationId(String correlationId) {
        return of(message.toBuilder().setCorrelationId(text("correlation_id", correlationId)));
    }

    /** Events caused by the event with this id. */
    public Filter causationId(String causationId) {
        return of(message.toBuilder().setCausationId(text("causation_id", causationId)));
    }

    /** Events that this actor did. */
    public Filter actor(String actor) {
        return of(message.toBuilder().setActor(text("actor", actor)));
    }

    /** Events that concern or belong to this user. */
    public Filter userId(String userId) {
        return of(message.toBuilder().setUserId(text("user_id", userId)));
    }

    /** Only events that people should be told about. */
    public Filter documentableOnly() {
        return of(message.toBuilder().setDocumentableOnly(true));
    }

    /** Events whose metadata has this entry, besides those already asked for. */
    public Filter metadata(String key, String value) {
        return of(message.toBuilder().putMetadata(text("metadata", key), text("metadata." + key, value)));
    }

    /** Events whose metadata has these entries, besides those already asked for. */
    public Filter metadata(Map<String, String> entries) {
        Filter filter = this;
        for (Map.Entry<String, String> entry : entries.entrySet()) {
            filter = filter.metadata(entry.getKey(), entry.getValue());
        }
        return filter;
    }

    /** Events whose JSON data contains this value, as PostgreSQL's {@code @>} has it. */
    public Filter dataContains(Object value) {
        return dataContainsJson(JSON.write(value));
    }

    /** Events whose JSON data contains this value, given as JSON text. */
    public Filter dataContainsJson(String json) {
        return of(message.toBuilder().setDataContains(text("data_contains", json)));
    }

    /** Events that have all of these words, whole or beginnings, among their texts. */
    public Filter keyword(String words) {
        return of(message.toBuilder().setKeyword(text("keyword", words)));
    }

    /** Encodes the filter. */
    EventFilter toMessage() {
        return message;
    }

    private static Filter of(EventFilter.Builder message) {
        return new Filter(message.build());
    }

    private static String text(String field, String value) {
        return Texts.requireWellFormed(field, value);
    }

    private static List<String> texts(String field, String... values) {
        return List.of(values).stream().map(value -> text(field, value)).toList();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Filter filter && message.equals(filter.message);
    }

    @Override
    public int hashCode() {
        return message.hashCode();
    }

    @Override
    public String toString() {
        return "Filter[" + message.toString().strip().replace("\n", ", ") + "]";
    }
}
