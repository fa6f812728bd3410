package io.everlog.examples;

import io.everlog.client.AggregateKey;
import io.everlog.client.EmitOptions;
import io.everlog.client.Event;
import io.everlog.client.EverlogClient;
import io.everlog.client.EverlogException;
import io.everlog.client.SequenceConflictException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/**
 * Optimistic concurrency: many workers sell one stock, at once, and never more than there is.
 *
 * <p>Each reads the stock's events, decides, and emits what it decided on the condition that nothing
 * came in between. If something did, it reads and decides again.
 */
public final class StockReservation {
    private static final int TRIES_MAX = 50;
    private static final int PAUSE_MILLIS_MAX = 100;

    private StockReservation() {}

    /** Reserves one item after the other until none is left. */
    private static final class Worker implements Callable<Worker> {
        private final EverlogClient client;
        private final AggregateKey aggregate;
        private final String name;
        private int reserved;
        private int conflicts;

        Worker(EverlogClient client, AggregateKey aggregate, String name) {
            this.client = client;
            this.aggregate = aggregate;
            this.name = name;
        }

        @Override
        public Worker call() throws InterruptedException {
            while (reserveOne()) {
                reserved++;
            }
            return this;
        }

        private boolean reserveOne() throws InterruptedException {
            Event event = reservation();
            for (int tries = 1; tries <= TRIES_MAX; tries++) {
                Stock stock = Stock.read(client, aggregate);
                if (stock.reserved() >= stock.received()) {
                    return false;
                }
                try {
                    client.emit(event, EmitOptions.expecting(stock.sequence()));
                    return true;
                } catch (SequenceConflictException faster) {
                    // What was read is old. Jitter, or all would return in step.
                    conflicts++;
                    int pause = Math.min(1 << Math.min(tries, 10), PAUSE_MILLIS_MAX);
                    Thread.sleep(ThreadLocalRandom.current().nextInt(pause));
                }
            }
            throw new IllegalStateException(name + ": " + aggregate + " was busy for " + TRIES_MAX + " tries");
        }

        /** With one key for all of its tries: if an answer is lost on the way, the log knows the event. */
        private Event reservation() {
            return Event.builder("stock.reserved")
                    .aggregate(aggregate)
                    .data(new Stock.Items(1))
                    .idempotencyKey("reservation-" + UUID.randomUUID())
                    .actor("agent:" + name)
                    .build();
        }
    }

    public static void main(String... arguments) throws InterruptedException {
        Options options = new Options(arguments, "sku", "stock", "workers");
        AggregateKey aggregate = new AggregateKey("stock", options.text("sku").orElse("teapot"));
        try (EverlogClient client = Options.connect()) {
            sell(client, aggregate, options.number("stock").orElse(20), options.number("workers").orElse(8));
        } catch (EverlogException | ExecutionException | IllegalStateException error) {
            System.err.println("stock_reservation: " + error.getMessage());
            System.exit(1);
        }
    }

    /** Receives the stock, unless that is known, and has the workers sell it. */
    private static void sell(EverlogClient client, AggregateKey aggregate, int received, int workers)
            throws InterruptedException, ExecutionException {
        client.emit(Event.builder("stock.received")
                .aggregate(aggregate)
                .data(new Stock.Items(received))
                // Whoever comes second, in whatever language, finds it received already.
                .idempotencyKey("stock-" + aggregate.aggregateId() + "-received")
                .build());
        int reserved = 0;
        int conflicts = 0;
        ExecutorService threads = Executors.newFixedThreadPool(workers);
        try {
            List<Worker> crew = IntStream.rangeClosed(1, workers)
                    .mapToObj(n -> new Worker(client, aggregate, "java-" + n))
                    .toList();
            for (Future<Worker> ended : threads.invokeAll(crew)) {
                reserved += ended.get().reserved;
                conflicts += ended.get().conflicts;
            }
        } finally {
            threads.shutdown();
        }
        Stock stock = Stock.read(client, aggregate);
        System.out.printf(
                "%s: reserved %d of %d here, %d in all; %d conflicts%n",
                aggregate.aggregateId(), reserved, stock.received(), stock.reserved(), conflicts);
        if (stock.reserved() > stock.received()) {
            throw new IllegalStateException(aggregate + " is oversold");
        }
    }
}
