package io.everlog.client;

import java.io.Serializable;

/**
 * Names an aggregate, what events are about, such as {@code order} / {@code 42}.
 *
 * @param aggregateType the kind of thing, 1–255 bytes
 * @param aggregateId the thing among its kind, 1–255 bytes
 */
public record AggregateKey(String aggregateType, String aggregateId) implements Serializable {
    public AggregateKey {
        Texts.requireWellFormed("aggregate_type", aggregateType);
        Texts.requireWellFormed("aggregate_id", aggregateId);
    }

    /** Reads {@code order/42}. The first slash parts type and id; the id may have more of them. */
    public static AggregateKey parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 1 || slash == text.length() - 1) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no aggregate: expected its type and id, as in order/42");
        }
        return new AggregateKey(text.substring(0, slash), text.substring(slash + 1));
    }

    static AggregateKey of(io.everlog.v1.AggregateKey message) {
        return new AggregateKey(message.getAggregateType(), message.getAggregateId());
    }

    io.everlog.v1.AggregateKey toMessage() {
        return io.everlog.v1.AggregateKey.newBuilder()
                .setAggregateType(aggregateType)
                .setAggregateId(aggregateId)
                .build();
    }

    @Override
    public String toString() {
        return aggregateType + "/" + aggregateId;
    }
}
