package io.everlog.client;

import com.google.protobuf.Empty;
import io.everlog.v1.ExpectedSequence;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** How to append: what is expected, what to do with known events, how long to try. */
public final class EmitOptions {
    private static final EmitOptions NONE = new EmitOptions(null, Map.of(), KnownEvents.REFUSE, null);

    private final Expected expected;
    private final Map<AggregateKey, Expected> expectations;
    private final KnownEvents knownEvents;
    private final Duration timeout;

    private EmitOptions(
            Expected expected,
            Map<AggregateKey, Expected> expectations,
            KnownEvents knownEvents,
            Duration timeout) {
        this.expected = expected;
        this.expectations = expectations;
        this.knownEvents = knownEvents;
        this.timeout = timeout;
    }

    /** Nothing is expected; the client's own timeout. */
    public static EmitOptions none() {
        return NONE;
    }

    /** Expects this of the only aggregate that the events are about. */
    public static EmitOptions expecting(Expected expected) {
        return NONE.expect(expected);
    }

    /** Expects the only aggregate that the events are about to be at exactly this sequence. */
    public static EmitOptions expecting(long sequence) {
        return NONE.expect(Expected.sequence(sequence));
    }

    /** Expects this of the only aggregate that the events are about. */
    public EmitOptions expect(Expected expected) {
        return new EmitOptions(expected, expectations, knownEvents, timeout);
    }

    /** Expects this of an aggregate, which the events need not be about; besides other expectations. */
    public EmitOptions expect(AggregateKey aggregate, Expected expected) {
        Map<AggregateKey, Expected> more = new LinkedHashMap<>(expectations);
        more.put(aggregate, expected);
        return new EmitOptions(this.expected, more, knownEvents, timeout);
    }

    /** What to do when only some of the events are known. */
    public EmitOptions knownEvents(KnownEvents policy) {
        return new EmitOptions(expected, expectations, policy, timeout);
    }

    /** Bounds the emit, retries included, in place of the client's timeout. */
    public EmitOptions timeout(Duration timeout) {
        return new EmitOptions(expected, expectations, knownEvents, timeout);
    }

    KnownEvents knownEvents() {
        return knownEvents;
    }

    /** Null: the client's. */
    Duration timeout() {
        return timeout;
    }

    /**
     * Encodes the expectations of an append of these events.
     *
     * @throws IllegalArgumentException when a single expectation meets events of several aggregates
     */
    List<ExpectedSequence> expectedSequences(List<Event> events) {
        Map<AggregateKey, Expected> all = new LinkedHashMap<>();
        if (expected != null) {
            Set<AggregateKey> written = new LinkedHashSet<>();
            events.forEach(event -> written.add(event.aggregate()));
            if (written.size() > 1) {
                throw new IllegalArgumentException(
                        "several aggregates are written: say what is expected of each of them");
            }
            written.forEach(aggregate -> all.put(aggregate, expected));
        }
        all.putAll(expectations);
        return all.entrySet().stream().map(entry -> toMessage(entry.getKey(), entry.getValue())).toList();
    }

    private static ExpectedSequence toMessage(AggregateKey aggregate, Expected expected) {
        ExpectedSequence.Builder message = ExpectedSequence.newBuilder().setAggregate(aggregate.toMessage());
        if (expected instanceof Expected.Sequence exactly) {
            message.setExactly(exactly.sequence());
        } else if (expected == Expected.MUST_EXIST) {
            message.setMustExist(Empty.getDefaultInstance());
        } else {
            message.setMustNotExist(Empty.getDefaultInstance());
        }
        return message.build();
    }
}
