package io.everlog.client;

import static io.everlog.client.ScriptedServer.answers;
import static io.everlog.client.ScriptedServer.stores;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.everlog.client.ScriptedServer.Script;
import io.everlog.v1.GetHeadRequest;
import io.everlog.v1.GetHeadResponse;
import io.grpc.InsecureServerCredentials;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** A server that was never there, and one that was. */
@Timeout(30)
class ReachTest {
    private static final Script<GetHeadRequest, GetHeadResponse> HEAD_IS_7 =
            answers(GetHeadResponse.newBuilder().setPosition(7).setEventId("id-7").build());

    private static Event event() {
        return Event.builder("a.b").aggregate("a", "1").build();
    }

    private static Event keyed() {
        return Event.builder("a.b").aggregate("a", "1").idempotencyKey("k").build();
    }

    private static Everlog.Builder builder(int port) {
        return Everlog.builder("127.0.0.1:" + port)
                .backoff(new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), 1.5));
    }

    /** A port where nothing listens. */
    private static int nobody() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }

    private static void assertGivenUp(int port, String cause) {
        try (EverlogClient client =
                builder(port).connectTimeout(Duration.ofMillis(300)).withoutTimeout().connect()) {
            List<Executable> calls = List.of(() -> client.emit(event()), () -> client.emit(keyed()), client::head);
            for (Executable call : calls) {
                ConnectionLostException error = assertThrows(ConnectionLostException.class, call);
                String message = "no server could be reached at everlog://127.0.0.1:" + port + " within 0.3 s";
                assertTrue(error.getMessage().contains(message), error.getMessage());
                assertTrue(error.getMessage().contains(cause), error.getMessage());
            }
        }
    }

    @Test
    void aServerThatWasNeverThereIsNotWaitedForUntilTheDeadline() throws Exception {
        assertGivenUp(nobody(), "Connection refused");
    }

    @Test
    void whoTakesConnectionsAndSaysNothingIsNoServer() throws Exception {
        try (ServerSocket mute = new ServerSocket(0)) {
            assertGivenUp(mute.getLocalPort(), "");
        }
    }

    @Test
    void aServerThatIsJustStartingIsFound() throws Exception {
        int port = nobody();
        try (EverlogClient client = builder(port).connect()) {
            CompletableFuture<Receipt> emitted = client.emitAsync(event());
            CompletableFuture<Head> head = CompletableFuture.supplyAsync(client::head);
            Thread.sleep(200);
            try (ScriptedServer server = new ScriptedServer(port, InsecureServerCredentials.create())
                    .onEmitStream(stores())
                    .on("GetHead", HEAD_IS_7)) {
                emitted.get(20, TimeUnit.SECONDS);
                assertEquals(7, head.get(20, TimeUnit.SECONDS).position());
                assertEquals(2, server.calls.size());
            }
        }
    }

    @Test
    void aServerThatHasGoneIsWaitedForLongerThanAnUnknownOne() throws Exception {
        ScriptedServer server = new ScriptedServer().onEmitStream(stores());
        int port = server.port();
        try (EverlogClient client =
                builder(port).connectTimeout(Duration.ofMillis(100)).connect()) {
            client.emit(event());
            server.close();
            CompletableFuture<Receipt> emitted = client.emitAsync(keyed());
            CompletableFuture<Head> head = CompletableFuture.supplyAsync(client::head);
            Thread.sleep(400);
            try (ScriptedServer again = new ScriptedServer(port, InsecureServerCredentials.create())
                    .onEmitStream(stores())
                    .on("GetHead", HEAD_IS_7)) {
                emitted.get(20, TimeUnit.SECONDS);
                assertEquals(7, head.get(20, TimeUnit.SECONDS).position());
                assertEquals(2, again.calls.size());
            }
        }
    }

    @Test
    void aServerThatTakesItsTimeIsNotTakenForAMissingOne() throws Exception {
        Script<GetHeadRequest, GetHeadResponse> slowly = (request, answers) -> {
            try {
                Thread.sleep(400);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
            HEAD_IS_7.accept(request, answers);
        };
        try (ScriptedServer server = new ScriptedServer().on("GetHead", slowly);
                EverlogClient client =
                        server.builder().connectTimeout(Duration.ofMillis(100)).connect()) {
            assertEquals(7, client.head().position());
        }
    }
}
