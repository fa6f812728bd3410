package io.everlog.client;

import java.util.List;
import java.util.OptionalLong;

/**
 * A page of a listing.
 *
 * @param events its events; a page may be empty before the last one
 * @param throughPosition the head when the first page was taken: a subscription after it goes on
 *     where the listing ends
 * @param totalSize how many events match in all; empty when not asked for, or too expensive to count
 */
public record QueryPage(List<RecordedEvent> events, long throughPosition, OptionalLong totalSize) {}
