package io.everlog.examples;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;
import io.everlog.client.Cursor;
import io.everlog.client.CursorBeyondHeadException;
import io.everlog.client.EverlogClient;
import io.everlog.client.EverlogException;
import io.everlog.client.Filter;
import io.everlog.client.LogDivergedException;
import io.everlog.client.RecordedEvent;
import io.everlog.client.SubscribeOptions;
import io.everlog.client.Subscription;
import io.everlog.client.SubscriptionItem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * A live subscriber: follows all orders, and keeps a running total of what was paid.
 *
 * <p>What it has counted and where it is are one small file, so it goes on where it was, whenever and
 * however it ended, and counts nothing twice.
 */
public final class LiveSubscriber {
    private static final Gson GSON = new Gson();

    /**
     * What was counted, and up to where: saved together, so that they always agree. The cursor has the
     * event's id, too: another log, or a restored one, has another event at that position.
     */
    private record Totals(
            Cursor cursor, int placed, int paid, int rejected, @SerializedName("paid_cents") long paidCents) {
        Totals plus(RecordedEvent event) {
            return switch (event.eventType()) {
                case "order.placed" -> new Totals(event.cursor(), placed + 1, paid, rejected, paidCents);
                case "order.paid" -> {
                    long amount = event.data(Paid.class).amountCents();
                    yield new Totals(event.cursor(), placed, paid + 1, rejected, paidCents + amount);
                }
                case "order.rejected" -> new Totals(event.cursor(), placed, paid, rejected + 1, paidCents);
                default -> new Totals(event.cursor(), placed, paid, rejected, paidCents);
            };
        }

        /** Replaces the file as a whole: whoever is killed leaves the old one or the new one. */
        void save(Path file) throws IOException {
            Path saved = Files.writeString(Path.of(file + ".new"), GSON.toJson(this));
            Files.move(saved, file, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private record Paid(@SerializedName("amount_cents") long amountCents) {}

    private LiveSubscriber() {}

    public static void main(String... arguments) throws IOException {
        Options options = new Options(arguments, "cursor-file", "after", "events");
        Path file = Path.of(options.text("cursor-file").orElse("live_subscriber.json"));
        long after = options.number("after").orElse(0);
        boolean goesOn = options.number("after").isEmpty() && Files.exists(file);
        Totals totals = goesOn
                ? GSON.fromJson(Files.readString(file), Totals.class)
                : new Totals(new Cursor(after, ""), 0, 0, 0, 0);
        try {
            follow(totals, file, options.number("events").orElse(Integer.MAX_VALUE));
        } catch (LogDivergedException | CursorBeyondHeadException error) {
            // The server's database came back from a backup, or it is another server's.
            System.err.println("live_subscriber: " + error.getMessage());
            System.err.println("Delete " + file + " to count the log that is there now.");
            System.exit(1);
        } catch (EverlogException error) {
            System.err.println("live_subscriber: " + error.getMessage());
            System.exit(1);
        }
    }

    /** Counts what comes: first what is stored already, then what is live. */
    private static void follow(Totals before, Path file, int eventsMax) throws IOException {
        Totals totals = before;
        CountDownLatch ended = new CountDownLatch(1);
        SubscribeOptions options = SubscribeOptions.after(before.cursor())
                .filter(Filter.all().eventTypes("order.*"))
                // It goes on by itself when the server is back.
                .onInterruption((error, wait) -> System.err.printf(
                        "interrupted, again in %.1f s: %s%n", wait.toMillis() / 1000.0, error.getMessage()));
        try (EverlogClient client = Options.connect()) {
            Subscription subscription = client.subscribe(options); // closed with the client, at the latest
            // Ctrl-C: have the loop end, and wait until it has; what was counted is saved already.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                subscription.close();
                awaitQuietly(ended);
            }));
            int events = 0;
            while (events < eventsMax && !subscription.isClosed()) {
                SubscriptionItem item = subscription.poll(Duration.ofMinutes(1)).orElse(null);
                if (item instanceof SubscriptionItem.CaughtUp caughtUp) {
                    System.out.println("caught up at " + caughtUp.position());
                } else if (item instanceof SubscriptionItem.Recorded recorded) {
                    totals = totals.plus(recorded.event());
                    totals.save(file);
                    show(recorded.event(), totals);
                    events++;
                }
            }
            System.out.println("ended after position " + totals.cursor().position());
        } finally {
            ended.countDown();
        }
    }

    /** Prints an event, and the totals with it. */
    private static void show(RecordedEvent event, Totals totals) {
        System.out.printf(
                "%d %s %s: %d placed, %d rejected, %d paid with %d cents%n",
                event.position(),
                event.aggregate(),
                event.eventType(),
                totals.placed(),
                totals.rejected(),
                totals.paid(),
                totals.paidCents());
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
