package io.everlog.client;

import java.io.Serializable;

/** What a writer expects of one aggregate at the moment of the append. */
public sealed interface Expected extends Serializable {
    /** That it has no events. */
    Expected MUST_NOT_EXIST = Existence.MUST_NOT_EXIST;

    /** That it has events. */
    Expected MUST_EXIST = Existence.MUST_EXIST;

    /** That its last sequence is exactly this; 0: it has no events. */
    static Expected sequence(long sequence) {
        return new Sequence(sequence);
    }

    /** The last sequence, exactly. */
    record Sequence(long sequence) implements Expected {
        public Sequence {
            if (sequence < 0) {
                throw new IllegalArgumentException("the expected sequence is " + sequence + ", below 0");
            }
        }

        @Override
        public String toString() {
            return Long.toString(sequence);
        }
    }

    /** Whether there are events at all. */
    enum Existence implements Expected {
        MUST_NOT_EXIST("it not to exist"),
        MUST_EXIST("it to exist");

        private final String words;

        Existence(String words) {
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }
}
