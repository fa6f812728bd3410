package io.everlog.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.everlog.v1.KnownEvents;
import io.everlog.v1.SequenceConflict;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.protobuf.ProtoUtils;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * From a failed call to a typed exception: the one place where {@code google.rpc.Status} is read.
 *
 * <p>A call fails with a status and trailers that carry the details; an answer on an EmitStream
 * carries them as a message. Both end here.
 */
final class Statuses {
    static final String DOMAIN = "everlog";

    static final Metadata.Key<com.google.rpc.Status> DETAILS = Metadata.Key.of(
            "grpc-status-details-bin",
            ProtoUtils.metadataMarshaller(com.google.rpc.Status.getDefaultInstance()));

    private Statuses() {}

    /** UNAVAILABLE without a status of everlog's comes from the transport: the connection is lost. */
    static EverlogException exception(Status status, Metadata trailers) {
        com.google.rpc.Status details = detailsOf(trailers);
        // A proxy that puts its own code in place of the server's leaves the trailer as it was.
        if (details != null && details.getCode() == status.getCode().value()) {
            return exception(details);
        }
        String message = inWords(status);
        EverlogException exception = status.getCode() == Code.UNAVAILABLE
                ? Failures.connectionLost(message)
                : Failures.exception(Failure.of(status.getCode(), message));
        if (status.getCause() != null) {
            exception.initCause(status.getCause());
        }
        return exception;
    }

    /** What gRPC says, and what its causes say: of a refused connection alone, it says "io exception". */
    private static String inWords(Status status) {
        StringBuilder words = new StringBuilder(status.getDescription() == null ? "" : status.getDescription());
        for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null && words.indexOf(cause.getMessage()) < 0) {
                words.append(words.isEmpty() ? "" : ": ").append(cause.getMessage());
            }
        }
        return words.toString();
    }

    static EverlogException exception(com.google.rpc.Status status) {
        ErrorInfo info = find(status, ErrorInfo.getDefaultInstance());
        RetryInfo retry = find(status, RetryInfo.getDefaultInstance());
        return Failures.exception(new Failure(
                Status.fromCodeValue(status.getCode()).getCode(),
                info != null && info.getDomain().equals(DOMAIN) ? info.getReason() : "",
                status.getMessage(),
                info == null ? Map.of() : Map.copyOf(info.getMetadataMap()),
                retry == null
                        ? null
                        : Duration.ofSeconds(
                                retry.getRetryDelay().getSeconds(), retry.getRetryDelay().getNanos()),
                fieldViolations(find(status, BadRequest.getDefaultInstance())),
                sequenceViolations(find(status, SequenceConflict.getDefaultInstance())),
                knownEvents(find(status, KnownEvents.getDefaultInstance()))));
    }

    private static com.google.rpc.Status detailsOf(Metadata trailers) {
        try {
            return trailers == null ? null : trailers.get(DETAILS);
        } catch (IllegalArgumentException damaged) {
            return null; // the code and the message still say something
        }
    }

    private static <T extends Message> T find(com.google.rpc.Status status, T kind) {
        for (Any detail : status.getDetailsList()) {
            if (detail.is(kind.getClass())) {
                try {
                    @SuppressWarnings("unchecked") // a message's class is the class of its parser
                    T found = (T) detail.unpack(kind.getClass());
                    return found;
                } catch (InvalidProtocolBufferException damaged) {
                    return null;
                }
            }
        }
        return null;
    }

    private static List<FieldViolation> fieldViolations(BadRequest request) {
        return request == null
                ? List.of()
                : request.getFieldViolationsList().stream()
                        .map(field -> new FieldViolation(field.getField(), field.getDescription()))
                        .toList();
    }

    private static List<SequenceViolation> sequenceViolations(SequenceConflict conflict) {
        return conflict == null
                ? List.of()
                : conflict.getViolationsList().stream()
                        .map(violation -> new SequenceViolation(
                                AggregateKey.of(violation.getAggregate()),
                                expected(violation),
                                violation.getActualSequence()))
                        .toList();
    }

    private static Expected expected(SequenceConflict.Violation violation) {
        return switch (violation.getExpected()) {
            case EXPECTED_NOT_TO_EXIST -> Expected.MUST_NOT_EXIST;
            case EXPECTED_TO_EXIST -> Expected.MUST_EXIST;
            default -> Expected.sequence(violation.getExpectedSequence());
        };
    }

    private static List<KnownEvent> knownEvents(KnownEvents known) {
        return known == null
                ? List.of()
                : known.getEventsList().stream()
                        .map(event -> new KnownEvent(
                                event.getIndex(), event.getIdempotencyKey(), event.getEventId()))
                        .toList();
    }
}
