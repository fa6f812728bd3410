package io.everlog.client;

/**
 * A place in the log, to be kept as a checkpoint.
 *
 * @param position the position up to which the log has been read, inclusive; 0 is the start
 * @param eventId the id of the event at that position, by which a log that was restored to an earlier
 *     state is recognised ({@link LogDivergedException}); empty when it is not known
 */
public record Cursor(long position, String eventId) {
    /** The start of the log. */
    public static final Cursor START = new Cursor(0, "");
}
