package io.everlog.client.conformance;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.everlog.client.Cursor;
import io.everlog.client.EmitOptions;
import io.everlog.client.EmitStream;
import io.everlog.client.Event;
import io.everlog.client.Everlog;
import io.everlog.client.EverlogClient;
import io.everlog.client.EverlogException;
import io.everlog.client.KnownEvents;
import io.everlog.client.QueryOptions;
import io.everlog.client.QueryPage;
import io.everlog.client.Receipt;
import io.everlog.client.RecordedEvent;
import io.everlog.client.Replay;
import io.everlog.client.ReplayOptions;
import io.everlog.client.SubscribeOptions;
import io.everlog.client.Subscription;
import io.everlog.client.SubscriptionItem;
import io.everlog.v1.GetRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** This client's runner: obeys the conformance suite, as tests/clients/conformance/README.md says. */
public final class Runner {
    private static final Gson GSON =
            new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

    private final Map<String, Reader> readers = new HashMap<>();
    private EverlogClient client;

    /** A subscription, whether its marks are wanted, and the error that its next answer is. */
    private static final class Reader {
        private final Subscription subscription;
        private final boolean marks;
        private EverlogException error;

        Reader(Subscription subscription, boolean marks) {
            this.subscription = subscription;
            this.marks = marks;
        }
    }

    /** What this client has not: none of Java's own exceptions, which would be a defect. */
    private static final class UnsupportedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        UnsupportedException(String what) {
            super(what);
        }
    }

    public static void main(String... arguments) throws IOException {
        Runner runner = new Runner();
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            answers.println(GSON.toJson(runner.answer(JsonParser.parseString(line).getAsJsonObject())));
        }
        runner.close();
    }

    private JsonObject answer(JsonObject command) {
        JsonObject answer = new JsonObject();
        try {
            answer.add("ok", obey(command));
        } catch (EverlogException error) {
            answer.add("error", Shapes.of(error));
        } catch (UnsupportedException missing) {
            answer.addProperty("unsupported", missing.getMessage());
        } catch (Exception defect) {
            StringWriter trace = new StringWriter();
            defect.printStackTrace(new PrintWriter(trace));
            answer.addProperty("failure", trace.toString());
        }
        return answer;
    }

    private JsonObject obey(JsonObject command) throws Exception {
        String name = command.get("command").getAsString();
        return switch (name) {
            case "hello" -> hello();
            case "connect" -> connect(command);
            case "close" -> close();
            case "emit" -> emit(command);
            case "emit_many" -> emitMany(command);
            case "emit_stream" -> emitStream(command);
            case "emit_concurrently" -> emitConcurrently(command);
            case "get" -> get(command);
            case "head" -> Shapes.of(client.head(integer(command, "min_position")));
            case "query" -> query(command);
            case "replay" -> replay(command);
            case "subscribe_open" -> subscribeOpen(command);
            case "subscribe_next" -> subscribeNext(command);
            case "subscribe_close" -> subscribeClose(command);
            default -> throw new UnsupportedException("the command " + name);
        };
    }

    private static JsonObject hello() {
        JsonObject hello = new JsonObject();
        hello.addProperty("protocol", 1);
        hello.addProperty("language", "java");
        hello.addProperty("client", "0.1.0");
        hello.addProperty("runtime", "Java " + Runtime.version());
        return hello;
    }

    private JsonObject connect(JsonObject command) {
        close();
        Everlog.Builder builder = command.has("url")
                ? Everlog.builder(command.get("url").getAsString())
                : Everlog.builder();
        if (command.has("tenant")) {
            builder.tenant(command.get("tenant").getAsString());
        }
        if (command.has("token")) {
            builder.token(command.get("token").getAsString());
        }
        if (command.has("root_certificates")) {
            builder.rootCertificates(pem(command, "root_certificates"));
        }
        if (command.has("client_certificate")) {
            builder.clientCertificate(pem(command, "client_certificate"), pem(command, "client_key"));
        }
        if (command.has("timeout_seconds")) {
            builder.timeout(Shapes.seconds(command.get("timeout_seconds")));
        }
        if (command.has("connect_timeout_seconds")) {
            builder.connectTimeout(Shapes.seconds(command.get("connect_timeout_seconds")));
        }
        client = builder.connect();
        return new JsonObject();
    }

    private static byte[] pem(JsonObject command, String name) {
        return command.get(name).getAsString().getBytes(StandardCharsets.US_ASCII);
    }

    private JsonObject close() {
        readers.values().forEach(reader -> reader.subscription.close());
        readers.clear();
        if (client != null) {
            client.close();
            client = null;
        }
        return new JsonObject();
    }

    private JsonObject emit(JsonObject command) {
        Event event = Shapes.event(command.getAsJsonObject("event"));
        JsonObject answer = new JsonObject();
        answer.add("receipt", Shapes.of(client.emit(event, Shapes.expectations(command))));
        return answer;
    }

    private JsonObject emitMany(JsonObject command) {
        JsonArray receipts = new JsonArray();
        client.emitMany(Shapes.events(command), withKnownEvents(Shapes.expectations(command), command))
                .forEach(receipt -> receipts.add(Shapes.of(receipt)));
        JsonObject answer = new JsonObject();
        answer.add("receipts", receipts);
        return answer;
    }

    private JsonObject emitStream(JsonObject command) throws InterruptedException {
        List<Event> events = Shapes.events(command);
        int batch = command.has("batch_events") ? command.get("batch_events").getAsInt() : 1;
        EmitOptions options = withKnownEvents(EmitOptions.none(), command);
        List<CompletableFuture<List<Receipt>>> answers = new ArrayList<>();
        try (EmitStream stream = client.emitStream()) {
            for (int from = 0; from < events.size(); from += batch) {
                List<Event> together = events.subList(from, Math.min(from + batch, events.size()));
                answers.add(stream.emitMany(together, options));
            }
        }
        return outcomes(answers, batch, events.size());
    }

    private JsonObject emitConcurrently(JsonObject command) throws InterruptedException {
        List<CompletableFuture<List<Receipt>>> answers = new ArrayList<>();
        List<Event> events = Shapes.events(command);
        for (Event event : events) {
            answers.add(client.emitAsync(event).thenApply(List::of));
        }
        return outcomes(answers, 1, events.size());
    }

    private static JsonObject outcomes(
            List<CompletableFuture<List<Receipt>>> answers, int batch, int events)
            throws InterruptedException {
        JsonArray outcomes = new JsonArray();
        for (int index = 0; index < events; index++) {
            JsonObject outcome = new JsonObject();
            outcome.addProperty("index", index);
            try {
                outcome.add("receipt", Shapes.of(answers.get(index / batch).get().get(index % batch)));
            } catch (ExecutionException failure) {
                Throwable cause = failure.getCause();
                if (!(cause instanceof EverlogException error)) {
                    throw new IllegalStateException(cause);
                }
                outcome.add("error", Shapes.of(error));
            }
            outcomes.add(outcome);
        }
        JsonObject answer = new JsonObject();
        answer.add("outcomes", outcomes);
        return answer;
    }

    private static EmitOptions withKnownEvents(EmitOptions options, JsonObject command) {
        return command.has("known_events")
                ? options.knownEvents(KnownEvents.valueOf(command.get("known_events").getAsString().toUpperCase()))
                : options;
    }

    private JsonObject get(JsonObject command) {
        GetRequest.Builder request = GetRequest.newBuilder().setMinPosition(integer(command, "min_position"));
        RecordedEvent event;
        if (request.getMinPosition() > 0) {
            event = client.get(named(request, command));
        } else if (command.has("event_id")) {
            event = client.get(command.get("event_id").getAsString());
        } else if (command.has("position")) {
            event = client.getByPosition(integer(command, "position"));
        } else if (command.has("idempotency_key")) {
            event = client.getByIdempotencyKey(command.get("idempotency_key").getAsString());
        } else {
            event = client.getBySequence(Shapes.aggregate(command), integer(command, "sequence"));
        }
        JsonObject answer = new JsonObject();
        answer.add("event", Shapes.of(event));
        return answer;
    }

    private static GetRequest named(GetRequest.Builder request, JsonObject command) {
        Shapes.text(command, "event_id", request::setEventId);
        Shapes.text(command, "position", n -> request.setPosition(Long.parseLong(n)));
        Shapes.text(command, "idempotency_key", request::setIdempotencyKey);
        if (command.has("sequence")) {
            request.getAggregateSequenceBuilder().setSequence(integer(command, "sequence"));
            Shapes.text(command, "aggregate_type", request.getAggregateSequenceBuilder().getAggregateBuilder()::setAggregateType);
            Shapes.text(command, "aggregate_id", request.getAggregateSequenceBuilder().getAggregateBuilder()::setAggregateId);
        }
        return request.build();
    }

    private JsonObject query(JsonObject command) {
        QueryOptions options = QueryOptions.all().minPosition(integer(command, "min_position"));
        if (command.has("filter")) {
            options = options.filter(Shapes.filter(command.getAsJsonObject("filter")));
        }
        if (command.has("order")) {
            options = command.get("order").getAsString().equals("oldest_first")
                    ? options.oldestFirst()
                    : options.newestFirst();
        }
        if (command.has("limit")) {
            options = options.limit(command.get("limit").getAsLong());
        }
        if (command.has("page_size")) {
            options = options.pageSize(command.get("page_size").getAsInt());
        }
        if (command.has("total_size") && command.get("total_size").getAsBoolean()) {
            options = options.includeTotalSize();
        }
        JsonObject answer = new JsonObject();
        JsonArray events = new JsonArray();
        for (QueryPage page : client.query(options).pages()) {
            page.events().forEach(event -> events.add(Shapes.of(event)));
            if (!answer.has("through_position")) {
                answer.addProperty("through_position", Long.toString(page.throughPosition()));
                page.totalSize().ifPresent(size -> answer.addProperty("total_size", Long.toString(size)));
            }
        }
        answer.add("events", events);
        return answer;
    }

    private JsonObject replay(JsonObject command) {
        ReplayOptions[] options = {
            command.has("aggregate_type") ? ReplayOptions.aggregate(Shapes.aggregate(command)) : ReplayOptions.log()
        };
        if (command.has("filter")) {
            options[0] = options[0].filter(Shapes.filter(command.getAsJsonObject("filter")));
        }
        if (command.has("after_position")) {
            options[0] = options[0].after(cursor(command));
        }
        Shapes.text(command, "after_sequence", n -> options[0] = options[0].afterSequence(Long.parseLong(n)));
        Shapes.text(command, "from_time", time -> options[0] = options[0].fromTime(Shapes.time(time)));
        Shapes.text(command, "through_position", n -> options[0] = options[0].throughPosition(Long.parseLong(n)));
        Shapes.text(command, "through_sequence", n -> options[0] = options[0].throughSequence(Long.parseLong(n)));
        Shapes.text(command, "through_time", time -> options[0] = options[0].throughTime(Shapes.time(time)));
        if (command.has("direction") && command.get("direction").getAsString().equals("backwards")) {
            options[0] = options[0].backwards();
        }
        Shapes.text(command, "max_events", n -> options[0] = options[0].maxEvents(Long.parseLong(n)));
        Shapes.text(command, "min_position", n -> options[0] = options[0].minPosition(Long.parseLong(n)));
        JsonArray events = new JsonArray();
        try (Replay replay = client.replay(options[0])) {
            replay.forEachRemaining(event -> events.add(Shapes.of(event)));
        }
        JsonObject answer = new JsonObject();
        answer.add("events", events);
        return answer;
    }

    private JsonObject subscribeOpen(JsonObject command) {
        SubscribeOptions options = command.has("after_position")
                ? SubscribeOptions.after(cursor(command))
                : command.has("from_time")
                        ? SubscribeOptions.fromTime(Shapes.time(command.get("from_time").getAsString()))
                        : SubscribeOptions.fromNow();
        if (command.has("filter")) {
            options = options.filter(Shapes.filter(command.getAsJsonObject("filter")));
        }
        if (command.has("heartbeat_seconds")) {
            options = options.heartbeat(Shapes.seconds(command.get("heartbeat_seconds")));
        }
        boolean marks = command.has("marks") && command.get("marks").getAsBoolean();
        readers.put(name(command), new Reader(client.subscribe(options), marks));
        return new JsonObject();
    }

    private JsonObject subscribeNext(JsonObject command) {
        Reader reader = readers.get(name(command));
        if (reader.error != null) {
            EverlogException error = reader.error;
            reader.error = null;
            throw error;
        }
        int count = command.get("count").getAsInt();
        long deadline = System.nanoTime() + Shapes.seconds(command.get("timeout_seconds")).toNanos();
        JsonArray items = new JsonArray();
        try {
            while (items.size() < count) {
                Optional<SubscriptionItem> item =
                        reader.subscription.poll(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
                if (item.isEmpty()) {
                    break;
                }
                if (reader.marks || item.get() instanceof SubscriptionItem.Recorded) {
                    items.add(Shapes.of(item.get()));
                }
            }
        } catch (EverlogException error) {
            if (items.isEmpty()) {
                throw error;
            }
            reader.error = error;
        }
        JsonObject answer = new JsonObject();
        answer.add("items", items);
        return answer;
    }

    private JsonObject subscribeClose(JsonObject command) {
        readers.remove(name(command)).subscription.close();
        return new JsonObject();
    }

    private static Cursor cursor(JsonObject command) {
        String eventId = command.has("after_event_id") ? command.get("after_event_id").getAsString() : "";
        return new Cursor(integer(command, "after_position"), eventId);
    }

    private static String name(JsonObject command) {
        return command.get("subscription").getAsString();
    }

    private static long integer(JsonObject command, String name) {
        return command.has(name) ? command.get(name).getAsLong() : 0;
    }
}
