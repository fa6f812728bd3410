package io.everlog.client;

/** Nobody has saved a narrative of the event, or not that version of it. */
public final class NarrativeNotFoundException extends NotFoundException {
    NarrativeNotFoundException(Failure failure) {
        super(failure);
    }
}
