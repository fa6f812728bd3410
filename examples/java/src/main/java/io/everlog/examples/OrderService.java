package io.everlog.examples;

import com.google.gson.annotations.SerializedName;
import io.everlog.client.Event;
import io.everlog.client.EverlogClient;
import io.everlog.client.EverlogException;
import io.everlog.client.IdempotencyKeyReusedException;
import io.everlog.client.Receipt;
import io.everlog.v1.Intent;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * An order service: takes orders, decides about each of them, and emits what happened.
 *
 * <p>Orders are generated ({@code --orders 10}) or come as JSON, one on each line of stdin:
 *
 * <pre>
 *   {"order": "1001", "customer": "mia", "sku": "teapot", "quantity": 2, "price_cents": 1250}
 * </pre>
 */
public final class OrderService {
    private static final long CREDIT_LIMIT_CENTS = 50_000;

    private final EverlogClient client;
    private int stored;
    private int deduplicated;
    private int refused;

    private OrderService(EverlogClient client) {
        this.client = client;
    }

    public static void main(String... arguments) {
        Options options = new Options(arguments, "orders");
        try (EverlogClient client = Options.connect();
                Stream<Order> orders = options.number("orders")
                        .map(Order::generate)
                        .orElseGet(() -> Order.read(new BufferedReader(
                                new InputStreamReader(System.in, StandardCharsets.UTF_8))))) {
            OrderService service = new OrderService(client);
            orders.forEach(service::take);
            System.out.printf(
                    "%d stored, %d deduplicated, %d refused%n",
                    service.stored, service.deduplicated, service.refused);
        } catch (EverlogException | IllegalArgumentException error) {
            // Whatever was not finished is finished by the next run: what is stored is recognised.
            System.err.println("order_service: " + error.getMessage());
            System.exit(1);
        }
    }

    private void take(Order order) {
        try {
            for (Receipt receipt : handle(order)) {
                if (receipt.deduplicated()) {
                    deduplicated++;
                } else {
                    stored++;
                }
            }
        } catch (IdempotencyKeyReusedException error) {
            // The key says which event it is, so this is no retry: somebody gave the number away twice.
            System.out.printf(
                    "order %s: refused, it is known with other content: %s%n",
                    order.order(), error.knownEvents().get(0).eventId());
            refused++;
        }
    }

    /** Emits that the order was placed, and then what was decided. */
    private List<Receipt> handle(Order order) {
        Receipt placed = client.emit(placed(order));
        // A known order answers with its first receipt: its decision has the same cause again.
        boolean isPaid = order.totalCents() <= CREDIT_LIMIT_CENTS;
        Receipt decided = client.emit(decided(order, isPaid, placed.eventId()));
        System.out.printf(
                "order %s: %s at %d%s%n",
                order.order(),
                isPaid ? "order.paid" : "order.rejected",
                decided.position(),
                placed.deduplicated() && decided.deduplicated() ? ", deduplicated" : "");
        return List.of(placed, decided);
    }

    /** All of an order but its number, which the aggregate says. */
    private record Details(
            String customer, String sku, int quantity, @SerializedName("price_cents") int priceCents) {}

    /** What the customer did. */
    private static Event placed(Order order) {
        return Event.builder("order.placed")
                .aggregate("order", order.order())
                .data(new Details(order.customer(), order.sku(), order.quantity(), order.priceCents()))
                // From the order itself, not random: a second run, or a retry after a crash, has it again.
                .idempotencyKey("order-" + order.order() + "-placed")
                .correlationId("order-" + order.order())
                .actor("user:" + order.customer())
                .source("order-service")
                .build();
    }

    /** What the service made of it: the same for the same order, whenever it is asked. */
    private static Event decided(Order order, boolean isPaid, String cause) {
        String reason = order.totalCents() + " cents are over the limit of " + CREDIT_LIMIT_CENTS + " cents";
        return Event.builder(isPaid ? "order.paid" : "order.rejected")
                .aggregate("order", order.order())
                .data(isPaid ? Map.of("amount_cents", order.totalCents()) : Map.of("reason", reason))
                // One key for both outcomes: an order is decided once, also if the limit changes meanwhile.
                .idempotencyKey("order-" + order.order() + "-decided")
                .correlationId("order-" + order.order())
                .causationId(cause)
                .actor("system")
                .source("order-service")
                .intent(Intent.newBuilder()
                        .setGoal("nobody owes more than the credit limit")
                        .build())
                .build();
    }
}
