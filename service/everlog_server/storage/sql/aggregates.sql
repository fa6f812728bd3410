-- Which aggregates there are, and how much has happened. Every statement is of one tenant, and bounded: by
-- a window of positions, by a number of steps along an index, or by how many days or types there are.
-- Filters are those of reads.sql, whose fragments stand here too.

-- fragment: of_names
-- A range of names, as one bound each on the index of sequences: a prefix has been turned into one.
(e.aggregate_type, e.aggregate_id) >= (%(low_type)s::text, %(low_id)s::text)
AND (
    %(high_type)s::text IS NULL
    OR (e.aggregate_type, e.aggregate_id) < (%(high_type)s::text, %(high_id)s::text)
)

-- fragment: first_record_time
(
    SELECT (extract(epoch FROM f.record_time) * 1000000)::bigint FROM everlog.events AS f
    WHERE f.tenant_id = %(tenant_id)s::integer
        AND f.aggregate_type = w.aggregate_type
        AND f.aggregate_id = w.aggregate_id
        AND f.sequence = 1
)

-- name: aggregates_by_name
-- The next aggregates by name, from each to the next by the index, however many events they have; with
-- their last events as of a head (null: it had none then).
WITH RECURSIVE walk (aggregate_type, aggregate_id, step) AS (
    SELECT first.aggregate_type, first.aggregate_id, 1::bigint
    FROM (
        SELECT e.aggregate_type, e.aggregate_id FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND {of_names}
        ORDER BY e.aggregate_type, e.aggregate_id
        LIMIT 1
    ) AS first
    UNION ALL
    SELECT next.aggregate_type, next.aggregate_id, s.step + 1
    FROM walk AS s
    CROSS JOIN LATERAL (
        SELECT e.aggregate_type, e.aggregate_id FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer
            AND (e.aggregate_type, e.aggregate_id) > (s.aggregate_type, s.aggregate_id)
            AND (
                %(high_type)s::text IS NULL
                OR (e.aggregate_type, e.aggregate_id) < (%(high_type)s::text, %(high_id)s::text)
            )
        ORDER BY e.aggregate_type, e.aggregate_id
        LIMIT 1
    ) AS next
    WHERE s.step < %(limit)s::bigint
)
SELECT
    w.aggregate_type, w.aggregate_id, last.sequence, last.position, last.event_type,
    (extract(epoch FROM last.record_time) * 1000000)::bigint,
    {first_record_time}
FROM walk AS w
LEFT JOIN LATERAL (
    SELECT e.sequence, e.position, e.event_type, e.record_time FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer
        AND e.aggregate_type = w.aggregate_type
        AND e.aggregate_id = w.aggregate_id
        AND e.position <= %(head)s::bigint
    ORDER BY e.sequence DESC
    LIMIT 1
) AS last ON true
ORDER BY w.step;

-- name: aggregates_by_activity
-- The aggregates whose last event as of a head stands in a window, newest first. It is the last when the
-- next sequence is not there, or stands behind that head. A scalar subquery, one probe an event: as an
-- anti-join it might be planned to read the whole log for a few events.
SELECT
    w.aggregate_type, w.aggregate_id, w.sequence, w.position, w.event_type,
    (extract(epoch FROM w.record_time) * 1000000)::bigint,
    {first_record_time}
FROM (
    SELECT e.aggregate_type, e.aggregate_id, e.sequence, e.position, e.event_type, e.record_time
    FROM everlog.events AS e
    WHERE {in_window} AND {of_names}
        AND coalesce(
            (
                SELECT n.position FROM everlog.events AS n
                WHERE n.tenant_id = %(tenant_id)s::integer
                    AND n.aggregate_type = e.aggregate_type
                    AND n.aggregate_id = e.aggregate_id
                    AND n.sequence = e.sequence + 1
            ),
            %(head)s::bigint + 1
        ) > %(head)s::bigint
    ORDER BY e.position DESC
    LIMIT %(limit)s::bigint
) AS w
ORDER BY w.position DESC;

-- name: counts_by_event_type
-- How many events of a window match, by event type. OFFSET 0, here and below: the window is read for itself.
-- Else an index that is in the order of the groups might be taken, and read from its beginning to its end.
SELECT w.event_type, count(*)
FROM (SELECT e.event_type FROM everlog.events AS e WHERE {in_window} AND {matches} OFFSET 0) AS w
GROUP BY 1;

-- name: counts_by_day
-- The same by the day (UTC) of their recording.
SELECT to_char(w.day, 'YYYY-MM-DD'), w.events
FROM (
    SELECT date_trunc('day', m.record_time) AS day, count(*) AS events
    FROM (SELECT e.record_time FROM everlog.events AS e WHERE {in_window} AND {matches} OFFSET 0) AS m
    GROUP BY 1
) AS w;

-- name: counts_by_aggregate_type
-- The same by aggregate type.
SELECT w.aggregate_type, count(*)
FROM (SELECT e.aggregate_type FROM everlog.events AS e WHERE {in_window} AND {matches} OFFSET 0) AS w
GROUP BY 1;

-- name: counts_by_actor
-- The same by actor.
SELECT coalesce(w.actor, ''), count(*)
FROM (SELECT e.actor FROM everlog.events AS e WHERE {in_window} AND {matches} OFFSET 0) AS w
GROUP BY 1;

-- name: counts_of_all_types
-- How many events of a stretch there are of each type: from type to type by the index of types, and each
-- counted in it.
WITH RECURSIVE types (event_type, step) AS (
    SELECT first.event_type, 1::bigint
    FROM (
        SELECT e.event_type FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer
        ORDER BY e.event_type
        LIMIT 1
    ) AS first
    UNION ALL
    SELECT next.event_type, s.step + 1
    FROM types AS s
    CROSS JOIN LATERAL (
        SELECT e.event_type FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_type > s.event_type
        ORDER BY e.event_type
        LIMIT 1
    ) AS next
    WHERE s.step < %(limit)s::bigint
)
SELECT t.event_type, c.events
FROM types AS t
CROSS JOIN LATERAL (
    SELECT count(*) AS events FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer
        AND (e.event_type, e.position) > (t.event_type, %(after)s::bigint)
        AND (e.event_type, e.position) <= (t.event_type, %(through)s::bigint)
) AS c;

-- name: counts_of_all_days
-- How many events of a stretch were recorded on each day (UTC), newest day first, by a binary search a day:
-- from the last event of a day to the last one before it, so that days without events cost nothing.
WITH RECURSIVE days (day, low, high) AS (
    SELECT d.day, greatest(everlog.position_before(%(tenant_id)s::integer, d.day), %(after)s::bigint), d.high
    FROM (
        SELECT date_trunc('day', e.record_time) AS day, e.position AS high FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer
            AND e.position = %(through)s::bigint
            AND e.position > %(after)s::bigint
    ) AS d
    UNION ALL
    SELECT d.day, greatest(everlog.position_before(%(tenant_id)s::integer, d.day), %(after)s::bigint), d.high
    FROM days AS l
    CROSS JOIN LATERAL (
        SELECT date_trunc('day', e.record_time) AS day, e.position AS high FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = l.low
    ) AS d
    WHERE l.low > %(after)s::bigint
)
SELECT to_char(d.day, 'YYYY-MM-DD'), d.high - d.low FROM days AS d
LIMIT %(limit)s::bigint;

-- name: activity
-- The head, when the first and the last event were recorded, and how many were in each stretch of seconds
-- that ends now.
SELECT
    t.head,
    (
        SELECT (extract(epoch FROM e.record_time) * 1000000)::bigint FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer
        ORDER BY e.position
        LIMIT 1
    ),
    CASE WHEN t.head = 0 THEN NULL ELSE (extract(epoch FROM t.last_record_time) * 1000000)::bigint END,
    ARRAY(
        SELECT t.head - everlog.position_before(t.tenant_id, now() - s.seconds * interval '1 second')
        FROM unnest(%(spans)s::bigint[]) WITH ORDINALITY AS s (seconds, place)
        ORDER BY s.place
    )
FROM everlog.tenants AS t
WHERE t.tenant_id = %(tenant_id)s::integer;

-- name: newest
-- What the events of a window are about, and how large they are: in all, by type and by aggregate. The
-- names of a row are null but for what it is by.
WITH counted AS MATERIALIZED (
    SELECT
        w.event_type, w.aggregate_type, w.aggregate_id, count(*) AS events,
        sum(w.bytes) AS bytes, max(w.bytes) AS bytes_max
    FROM (
        SELECT e.event_type, e.aggregate_type, e.aggregate_id, octet_length(e.record) AS bytes
        FROM everlog.events AS e
        WHERE {in_window}
        OFFSET 0
    ) AS w
    GROUP BY 1, 2, 3
), aggregates AS MATERIALIZED (
    SELECT c.aggregate_type, c.aggregate_id, sum(c.events)::bigint AS events FROM counted AS c
    GROUP BY 1, 2
)
SELECT
    NULL::text, NULL::text, NULL::text, coalesce(sum(c.events), 0)::bigint,
    coalesce(sum(c.bytes), 0)::bigint, coalesce(max(c.bytes_max), 0)::bigint,
    (SELECT count(*) FROM aggregates)
FROM counted AS c
UNION ALL
(
    SELECT c.event_type, NULL, NULL, sum(c.events)::bigint, NULL, NULL, NULL
    FROM counted AS c
    GROUP BY 1
    ORDER BY 4 DESC, 1
    LIMIT %(limit)s::bigint
)
UNION ALL
(
    SELECT NULL, a.aggregate_type, a.aggregate_id, a.events, NULL, NULL, NULL
    FROM aggregates AS a
    ORDER BY a.events DESC, 2, 3
    LIMIT %(limit)s::bigint
);
