package io.everlog.client;

import java.io.Serializable;

/**
 * One expectation that did not hold.
 *
 * @param aggregate the aggregate
 * @param expected what was expected of it
 * @param actual its last sequence; 0 when it has no events
 */
public record SequenceViolation(AggregateKey aggregate, Expected expected, long actual)
        implements Serializable {
    @Override
    public String toString() {
        return aggregate + " is at sequence " + actual + ", expected " + expected;
    }
}
