package io.everlog.client;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** An aggregate is not at the expected sequence: read it again, decide again. */
public final class SequenceConflictException extends EverlogException {
    SequenceConflictException(Failure failure) {
        super(failure);
    }

    /** Every expectation that did not hold, in the order of the request. */
    public List<SequenceViolation> violations() {
        return failure().sequenceViolations();
    }

    /** What was expected of the first aggregate that is elsewhere. */
    public Optional<Expected> expected() {
        return violations().stream().map(SequenceViolation::expected).findFirst();
    }

    /** The last sequence of the first aggregate that is elsewhere; 0 when it has no events. */
    public OptionalLong actual() {
        return violations().stream().mapToLong(SequenceViolation::actual).findFirst();
    }
}
