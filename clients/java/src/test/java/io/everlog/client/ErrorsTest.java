package io.everlog.client;

import static io.everlog.client.ScriptedServer.failure;
import static io.everlog.client.ScriptedServer.retryAfter;
import static io.everlog.client.ScriptedServer.status;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.everlog.v1.ErrorReason;
import io.everlog.v1.KnownEvents.KnownEvent;
import io.everlog.v1.SequenceConflict;
import io.everlog.v1.SequenceConflict.Violation;
import io.everlog.v1.SequenceConflict.Violation.Expected;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** From statuses to typed exceptions. */
class ErrorsTest {
    private static final io.everlog.v1.AggregateKey ORDER = new AggregateKey("order", "42").toMessage();

    private static EverlogException from(StatusRuntimeException failure) {
        return Statuses.exception(failure.getStatus(), failure.getTrailers());
    }

    @Test
    void everyReasonOfTheContractHasItsClass() {
        Set<String> reasons = Arrays.stream(ErrorReason.values())
                .filter(reason -> reason != ErrorReason.UNRECOGNIZED
                        && reason != ErrorReason.ERROR_REASON_UNSPECIFIED)
                .map(reason -> reason.name().substring("ERROR_REASON_".length()))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(reasons, new TreeSet<>(Failures.BY_REASON.keySet()));
        Set<Class<?>> classes = reasons.stream()
                .map(reason -> Statuses.exception(status(Code.UNKNOWN, reason)).getClass())
                .collect(Collectors.toSet());
        assertEquals(reasons.size(), classes.size());
    }

    @Test
    void aSequenceConflictListsEveryViolatedExpectation() {
        SequenceConflict details = SequenceConflict.newBuilder()
                .addViolations(Violation.newBuilder()
                        .setAggregate(ORDER)
                        .setExpected(Expected.EXPECTED_SEQUENCE)
                        .setExpectedSequence(3)
                        .setActualSequence(4))
                .addViolations(Violation.newBuilder()
                        .setAggregate(ORDER)
                        .setExpected(Expected.EXPECTED_NOT_TO_EXIST)
                        .setActualSequence(4))
                .addViolations(Violation.newBuilder()
                        .setAggregate(ORDER)
                        .setExpected(Expected.EXPECTED_TO_EXIST))
                .build();
        SequenceConflictException error = assertInstanceOf(
                SequenceConflictException.class,
                Statuses.exception(status(Code.ABORTED, "SEQUENCE_CONFLICT", details)));
        AggregateKey order = new AggregateKey("order", "42");
        assertEquals(
                List.of(
                        new SequenceViolation(order, io.everlog.client.Expected.sequence(3), 4),
                        new SequenceViolation(order, io.everlog.client.Expected.MUST_NOT_EXIST, 4),
                        new SequenceViolation(order, io.everlog.client.Expected.MUST_EXIST, 0)),
                error.violations());
        assertEquals("order/42 is at sequence 4, expected 3", error.violations().get(0).toString());
        assertEquals(io.everlog.client.Expected.sequence(3), error.expected().orElseThrow());
        assertEquals(4, error.actual().orElseThrow());
    }

    @Test
    void aReusedIdempotencyKeyNamesTheEventThatHasIt() {
        io.everlog.v1.KnownEvents known = io.everlog.v1.KnownEvents.newBuilder()
                .addEvents(KnownEvent.newBuilder().setIndex(2).setIdempotencyKey("k").setEventId("e"))
                .build();
        IdempotencyKeyReusedException error = assertInstanceOf(
                IdempotencyKeyReusedException.class,
                Statuses.exception(status(Code.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", known)));
        assertEquals("e", error.eventId());
        assertEquals(List.of(new io.everlog.client.KnownEvent(2, "k", "e")), error.knownEvents());
    }

    @Test
    void anInvalidEventNamesEachField() {
        BadRequest request = BadRequest.newBuilder()
                .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                        .setField("events[3].event_type")
                        .setDescription("is empty"))
                .build();
        InvalidEventException error = assertInstanceOf(
                InvalidEventException.class,
                Statuses.exception(status(Code.INVALID_ARGUMENT, "INVALID_EVENT", request)));
        assertEquals(List.of(new FieldViolation("events[3].event_type", "is empty")), error.fieldViolations());
    }

    @Test
    void anErrorCarriesReasonCodeMessageMetadataAndTheTimeToWait() {
        com.google.rpc.Status given = com.google.rpc.Status.newBuilder()
                .setCode(Code.OUT_OF_RANGE.value())
                .setMessage("position 9 is beyond the head, 4")
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setDomain("everlog")
                        .setReason("CURSOR_BEYOND_HEAD")
                        .putMetadata("position", "9")
                        .build()))
                .addDetails(Any.pack(retryAfter(1_500)))
                .build();
        EverlogException error = from(failure(given));
        assertInstanceOf(CursorBeyondHeadException.class, error);
        assertEquals(Code.OUT_OF_RANGE, error.code());
        assertEquals("CURSOR_BEYOND_HEAD", error.reason());
        assertEquals("position 9 is beyond the head, 4", error.message());
        assertEquals("CURSOR_BEYOND_HEAD: position 9 is beyond the head, 4", error.getMessage());
        assertEquals(Map.of("position", "9"), error.metadata());
        assertEquals(Duration.ofMillis(1_500), error.retryAfter().orElseThrow());
    }

    @Test
    void aDamagedEventIsNamed() {
        com.google.rpc.Status given = com.google.rpc.Status.newBuilder()
                .setCode(Code.DATA_LOSS.value())
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setDomain("everlog")
                        .setReason("EVENT_DAMAGED")
                        .putMetadata("position", "5")
                        .putMetadata("event_id", "e")
                        .build()))
                .build();
        EventDamagedException error = assertInstanceOf(EventDamagedException.class, from(failure(given)));
        assertEquals(5, error.position());
        assertEquals("e", error.eventId());
    }

    @Test
    void aReasonThatThisClientDoesNotKnowFallsBackToItsCode() {
        EverlogException error = Statuses.exception(status(Code.NOT_FOUND, "MOON_NOT_FOUND"));
        assertSame(NotFoundException.class, error.getClass());
        assertEquals("MOON_NOT_FOUND", error.reason());
    }

    @Test
    void aReasonOfAnotherDomainIsNotTakenForOneOfEverlogs() {
        com.google.rpc.Status given = com.google.rpc.Status.newBuilder()
                .setCode(Code.UNAVAILABLE.value())
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setDomain("example.org")
                        .setReason("STORAGE_UNAVAILABLE")
                        .build()))
                .build();
        EverlogException error = Statuses.exception(given);
        assertSame(UnavailableException.class, error.getClass());
        assertEquals("", error.reason());
    }

    @Test
    void anUnknownCodeIsStillAnEverlogException() {
        EverlogException error =
                Statuses.exception(com.google.rpc.Status.newBuilder().setCode(999).build());
        assertSame(EverlogException.class, error.getClass());
        assertEquals(Code.UNKNOWN, error.code());
    }

    @Test
    void unavailableWithoutAStatusOfEverlogsIsALostConnection() {
        assertSame(
                ConnectionLostException.class,
                Statuses.exception(Status.UNAVAILABLE, new Metadata()).getClass());
    }

    @Test
    void trailersThatContradictTheCallsOwnCodeAreNotBelieved() {
        StatusRuntimeException given = failure(status(Code.ABORTED, "SEQUENCE_CONFLICT"));
        assertSame(
                ConnectionLostException.class,
                Statuses.exception(Status.UNAVAILABLE, given.getTrailers()).getClass());
    }

    @Test
    void damagedDetailsLeaveTheCodeAndTheMessage() {
        Metadata trailers = new Metadata();
        trailers.put(
                Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {-1});
        EverlogException error = Statuses.exception(Status.NOT_FOUND.withDescription("gone"), trailers);
        assertSame(NotFoundException.class, error.getClass());
        assertEquals("gone", error.message());

        com.google.rpc.Status damaged = com.google.rpc.Status.newBuilder()
                .setCode(Code.NOT_FOUND.value())
                .addDetails(Any.newBuilder()
                        .setTypeUrl("type.googleapis.com/google.rpc.ErrorInfo")
                        .setValue(ByteString.copyFrom(new byte[] {-1})))
                .build();
        assertSame(NotFoundException.class, Statuses.exception(damaged).getClass());
    }

    @Test
    void aCopyIsOfTheSameClassAndHasItsOriginAsItsCause() {
        EverlogException lost = Failures.connectionLost("gone");
        assertSame(ConnectionLostException.class, lost.copy().getClass());
        assertSame(lost, lost.copy().getCause());
    }
}
