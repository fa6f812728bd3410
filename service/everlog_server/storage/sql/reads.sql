-- What is read. Every statement is of one tenant, and bounded: by a key, or by a window of positions and
-- a LIMIT. Records are passed on as they are: framed, so that joined they are a response.
--
-- The predicates of a filter that are not used are `NULL IS NULL OR …`: they vanish when the statement is
-- planned, which is why these connections use custom plans.

-- fragment: matches
(%(aggregate_types)s::text[] IS NULL OR e.aggregate_type = ANY(%(aggregate_types)s::text[]))
AND (
    %(aggregate_type)s::text IS NULL
    OR (e.aggregate_type = %(aggregate_type)s::text AND e.aggregate_id = %(aggregate_id)s::text)
)
AND (
    (%(event_types)s::text[] IS NULL AND %(event_type_prefixes)s::text[] IS NULL)
    OR e.event_type = ANY(%(event_types)s::text[])
    OR e.event_type ^@ ANY(%(event_type_prefixes)s::text[])
)
AND {matches_but_names}

-- fragment: of_type_in_window
-- By rows: said as an equality, the index of positions would give the same order, and for a type that is
-- rare or not there PostgreSQL would walk the whole log along it.
e.tenant_id = %(tenant_id)s::integer
AND (e.event_type, e.position) > (t.event_type, %(after)s::bigint)
AND (e.event_type, e.position) <= (t.event_type, %(through)s::bigint)
AND (%(aggregate_types)s::text[] IS NULL OR e.aggregate_type = ANY(%(aggregate_types)s::text[]))
AND {matches_but_names}

-- fragment: matches_but_names
(%(sources)s::text[] IS NULL OR e.source = ANY(%(sources)s::text[]))
AND (%(recorded_from)s::bigint IS NULL OR e.record_time >= {recorded_from})
AND (%(recorded_before)s::bigint IS NULL OR e.record_time < {recorded_before})
AND (%(occurred_from)s::bigint IS NULL OR e.occurred_time >= {occurred_from})
AND (%(occurred_before)s::bigint IS NULL OR e.occurred_time < {occurred_before})
AND (%(correlation_id)s::text IS NULL OR e.correlation_id = %(correlation_id)s::text)
AND (%(causation_id)s::uuid IS NULL OR e.causation_id = %(causation_id)s::uuid)
AND (%(actor)s::text IS NULL OR e.actor = %(actor)s::text)
AND (%(user_id)s::text IS NULL OR e.user_id = %(user_id)s::text)
AND (NOT %(documentable_only)s::boolean OR e.documentable)
AND (%(metadata)s::jsonb IS NULL OR e.metadata @> %(metadata)s::jsonb)
AND (%(data_contains)s::jsonb IS NULL OR e.data @> %(data_contains)s::jsonb)
AND (
    %(keywords)s::text[] IS NULL
    -- Cheap, and true for whatever the exact test accepts: the words somewhere in the text, keys included.
    -- Letters and digits are never escaped in it. PostgreSQL tests in order of cost: search_text is dear.
    OR (
        lower(
            (
                e.event_type || ' ' || e.aggregate_id || ' ' || coalesce(e.data::text, '') || ' '
                || coalesce(e.metadata::text, '')
            ) COLLATE everlog.words
        ) ~ ALL(ARRAY(SELECT {keyword}))
        -- Its columns are of collation C, which knows only ASCII's letters.
        AND everlog.search_text(e.event_type, e.aggregate_id, e.data, e.metadata) COLLATE everlog.words
            ~ ALL(ARRAY(SELECT '(^|[^[:alnum:]])' || {keyword}))
    )
)

-- fragment: keyword
-- Lower-case by the same collation as the text: each word once a statement, not once an event.
lower(unnest(%(keywords)s::text[]) COLLATE everlog.words)

-- fragment: recorded_from
('epoch'::timestamptz + %(recorded_from)s::bigint * interval '1 microsecond')

-- fragment: recorded_before
('epoch'::timestamptz + %(recorded_before)s::bigint * interval '1 microsecond')

-- fragment: occurred_from
('epoch'::timestamptz + %(occurred_from)s::bigint * interval '1 microsecond')

-- fragment: occurred_before
('epoch'::timestamptz + %(occurred_before)s::bigint * interval '1 microsecond')

-- fragment: in_window
e.tenant_id = %(tenant_id)s::integer
AND e.position > %(after)s::bigint
AND e.position <= %(through)s::bigint

-- fragment: in_aggregate_window
-- Scalar subqueries: the functions are called once a statement, and not for the planner's estimates too.
e.tenant_id = %(tenant_id)s::integer
AND e.aggregate_type = %(aggregate_type)s::text
AND e.aggregate_id = %(aggregate_id)s::text
AND e.sequence > (
    SELECT everlog.sequence_through(
        %(tenant_id)s::integer, %(aggregate_type)s::text, %(aggregate_id)s::text, %(after)s::bigint
    )
)
AND e.sequence <= (
    SELECT everlog.sequence_through(
        %(tenant_id)s::integer, %(aggregate_type)s::text, %(aggregate_id)s::text, %(through)s::bigint
    )
)

-- fragment: page_ascending
-- Joined records, how many, how many matched before the cut by bytes, and the last position among them.
-- The first record, whose running sum is its own size, stands whatever that is. octet_length of a
-- toasted value does not fetch it. A frame of ROWS: by RANGE, each row is compared with the next.
SELECT
    string_agg(w.record, ''::bytea) FILTER (WHERE w.fits),
    count(*) FILTER (WHERE w.fits),
    count(*),
    max(w.position) FILTER (WHERE w.fits)
FROM (
    SELECT
        s.position, s.record, s.bytes <= %(bytes_max)s::bigint OR s.bytes = octet_length(s.record) AS fits
    FROM (
        SELECT
            m.position, m.record,
            sum(octet_length(m.record)) OVER (ORDER BY m.place ROWS UNBOUNDED PRECEDING) AS bytes
        FROM matching AS m
    ) AS s
) AS w

-- fragment: page_descending
-- The same, newest first.
SELECT
    string_agg(w.record, ''::bytea) FILTER (WHERE w.fits),
    count(*) FILTER (WHERE w.fits),
    count(*),
    min(w.position) FILTER (WHERE w.fits)
FROM (
    SELECT
        s.position, s.record, s.bytes <= %(bytes_max)s::bigint OR s.bytes = octet_length(s.record) AS fits
    FROM (
        SELECT
            m.position, m.record,
            sum(octet_length(m.record)) OVER (ORDER BY m.place DESC ROWS UNBOUNDED PRECEDING) AS bytes
        FROM matching AS m
    ) AS s
) AS w

-- name: whole_log_ascending
-- Joined records of a window of the log, oldest first, and how many there are, in one pass: no row is
-- copied to count its bytes. Null if together they are too large for a page; without those that are
-- too large each, which bounds what is joined.
SELECT CASE WHEN octet_length(j.records) <= %(bytes_max)s::bigint THEN j.records END, j.events
FROM (
    SELECT string_agg(w.record, ''::bytea) AS records, count(*) AS events
    FROM (
        SELECT e.record FROM everlog.events AS e
        WHERE {in_window} AND octet_length(e.record) <= %(record_bytes_max)s::bigint
        ORDER BY e.position
    ) AS w
) AS j;

-- name: whole_log_descending
-- The same, newest first.
SELECT CASE WHEN octet_length(j.records) <= %(bytes_max)s::bigint THEN j.records END, j.events
FROM (
    SELECT string_agg(w.record, ''::bytea) AS records, count(*) AS events
    FROM (
        SELECT e.record FROM everlog.events AS e
        WHERE {in_window} AND octet_length(e.record) <= %(record_bytes_max)s::bigint
        ORDER BY e.position DESC
    ) AS w
) AS j;

-- name: whole_aggregate_ascending
-- The next events of one aggregate, oldest first.
WITH matching AS NOT MATERIALIZED (
    SELECT e.sequence AS place, e.position, e.record FROM everlog.events AS e
    WHERE {in_aggregate_window}
    ORDER BY e.sequence
    LIMIT %(limit)s::bigint
)
{page_ascending};

-- name: whole_aggregate_descending
-- The same, newest first.
WITH matching AS NOT MATERIALIZED (
    SELECT e.sequence AS place, e.position, e.record FROM everlog.events AS e
    WHERE {in_aggregate_window}
    ORDER BY e.sequence DESC
    LIMIT %(limit)s::bigint
)
{page_descending};

-- name: page_of_log_ascending
-- The next matching events of a window of the log, oldest first.
WITH matching AS NOT MATERIALIZED (
    SELECT e.position AS place, e.position, e.record FROM everlog.events AS e
    WHERE {in_window} AND {matches}
    ORDER BY e.position
    LIMIT %(limit)s::bigint
)
{page_ascending};

-- name: page_of_log_descending
-- The next matching events of a window of the log, newest first.
WITH matching AS NOT MATERIALIZED (
    SELECT e.position AS place, e.position, e.record FROM everlog.events AS e
    WHERE {in_window} AND {matches}
    ORDER BY e.position DESC
    LIMIT %(limit)s::bigint
)
{page_descending};

-- name: page_of_types_ascending
-- The same by event type: the first of each type by its index, then the first of those.
WITH matching AS NOT MATERIALIZED (
    SELECT c.position AS place, c.position, c.record
    FROM unnest(%(event_types)s::text[]) AS t (event_type)
    CROSS JOIN LATERAL (
        SELECT e.position, e.record FROM everlog.events AS e
        WHERE {of_type_in_window}
        ORDER BY e.event_type, e.position
        LIMIT %(limit)s::bigint
    ) AS c
    ORDER BY c.position
    LIMIT %(limit)s::bigint
)
{page_ascending};

-- name: page_of_types_descending
-- The same by event type, newest first.
WITH matching AS NOT MATERIALIZED (
    SELECT c.position AS place, c.position, c.record
    FROM unnest(%(event_types)s::text[]) AS t (event_type)
    CROSS JOIN LATERAL (
        SELECT e.position, e.record FROM everlog.events AS e
        WHERE {of_type_in_window}
        ORDER BY e.event_type DESC, e.position DESC
        LIMIT %(limit)s::bigint
    ) AS c
    ORDER BY c.position DESC
    LIMIT %(limit)s::bigint
)
{page_descending};

-- name: page_of_aggregate_ascending
-- The same of one aggregate, by its own index.
WITH matching AS NOT MATERIALIZED (
    SELECT e.sequence AS place, e.position, e.record FROM everlog.events AS e
    WHERE {in_aggregate_window} AND {matches}
    ORDER BY e.sequence
    LIMIT %(limit)s::bigint
)
{page_ascending};

-- name: page_of_aggregate_descending
-- The same of one aggregate, newest first.
WITH matching AS NOT MATERIALIZED (
    SELECT e.sequence AS place, e.position, e.record FROM everlog.events AS e
    WHERE {in_aggregate_window} AND {matches}
    ORDER BY e.sequence DESC
    LIMIT %(limit)s::bigint
)
{page_descending};

-- name: count_of_log
-- How many events of a window of the log match.
SELECT count(*) FROM everlog.events AS e WHERE {in_window} AND {matches};

-- name: count_of_types
-- The same by event type: each type by its index.
SELECT sum(c.events)::bigint
FROM unnest(%(event_types)s::text[]) AS t (event_type)
CROSS JOIN LATERAL (SELECT count(*) AS events FROM everlog.events AS e WHERE {of_type_in_window}) AS c;

-- name: event_types_with_prefixes
-- The event types that exist and begin with one of the prefixes: from each to the next by the index.
WITH RECURSIVE found (prefix, event_type) AS (
    SELECT p.prefix, first.event_type
    FROM unnest(%(event_type_prefixes)s::text[]) AS p (prefix)
    CROSS JOIN LATERAL (
        SELECT e.event_type FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_type >= p.prefix
        ORDER BY e.event_type
        LIMIT 1
    ) AS first
    UNION ALL
    SELECT f.prefix, next.event_type
    FROM found AS f
    CROSS JOIN LATERAL (
        SELECT e.event_type FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_type > f.event_type
        ORDER BY e.event_type
        LIMIT 1
    ) AS next
    WHERE f.event_type ^@ f.prefix
)
SELECT DISTINCT f.event_type FROM found AS f WHERE f.event_type ^@ f.prefix
LIMIT %(limit)s::bigint;

-- name: tail
-- The next events of the log with what live filters read, cut by bytes; and the id of the event before them,
-- of the same snapshot.
SELECT
    (
        SELECT uuid_send(b.event_id) FROM everlog.events AS b
        WHERE b.tenant_id = %(tenant_id)s::integer AND b.position = %(after)s::bigint
    ),
    uuid_send(w.event_id),
    w.position, w.record, w.aggregate_type, w.aggregate_id, w.event_type,
    (extract(epoch FROM w.record_time) * 1000000)::bigint,
    (extract(epoch FROM w.occurred_time) * 1000000)::bigint,
    w.source, w.correlation_id, uuid_send(w.causation_id), w.actor, w.user_id, w.documentable
FROM (
    SELECT e.*, sum(octet_length(e.record)) OVER (ORDER BY e.position) AS bytes
    FROM (
        SELECT * FROM everlog.events AS e
        WHERE {in_window}
        ORDER BY e.position
        LIMIT %(limit)s::bigint
    ) AS e
) AS w
WHERE w.bytes <= %(bytes_max)s::bigint OR w.position = %(after)s::bigint + 1
ORDER BY w.position;

-- name: event_by_id
-- One event by its id.
SELECT e.record FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid;

-- name: event_at_position
-- One event by its position.
SELECT e.record FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = %(position)s::bigint;

-- name: event_at_sequence
-- One event by its number in its aggregate.
SELECT e.record FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer
    AND e.aggregate_type = %(aggregate_type)s::text
    AND e.aggregate_id = %(aggregate_id)s::text
    AND e.sequence = %(sequence)s::bigint;

-- name: event_by_key
-- One event by its idempotency key.
SELECT e.record FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.idempotency_key = %(idempotency_key)s::text;

-- name: position_of_event_by_id
-- Where that one stands, and its id, of which the record is damaged.
SELECT e.position, uuid_send(e.event_id) FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid;

-- name: position_of_event_at_position
-- Where that one stands, and its id, of which the record is damaged.
SELECT e.position, uuid_send(e.event_id) FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = %(position)s::bigint;

-- name: position_of_event_at_sequence
-- Where that one stands, and its id, of which the record is damaged.
SELECT e.position, uuid_send(e.event_id) FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.aggregate_type = %(aggregate_type)s::text
    AND e.aggregate_id = %(aggregate_id)s::text
    AND e.sequence = %(sequence)s::bigint;

-- name: position_of_event_by_key
-- Where that one stands, and its id, of which the record is damaged.
SELECT e.position, uuid_send(e.event_id) FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.idempotency_key = %(idempotency_key)s::text;

-- name: name_at_position
-- Which event stands at a position, and what it is about, also where its record is damaged.
SELECT uuid_send(e.event_id), e.aggregate_type, e.aggregate_id FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = %(position)s::bigint;

-- name: head
-- Where the log ends.
SELECT
    t.head, uuid_send(t.head_event_id),
    CASE WHEN t.head = 0 THEN 0 ELSE (extract(epoch FROM t.last_record_time) * 1000000)::bigint END
FROM everlog.tenants AS t
WHERE t.tenant_id = %(tenant_id)s::integer;

-- name: heads
-- Where several logs end, and which event each has at a position that is asked for.
SELECT h.tenant_id, h.head, uuid_send(h.head_event_id), uuid_send(h.event_id)
FROM everlog.log_heads(%(tenant_ids)s::integer[], %(positions)s::bigint[]) AS h;

-- name: extent
-- What bounds a replay, of one snapshot: the head; the id of the event at a position; an aggregate's last
-- sequence; after and through which positions it goes where that is asked by sequence (one that is not
-- there yet: the head) or by time. Null: not asked, or not there.
SELECT
    t.head,
    (
        SELECT uuid_send(e.event_id) FROM everlog.events AS e
        WHERE e.tenant_id = t.tenant_id AND e.position = %(position)s::bigint
    ),
    (
        SELECT e.sequence FROM everlog.events AS e
        WHERE {of_aggregate}
        ORDER BY e.sequence DESC
        LIMIT 1
    ),
    CASE
        WHEN %(after_sequence)s::bigint = 0 THEN 0
        WHEN %(after_sequence)s::bigint IS NOT NULL THEN coalesce(
            (
                SELECT e.position FROM everlog.events AS e
                WHERE {of_aggregate} AND e.sequence = %(after_sequence)s::bigint
            ),
            t.head
        )
        WHEN %(from_time)s::bigint IS NOT NULL THEN everlog.position_before(
            t.tenant_id, 'epoch'::timestamptz + %(from_time)s::bigint * interval '1 microsecond'
        )
    END,
    CASE
        WHEN %(through_sequence)s::bigint = 0 THEN 0
        WHEN %(through_sequence)s::bigint IS NOT NULL THEN coalesce(
            (
                SELECT e.position FROM everlog.events AS e
                WHERE {of_aggregate} AND e.sequence = %(through_sequence)s::bigint
            ),
            t.head
        )
        WHEN %(through_time)s::bigint IS NOT NULL THEN everlog.position_before(
            t.tenant_id, 'epoch'::timestamptz + (%(through_time)s::bigint + 1) * interval '1 microsecond'
        )
    END
FROM everlog.tenants AS t
WHERE t.tenant_id = %(tenant_id)s::integer;

-- fragment: of_aggregate
e.tenant_id = %(tenant_id)s::integer
AND e.aggregate_type = %(aggregate_type)s::text
AND e.aggregate_id = %(aggregate_id)s::text

-- name: position_before
-- The last position that was recorded before a time.
SELECT everlog.position_before(
    %(tenant_id)s::integer,
    'epoch'::timestamptz + %(time)s::bigint * interval '1 microsecond'
);
