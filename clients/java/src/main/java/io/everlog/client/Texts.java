package io.everlog.client;

import java.util.Objects;

/** Checks of texts before they travel. */
final class Texts {
    private Texts() {}

    /**
     * Returns the text, if UTF-8 can carry it.
     *
     * <p>protobuf-java writes half of a surrogate pair as a question mark and says nothing: an id or
     * a payload would be stored as another one than was meant.
     */
    static String requireWellFormed(String field, String text) {
        Objects.requireNonNull(text, field);
        for (int index = 0; index < text.length(); index++) {
            char unit = text.charAt(index);
            if (!Character.isSurrogate(unit)) {
                continue;
            }
            boolean paired = Character.isHighSurrogate(unit)
                    && index + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(index + 1));
            if (!paired) {
                throw new IllegalArgumentException(
                        field + " has half of a surrogate pair at index " + index);
            }
            index++;
        }
        return text;
    }

    /** Returns the text, if gRPC's metadata can carry it; the text itself may be a secret. */
    static String requirePrintableAscii(String name, String text) {
        Objects.requireNonNull(text, name);
        if (!text.chars().allMatch(unit -> unit >= ' ' && unit <= '~')) {
            throw new IllegalArgumentException("the " + name + " may hold printable ASCII only");
        }
        return text;
    }
}
