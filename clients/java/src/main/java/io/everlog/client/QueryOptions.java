package io.everlog.client;

import io.everlog.v1.QueryOrder;
import io.everlog.v1.QueryRequest;

/** What to list, and how. Each method returns new options. */
public final class QueryOptions {
    private static final int PAGE_EVENTS_MAX = 1_000;
    private static final QueryOptions ALL = new QueryOptions(
            QueryRequest.newBuilder().setPageSize(PAGE_EVENTS_MAX).build(), Long.MAX_VALUE);

    private final QueryRequest request;
    private final long limit;

    private QueryOptions(QueryRequest request, long limit) {
        this.request = request;
        this.limit = limit;
    }

    /** All events, newest first. */
    public static QueryOptions all() {
        return ALL;
    }

    /** Events under a filter, newest first. */
    public static QueryOptions of(Filter filter) {
        return ALL.filter(filter);
    }

    /** Which events. */
    public QueryOptions filter(Filter filter) {
        return with(request.toBuilder().setFilter(filter.toMessage()));
    }

    /** By falling position. */
    public QueryOptions newestFirst() {
        return with(request.toBuilder().setOrder(QueryOrder.QUERY_ORDER_NEWEST_FIRST));
    }

    /** By rising position. */
    public QueryOptions oldestFirst() {
        return with(request.toBuilder().setOrder(QueryOrder.QUERY_ORDER_OLDEST_FIRST));
    }

    /** At most so many events in all. */
    public QueryOptions limit(long events) {
        if (events < 0) {
            throw new IllegalArgumentException("limit is " + events + ", below 0");
        }
        return new QueryOptions(request, events);
    }

    /** At most so many events a page, 1 to 1,000 (as it is when not said). */
    public QueryOptions pageSize(int events) {
        if (events < 1) {
            throw new IllegalArgumentException("page_size is " + events + ", below 1");
        }
        return with(request.toBuilder().setPageSize(events));
    }

    /** Has the server count everything that matches; see {@link QueryPage#totalSize()}. */
    public QueryOptions includeTotalSize() {
        return with(request.toBuilder().setIncludeTotalSize(true));
    }

    /** Waits until at least this position is visible. */
    public QueryOptions minPosition(long position) {
        return with(request.toBuilder().setMinPosition(position));
    }

    QueryRequest toMessage() {
        return request;
    }

    long limit() {
        return limit;
    }

    private QueryOptions with(QueryRequest.Builder changed) {
        return new QueryOptions(changed.build(), limit);
    }
}
