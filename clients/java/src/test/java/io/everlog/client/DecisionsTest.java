package io.everlog.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status.Code;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is decided without a server: addresses, retries, waits, texts, times. */
class DecisionsTest {
    private static EverlogException error(Code code, String reason, Duration retryAfter) {
        return Failures.exception(new Failure(
                code, reason, "as it happens", Map.of(), retryAfter, List.of(), List.of(), List.of()));
    }

    @ParameterizedTest
    @CsvSource({
        Everlog.DEFAULT_URL + ", 127.0.0.1, 7420, false",
        "everlog://example.org:9000, example.org, 9000, false",
        "everlogs://example.org, example.org, 7420, true",
        "example.org:9000, example.org, 9000, false",
        "localhost, localhost, 7420, false",
        "everlog://[::1]:7421/, ::1, 7421, false",
    })
    void aUrlNamesHostPortAndTransport(String url, String host, int port, boolean tls) {
        assertEquals(new Address(host, port, tls), Address.parse(url));
    }

    @ParameterizedTest
    @ValueSource(strings = {"everlog://127.0.0.1:7420", "everlogs://[fe80::1]:1"})
    void anAddressIsWrittenAsTheUrlThatGivesItAgain(String url) {
        assertEquals(url, Address.parse(url).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://example.org",
                "everlog://",
                "everlog://:7420",
                "everlog://example.org:port",
                "everlog://example.org:0",
                "everlog://example.org:70000",
                "everlog://example.org/tenant",
                "everlog://example.org?tenant=acme",
                "",
            })
    void whatIsNoAddressIsRefused(String url) {
        assertThrows(IllegalArgumentException.class, () -> Everlog.builder(url));
    }

    @Test
    void aUrlWithCredentialsIsRefusedWithoutRepeatingThem() {
        IllegalArgumentException refusal = assertThrows(
                IllegalArgumentException.class, () -> Everlog.connect("everlog://me:secret@example.org"));
        assertTrue(refusal.getMessage().contains("credentials"));
        assertFalse(refusal.getMessage().contains("secret"));
    }

    @Test
    void whatMetadataCanNotCarryIsRefusedWithoutRepeatingIt() {
        Everlog.Builder builder = Everlog.builder("localhost");
        assertThrows(IllegalArgumentException.class, () -> builder.tenant("nö"));
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> builder.token("secret\n"));
        assertEquals("the token may hold printable ASCII only", refusal.getMessage());
    }

    @Test
    void certificatesWithoutTlsAreRefused() {
        Everlog.Builder builder = Everlog.builder("everlog://localhost").rootCertificates(new byte[1]);
        assertThrows(IllegalArgumentException.class, builder::connect);
    }

    @ParameterizedTest
    @CsvSource({
        // code, reason, emit without key, emit with key, read, subscription
        "UNAVAILABLE,        STORAGE_UNAVAILABLE,    true,  true,  true,  true",
        "UNAVAILABLE,        SERVER_DRAINING,        true,  true,  true,  true",
        "RESOURCE_EXHAUSTED, OVERLOADED,             true,  true,  true,  true",
        "UNAVAILABLE,        COMMIT_UNKNOWN,         false, true,  true,  true",
        "UNAVAILABLE,        '',                     false, true,  true,  true",
        "UNAVAILABLE,        A_NEW_REASON,           false, true,  true,  true",
        "INTERNAL,           '',                     false, true,  false, true",
        "CANCELLED,          '',                     false, true,  true,  true",
        "INTERNAL,           INTERNAL,               false, false, false, false",
        "DATA_LOSS,          EVENT_DAMAGED,          false, false, false, false",
        "RESOURCE_EXHAUSTED, TOO_MANY_SUBSCRIPTIONS, false, false, false, true",
        "RESOURCE_EXHAUSTED, READ_TOO_EXPENSIVE,     false, false, false, false",
        "RESOURCE_EXHAUSTED, '',                     false, false, false, false",
        "ABORTED,            SEQUENCE_CONFLICT,      false, false, false, false",
        "INVALID_ARGUMENT,   INVALID_EVENT,          false, false, false, false",
        "ALREADY_EXISTS,     IDEMPOTENCY_KEY_REUSED, false, false, false, false",
        "DEADLINE_EXCEEDED,  '',                     false, false, false, false",
        "PERMISSION_DENIED,  PERMISSION_DENIED,      false, false, false, false",
        "FAILED_PRECONDITION, LOG_DIVERGED,          false, false, false, false",
        "OUT_OF_RANGE,       CURSOR_BEYOND_HEAD,     false, false, false, false",
        "OUT_OF_RANGE,       CURSOR_TRIMMED,         false, false, false, false",
    })
    void whatMayBeTriedAgain(
            Code code, String reason, boolean emit, boolean keyedEmit, boolean read, boolean subscription) {
        EverlogException error = error(code, reason, null);
        assertEquals(emit, Retries.emitMayBeRetried(error, false), "emit");
        assertEquals(keyedEmit, Retries.emitMayBeRetried(error, true), "keyed emit");
        assertEquals(read, Retries.readMayBeRetried(error), "read");
        assertEquals(subscription, Retries.subscriptionMayBeResumed(error), "subscription");
    }

    @ParameterizedTest
    @CsvSource({
        // failures, random, asked for (ms, 0: not), expected (ms)
        "1, 1.0, 0, 100",
        "2, 1.0, 0, 150",
        "3, 1.0, 0, 225",
        "11, 1.0, 0, 5000",
        "5000, 1.0, 0, 5000",
        "50, 0.0, 0, 2500",
        "1, 1.0, 7000, 7000",
        "1, 1.0, 50, 100",
    })
    void waitsGrowUpToTheCapAndAreNotShorterThanTheServerAskedFor(
            int failures, double random, long asked, long expected) {
        Duration retryAfter = asked == 0 ? null : Duration.ofMillis(asked);
        EverlogException error = error(Code.UNAVAILABLE, "", retryAfter);
        assertEquals(Duration.ofMillis(expected), Backoff.DEFAULT.wait(failures, error, () -> random));
    }

    @Test
    void aBackoffThatIsNoneIsRefused() {
        Duration second = Duration.ofSeconds(1);
        assertThrows(IllegalArgumentException.class, () -> new Backoff(Duration.ZERO, second, 1.5));
        assertThrows(IllegalArgumentException.class, () -> new Backoff(second, Duration.ofMillis(1), 1.5));
        assertThrows(IllegalArgumentException.class, () -> new Backoff(second, second, 0.5));
        assertThrows(IllegalArgumentException.class, () -> new Backoff(second, second, Double.NaN));
    }

    @ParameterizedTest
    @CsvSource({"\uD83D, 0", "a\uDE00, 1", "ab\uD83Dc, 2", "\uDE00\uD83D, 0"})
    void halfOfASurrogatePairIsRefusedBecauseItWouldBeStoredAsAQuestionMark(String text, int index) {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> Event.builder(text));
        assertEquals("event_type has half of a surrogate pair at index " + index, refusal.getMessage());
    }

    @Test
    void aWholeSurrogatePairIsText() {
        assertEquals("a\uD83D\uDE00", Texts.requireWellFormed("x", "a\uD83D\uDE00"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0001-01-01T00:00:00Z",
                "1969-12-31T23:59:59.999999Z",
                "2026-03-01T10:00:00.123457Z",
                "9999-12-31T23:59:59.999999Z",
            })
    void aTimeComesBackToTheMicrosecond(Instant time) {
        assertEquals(time, Times.toInstant(Times.toTimestamp(time)));
        assertEquals(time, Times.toInstant(Times.toTimestamp(time.plusNanos(999))));
    }

    @Test
    void aTimeoutLongerThanTheClockIsAsGoodAsNone() {
        assertEquals(Times.nanos(null), Times.nanos(Duration.ofSeconds(Long.MAX_VALUE)));
        assertEquals(0, Times.nanos(Duration.ofSeconds(-1)));
    }

    @Test
    void anAggregatesIdMayHaveSlashes() {
        assertEquals(new AggregateKey("file", "repo:a/b"), AggregateKey.parse("file/repo:a/b"));
        for (String text : List.of("order", "/42", "order/")) {
            assertThrows(IllegalArgumentException.class, () -> AggregateKey.parse(text));
        }
    }
}
