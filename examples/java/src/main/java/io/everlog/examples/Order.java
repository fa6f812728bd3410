package io.everlog.examples;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import com.google.gson.annotations.SerializedName;
import java.io.BufferedReader;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What a customer wants. */
record Order(
        String order,
        String customer,
        String sku,
        int quantity,
        @SerializedName("price_cents") int priceCents) {
    private static final Gson GSON = new Gson();

    long totalCents() {
        return (long) quantity * priceCents;
    }

    /** Reads one on each line; throws IllegalArgumentException, which names the line and what is wrong. */
    static Stream<Order> read(BufferedReader input) {
        AtomicInteger number = new AtomicInteger();
        return input.lines().map(line -> parse(line, number.incrementAndGet()));
    }

    private static Order parse(String line, int number) {
        Order parsed;
        try {
            parsed = GSON.fromJson(line, Order.class);
        } catch (JsonParseException error) {
            throw new IllegalArgumentException("line " + number + " is no order: " + error.getMessage());
        }
        if (parsed == null
                || parsed.order == null
                || parsed.customer == null
                || parsed.sku == null
                || parsed.quantity < 1
                || parsed.priceCents < 1) {
            throw new IllegalArgumentException("line " + number + ": a field is missing: " + parsed);
        }
        return parsed;
    }

    /** Makes the orders that every example makes, in every language. */
    static Stream<Order> generate(int count) {
        String[] customers = {"ada", "bob", "mia"};
        String[] skus = {"cup", "teapot"};
        return IntStream.rangeClosed(1, count)
                .mapToObj(n -> new Order(
                        String.valueOf(n), customers[n % 3], skus[n % 2], 1 + n % 5, 2_500 * (1 + n % 7)));
    }
}
