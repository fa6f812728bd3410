package io.everlog.examples;

import io.everlog.client.AggregateKey;
import io.everlog.client.EverlogClient;
import io.everlog.client.RecordedEvent;
import io.everlog.client.Replay;
import io.everlog.client.ReplayOptions;

/** What the events of one {@code stock/<sku>} come to; a decision is based on the sequence. */
record Stock(int received, int reserved, long sequence) {
    /** The data of both event types. */
    record Items(int quantity) {}

    /** Folds the aggregate's whole history; a long one would be read on from a snapshot. */
    static Stock read(EverlogClient client, AggregateKey aggregate) {
        Stock stock = new Stock(0, 0, 0);
        try (Replay replay = client.replay(ReplayOptions.aggregate(aggregate))) {
            while (replay.hasNext()) {
                stock = stock.plus(replay.next());
            }
        }
        return stock;
    }

    private Stock plus(RecordedEvent event) {
        int quantity = event.data(Items.class).quantity();
        return switch (event.eventType()) {
            case "stock.received" -> new Stock(received + quantity, reserved, event.sequence());
            case "stock.reserved" -> new Stock(received, reserved + quantity, event.sequence());
            default -> new Stock(received, reserved, event.sequence());
        };
    }
}
