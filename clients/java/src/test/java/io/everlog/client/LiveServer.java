package io.everlog.client;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * A real server: the one at {@code EVERLOG_TEST_ADDRESS}, else one of this checkout, started once for
 * all tests and ended with them. Without either the tests are skipped; in CI they fail.
 */
final class LiveServer {
    private static final Path PROGRAM = Path.of("../../.venv/bin/everlog");
    private static final long START_SECONDS = 90;

    private static String url;

    private LiveServer() {}

    /** Its URL. */
    static synchronized String url() {
        if (url == null) {
            String given = System.getenv("EVERLOG_TEST_ADDRESS");
            url = given != null ? given : start();
        }
        return url;
    }

    private static String start() {
        if (!Files.isExecutable(PROGRAM)) {
            String missing = "no server: EVERLOG_TEST_ADDRESS is not set, and there is no " + PROGRAM;
            Assertions.assertNotEquals("true", System.getenv("CI"), missing);
            Assumptions.abort(missing);
        }
        try {
            Path folder = Files.createTempDirectory("everlog-java-");
            Path ready = folder.resolve("ready.json");
            Path log = folder.resolve("server.log");
            Process process = new ProcessBuilder(List.of(
                            PROGRAM.toString(), "serve", "--ephemeral", "--port", "0",
                            "--ready-file", ready.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(process)));
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
            while (!Files.exists(ready)) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw new IllegalStateException("the server did not start:\n" + Files.readString(log));
                }
                Thread.sleep(50);
            }
            return JsonParser.parseString(Files.readString(ready))
                    .getAsJsonObject()
                    .get("address")
                    .getAsString();
        } catch (IOException failure) {
            throw new IllegalStateException("the server did not start", failure);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", interrupted);
        }
    }

    private static void end(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
        }
    }
}
