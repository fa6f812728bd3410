package io.everlog.client;

import io.everlog.v1.QueryRequest;
import io.everlog.v1.QueryResponse;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A listing of events that fetches its pages by itself, each when it is needed.
 *
 * <p>It is of the log as it is when the first page is taken. Each iterator asks the server anew.
 */
public final class Query implements Iterable<RecordedEvent> {
    private final Function<QueryRequest, QueryResponse> fetch;
    private final QueryOptions options;
    private final JsonCodec json;

    Query(Function<QueryRequest, QueryResponse> fetch, QueryOptions options, JsonCodec json) {
        this.fetch = fetch;
        this.options = options;
        this.json = json;
    }

    /** Iterates over the events; {@code hasNext} may fetch a page, and throw as a call does. */
    @Override
    public Iterator<RecordedEvent> iterator() {
        return stream().iterator();
    }

    /** Streams the events. */
    public Stream<RecordedEvent> stream() {
        return StreamSupport.stream(pages().spliterator(), false).flatMap(page -> page.events().stream());
    }

    /** Iterates over the pages. */
    public Iterable<QueryPage> pages() {
        return Pages::new;
    }

    private final class Pages implements Iterator<QueryPage> {
        private QueryRequest next = options.toMessage();
        private long remaining = options.limit();

        @Override
        public boolean hasNext() {
            return next != null && remaining > 0;
        }

        @Override
        public QueryPage next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            int pageSize = (int) Math.min(remaining, options.toMessage().getPageSize());
            QueryResponse response = fetch.apply(next.toBuilder().setPageSize(pageSize).build());
            remaining -= response.getEventsCount();
            next = response.getNextPageToken().isEmpty()
                    ? null
                    : next.toBuilder().setPageToken(response.getNextPageToken()).build();
            List<RecordedEvent> events = response.getEventsList().stream()
                    .map(event -> new RecordedEvent(event, json))
                    .toList();
            return new QueryPage(
                    events,
                    response.getThroughPosition(),
                    response.hasTotalSize()
                            ? OptionalLong.of(response.getTotalSize())
                            : OptionalLong.empty());
        }
    }
}
