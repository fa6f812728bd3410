-- What became of events with consumers, as it is asked for from outside their streams, and what is decided
-- about them. What changes anything goes through the functions of migrations/0005_consumers.sql.

-- name: consumers
-- A page of consumers after a name, by its bytes, with where each is, as consumers.sql tells of one.
SELECT
    c.consumer_id, c.name, c.settings, c.version, c.generation, c.start_position,
    (extract(epoch FROM c.created_time) * 1000000)::bigint,
    (extract(epoch FROM c.updated_time) * 1000000)::bigint,
    coalesce(p.checkpoint, 0),
    t.head,
    (
        SELECT (extract(epoch FROM e.record_time) * 1000000)::bigint FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = p.checkpoint + 1
    ),
    coalesce(f.in_flight, 0), n.retrying, n.parked, n.blocked,
    (
        SELECT count(*) FROM everlog.consumer_lanes AS l
        WHERE l.tenant_id = %(tenant_id)s::integer AND l.consumer_id = c.consumer_id
            AND NOT EXISTS (
                SELECT FROM everlog.consumer_events AS e
                WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = c.consumer_id
                    AND e.position = l.position AND e.state IN ('retrying', 'blocking')
            )
    ),
    f.member_ids, f.names, f.joined_times, f.shares, f.in_flights
FROM everlog.consumers AS c
JOIN everlog.tenants AS t ON t.tenant_id = %(tenant_id)s::integer
CROSS JOIN LATERAL (
    SELECT min(s.checkpoint) AS checkpoint FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = c.consumer_id
) AS p
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE e.state IN ('retrying', 'replaying')) AS retrying,
        count(*) FILTER (WHERE e.state IN ('parked', 'blocking')) AS parked,
        count(*) FILTER (WHERE e.state = 'blocking') AS blocked
    FROM everlog.consumer_events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = c.consumer_id
) AS n
CROSS JOIN LATERAL (
    SELECT
        sum(cardinality(m.in_flight))::bigint AS in_flight,
        array_agg(m.member_id ORDER BY m.joined_time, m.member_id) AS member_ids,
        array_agg(m.name ORDER BY m.joined_time, m.member_id) AS names,
        array_agg(
            (extract(epoch FROM m.joined_time) * 1000000)::bigint ORDER BY m.joined_time, m.member_id
        ) AS joined_times,
        array_agg(
            (
                SELECT count(*) FROM everlog.consumer_slots AS s
                WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = c.consumer_id
                    AND s.member_id = m.member_id
            ) ORDER BY m.joined_time, m.member_id
        ) AS shares,
        array_agg(cardinality(m.in_flight)::bigint ORDER BY m.joined_time, m.member_id) AS in_flights
    FROM (
        SELECT * FROM everlog.consumer_members AS l
        WHERE l.tenant_id = %(tenant_id)s::integer AND l.consumer_id = c.consumer_id
            AND l.lease_until > clock_timestamp()
        ORDER BY l.joined_time, l.member_id
        LIMIT %(members_max)s::bigint
    ) AS m
) AS f
WHERE c.tenant_id = %(tenant_id)s::integer AND c.name > %(after)s::text
ORDER BY c.name
LIMIT %(limit)s::bigint;

-- name: event_of_id
-- An event by its id, with what filters read in memory.
SELECT
    e.position, e.record, e.aggregate_type, e.aggregate_id, e.event_type,
    (extract(epoch FROM e.record_time) * 1000000)::bigint,
    (extract(epoch FROM e.occurred_time) * 1000000)::bigint,
    e.source, e.correlation_id, uuid_send(e.causation_id), e.actor, e.user_id, e.documentable
FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid;

-- name: positions_of_ids
-- Where events are, by their ids, in the order in which they were given; null: there is none.
SELECT (
    SELECT e.position FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = i.event_id
)
FROM unnest(%(event_ids)s::uuid[]) WITH ORDINALITY AS i (event_id, n)
ORDER BY i.n;

-- name: judged_by_filters
-- Which of some filters mean an event, as for what only PostgreSQL can judge: their numbers. The words are
-- matched as reads.sql does, against its text, which is made once.
WITH event AS MATERIALIZED (
    SELECT
        e.data, e.metadata,
        everlog.search_text(e.event_type, e.aggregate_id, e.data, e.metadata) COLLATE everlog.words AS text
    FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = %(position)s::bigint
)
SELECT (f.n - 1)::integer
FROM event AS e
CROSS JOIN unnest(%(metadatas)s::text[], %(contained)s::text[], %(keywords)s::text[])
    WITH ORDINALITY AS f (metadata, data_contains, keywords, n)
WHERE (f.metadata IS NULL OR e.metadata @> f.metadata::jsonb)
    AND (f.data_contains IS NULL OR e.data @> f.data_contains::jsonb)
    AND (
        f.keywords IS NULL
        OR e.text ~ ALL (ARRAY(
            SELECT '(^|[^[:alnum:]])' || lower(w.word COLLATE everlog.words)
            FROM jsonb_array_elements_text(f.keywords::jsonb) AS w (word)
        ))
    );

-- name: accounts
-- What each consumer of a tenant, or the one of a name, knows of an event, whose slot is another one for
-- consumers that are not ordered.
SELECT
    c.consumer_id, c.name, c.settings, c.start_position,
    (
        SELECT %(position)s::bigint <= s.checkpoint OR %(position)s::bigint = ANY (s.finished)
        FROM everlog.consumer_slots AS s
        WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = c.consumer_id
            AND s.slot = %(slot_of_aggregate)s::smallint
    ),
    (
        SELECT %(position)s::bigint <= s.checkpoint OR %(position)s::bigint = ANY (s.finished)
        FROM everlog.consumer_slots AS s
        WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = c.consumer_id
            AND s.slot = %(slot_of_position)s::smallint
    ),
    EXISTS (
        SELECT FROM everlog.consumer_members AS m
        WHERE m.tenant_id = %(tenant_id)s::integer AND m.consumer_id = c.consumer_id
            AND m.lease_until > clock_timestamp() AND %(position)s::bigint = ANY (m.in_flight)
    ),
    l.position,
    (
        SELECT b.state FROM everlog.consumer_events AS b
        WHERE b.tenant_id = %(tenant_id)s::integer AND b.consumer_id = c.consumer_id
            AND b.position = l.position
    ),
    {row_columns}
FROM everlog.consumers AS c
-- LIMIT, of a whole key: a probe for each consumer. As a join, all rows of the tenant might be read.
LEFT JOIN LATERAL (
    SELECT * FROM everlog.consumer_events AS o
    WHERE o.tenant_id = %(tenant_id)s::integer AND o.consumer_id = c.consumer_id
        AND o.position = %(position)s::bigint
    LIMIT 1
) AS r ON true
LEFT JOIN LATERAL (
    SELECT o.position FROM everlog.consumer_lanes AS o
    WHERE o.tenant_id = %(tenant_id)s::integer AND o.consumer_id = c.consumer_id
        AND o.aggregate_type = %(aggregate_type)s::text AND o.aggregate_id = %(aggregate_id)s::text
    LIMIT 1
) AS l ON true
WHERE c.tenant_id = %(tenant_id)s::integer AND (%(name)s::text IS NULL OR c.name = %(name)s::text)
ORDER BY c.name
LIMIT %(limit)s::bigint;

-- fragment: row_columns
r.state, r.attempts, r.last_error,
(extract(epoch FROM r.next_attempt_time) * 1000000)::bigint,
(extract(epoch FROM r.parked_time) * 1000000)::bigint

-- name: slots
-- What is finished of a consumer's slots.
SELECT s.slot, s.checkpoint, s.finished FROM everlog.consumer_slots AS s
WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = %(consumer_id)s::uuid;

-- name: in_flight
-- The positions of deliveries that have no answer.
SELECT unnest(m.in_flight) FROM everlog.consumer_members AS m
WHERE m.tenant_id = %(tenant_id)s::integer AND m.consumer_id = %(consumer_id)s::uuid
    AND m.lease_until > clock_timestamp();

-- name: single_rows
-- The next events that wait for an attempt, and for which nothing else waits.
SELECT o.position
FROM unnest(%(states)s::text[]) AS w (state)
CROSS JOIN LATERAL (
    SELECT r.position FROM everlog.consumer_events AS r
    WHERE r.tenant_id = %(tenant_id)s::integer AND r.consumer_id = %(consumer_id)s::uuid
        AND r.state = w.state AND r.position > %(after)s::bigint
    ORDER BY r.position
    LIMIT %(limit)s::bigint
) AS o
ORDER BY o.position
LIMIT %(limit)s::bigint;

-- name: lanes
-- The next aggregates that have left the line, by where each goes on.
SELECT l.position, l.aggregate_type, l.aggregate_id FROM everlog.consumer_lanes AS l
WHERE l.tenant_id = %(tenant_id)s::integer AND l.consumer_id = %(consumer_id)s::uuid
    AND (l.position, l.aggregate_type, l.aggregate_id)
        > (%(after)s::bigint, %(aggregate_type)s::text, %(aggregate_id)s::text)
ORDER BY l.position, l.aggregate_type, l.aggregate_id
LIMIT %(limit)s::bigint;

-- name: lanes_of
-- Where some aggregates go on, of those that have left the line, and what its event there is in.
SELECT
    l.aggregate_type, l.aggregate_id, l.position,
    (
        SELECT b.state FROM everlog.consumer_events AS b
        WHERE b.tenant_id = %(tenant_id)s::integer AND b.consumer_id = %(consumer_id)s::uuid
            AND b.position = l.position
    )
FROM unnest(%(aggregate_types)s::text[], %(aggregate_ids)s::text[]) AS a (aggregate_type, aggregate_id)
JOIN everlog.consumer_lanes AS l
    ON l.tenant_id = %(tenant_id)s::integer AND l.consumer_id = %(consumer_id)s::uuid
        AND l.aggregate_type = a.aggregate_type AND l.aggregate_id = a.aggregate_id;

-- name: rows_at
-- Those of some events that have a row of their own.
SELECT r.position, {row_columns}
FROM everlog.consumer_events AS r
WHERE r.tenant_id = %(tenant_id)s::integer AND r.consumer_id = %(consumer_id)s::uuid
    AND r.position = ANY (%(positions)s::bigint[]);

-- name: parked
-- The next parked events that match, of as many parked ones as a window has, cut by bytes, but one if there
-- is one. In front of each: the last position of the window, how many it has, and how many match.
WITH candidates AS MATERIALIZED ({candidates}),
matching AS MATERIALIZED (
    SELECT
        r.*, e.record,
        octet_length(e.record) + octet_length(r.last_error) + octet_length(r.history) AS size
    FROM {candidates_with_events}
    WHERE {matches}
    ORDER BY r.position
    LIMIT %(limit)s::bigint
)
SELECT
    (SELECT max(c.position) FROM candidates AS c), (SELECT count(*) FROM candidates),
    (SELECT count(*) FROM matching),
    r.position, r.record, r.state, r.attempts, r.last_error, r.next_attempt_time, r.parked_time, r.history
FROM (VALUES (1)) AS always
LEFT JOIN (
    SELECT m.*, sum(m.size) OVER (ORDER BY m.position ROWS UNBOUNDED PRECEDING) AS bytes
    FROM matching AS m
) AS r ON r.bytes <= %(bytes_max)s::bigint OR r.bytes = r.size
ORDER BY r.position;

-- name: parked_positions
-- Where the parked events of a window are that match, and the window's last position; null: it is empty.
WITH candidates AS MATERIALIZED ({candidates})
SELECT
    (SELECT max(c.position) FROM candidates AS c),
    ARRAY(
        SELECT r.position FROM {candidates_with_events}
        WHERE {matches}
        ORDER BY r.position
    );

-- fragment: candidates_with_events
-- Each event by its key, one by one: LIMIT keeps PostgreSQL from joining with all of the log that lies between them.
(SELECT * FROM candidates AS c ORDER BY c.position) AS r
CROSS JOIN LATERAL (
    SELECT * FROM everlog.events AS k
    WHERE k.tenant_id = %(tenant_id)s::integer AND k.position = r.position
    LIMIT 1
) AS e

-- fragment: candidates
SELECT
    p.position, p.state, p.attempts, p.last_error, p.history::text AS history,
    (extract(epoch FROM p.next_attempt_time) * 1000000)::bigint AS next_attempt_time,
    (extract(epoch FROM p.parked_time) * 1000000)::bigint AS parked_time
FROM (VALUES ('parked'), ('blocking')) AS w (state)
CROSS JOIN LATERAL (
    SELECT o.* FROM everlog.consumer_events AS o
    WHERE o.tenant_id = %(tenant_id)s::integer AND o.consumer_id = %(consumer_id)s::uuid
        AND o.state = w.state AND o.position > %(after)s::bigint AND o.position <= %(through)s::bigint
    ORDER BY o.position
    LIMIT %(window)s::bigint
) AS p
ORDER BY p.position
LIMIT %(window)s::bigint

-- name: parked_event
-- One parked event, with its failed attempts.
SELECT
    r.position, e.record, r.state, r.attempts, r.last_error,
    (extract(epoch FROM r.next_attempt_time) * 1000000)::bigint,
    (extract(epoch FROM r.parked_time) * 1000000)::bigint,
    r.history::text
FROM everlog.consumer_events AS r
JOIN everlog.events AS e ON e.tenant_id = %(tenant_id)s::integer AND e.position = r.position
WHERE r.tenant_id = %(tenant_id)s::integer AND r.consumer_id = %(consumer_id)s::uuid
    AND r.position = %(position)s::bigint AND r.state IN ('parked', 'blocking');

-- name: update
-- Gives a consumer other settings.
SELECT u.version, u.is_updated FROM everlog.update_consumer(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(settings)s::bytea, %(expected_version)s::bigint
) AS u;

-- name: reset
-- Lets a consumer go on elsewhere; false: there is no such one.
SELECT everlog.reset_consumer(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(position)s::bigint, %(discard_parked)s::boolean
);

-- name: delete
-- Deletes a consumer; false: there is no such one.
SELECT everlog.delete_consumer(%(tenant_id)s::integer, %(consumer_id)s::uuid);

-- name: decide
-- Decides about an event by hand.
SELECT everlog.decide_event(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(is_ordered)s::boolean, %(slot)s::smallint,
    %(position)s::bigint,
    encode(%(event_id)s::bytea, 'hex')::uuid, %(aggregate_type)s::text, %(aggregate_id)s::text,
    %(action)s::text, %(reason)s::text, %(instruction_id)s::uuid, %(again)s::boolean
)
-- First, that of a member that only seems to live: see migrations/0012_leases_ahead.sql.
FROM everlog.cut_leases(%(tenant_id)s::integer, %(consumer_id)s::uuid, %(lease_ms)s::integer);

-- name: move
-- Replays or discards parked events.
SELECT m.moved, m.asked, m.missing FROM everlog.move_parked(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(is_ordered)s::boolean, %(positions)s::bigint[],
    %(action)s::text, %(all_or_nothing)s::boolean
) AS m;

-- name: instructions_left
-- How many of some instructions are not done yet.
SELECT count(*) FROM everlog.consumer_instructions AS i
WHERE i.tenant_id = %(tenant_id)s::integer AND i.consumer_id = %(consumer_id)s::uuid
    AND i.instruction_id = ANY (%(instruction_ids)s::uuid[]);
