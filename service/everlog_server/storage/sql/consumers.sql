-- What consumers read and write. What changes anything goes through the functions of
-- migrations/0005_consumers.sql, one call a time.

-- name: now
-- The time.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- name: find
-- A consumer by its name.
SELECT
    c.consumer_id, c.name, c.settings, c.version, c.generation, c.start_position,
    (extract(epoch FROM c.created_time) * 1000000)::bigint,
    (extract(epoch FROM c.updated_time) * 1000000)::bigint
FROM everlog.consumers AS c
WHERE c.tenant_id = %(tenant_id)s::integer AND c.name = %(name)s::text;

-- name: find_by_id
-- A consumer by its id.
SELECT
    c.consumer_id, c.name, c.settings, c.version, c.generation, c.start_position,
    (extract(epoch FROM c.created_time) * 1000000)::bigint,
    (extract(epoch FROM c.updated_time) * 1000000)::bigint
FROM everlog.consumers AS c
WHERE c.tenant_id = %(tenant_id)s::integer AND c.consumer_id = %(consumer_id)s::uuid;

-- name: create
-- Creates a consumer; false: there is one of this name.
SELECT everlog.create_consumer(
    %(tenant_id)s::integer, %(name)s::text, %(consumer_id)s::uuid, %(settings)s::bytea, %(position)s::bigint
);

-- name: status
-- Where a consumer is: checkpoint, head, when the first event after the checkpoint was recorded, and how
-- many events are in flight, wait for another attempt, are parked, and block their aggregate; and of how
-- many lanes no event waits for an attempt or a decision: they catch up.
SELECT
    s.checkpoint,
    t.head,
    (
        SELECT (extract(epoch FROM e.record_time) * 1000000)::bigint FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = s.checkpoint + 1
    ),
    (
        SELECT coalesce(sum(cardinality(m.in_flight)), 0)::bigint FROM everlog.consumer_members AS m
        WHERE m.tenant_id = %(tenant_id)s::integer AND m.consumer_id = %(consumer_id)s::uuid
            AND m.lease_until > clock_timestamp()
    ),
    coalesce(n.retrying, 0), coalesce(n.parked, 0), coalesce(n.blocked, 0),
    (
        SELECT count(*) FROM everlog.consumer_lanes AS l
        WHERE l.tenant_id = %(tenant_id)s::integer AND l.consumer_id = %(consumer_id)s::uuid
            AND NOT EXISTS (
                SELECT FROM everlog.consumer_events AS e
                WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
                    AND e.position = l.position AND e.state IN ('retrying', 'blocking')
            )
    )
FROM (
    SELECT min(s.checkpoint) AS checkpoint FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = %(consumer_id)s::uuid
) AS s
JOIN everlog.tenants AS t ON t.tenant_id = %(tenant_id)s::integer
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE e.state IN ('retrying', 'replaying')) AS retrying,
        count(*) FILTER (WHERE e.state IN ('parked', 'blocking')) AS parked,
        count(*) FILTER (WHERE e.state = 'blocking') AS blocked
    FROM everlog.consumer_events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
) AS n;

-- name: standing
-- How far a consumer is behind the head, and how many events wait for another attempt, and are parked.
SELECT
    greatest(0, t.head - (
        SELECT min(s.checkpoint) FROM everlog.consumer_slots AS s
        WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = %(consumer_id)s::uuid
    )),
    (
        SELECT count(*) FROM (
            SELECT FROM everlog.consumer_events AS e
            WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
                AND e.state IN ('retrying', 'replaying')
            LIMIT %(counted_max)s::bigint
        ) AS n
    ),
    (
        SELECT count(*) FROM (
            SELECT FROM everlog.consumer_events AS e
            WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
                AND e.state IN ('parked', 'blocking')
            LIMIT %(counted_max)s::bigint
        ) AS n
    )
FROM everlog.tenants AS t
WHERE t.tenant_id = %(tenant_id)s::integer AND EXISTS (
    SELECT FROM everlog.consumers AS c
    WHERE c.tenant_id = %(tenant_id)s::integer AND c.consumer_id = %(consumer_id)s::uuid
);

-- name: members
-- The members that live, by when they joined, and how many slots each has.
SELECT
    m.member_id, m.name, (extract(epoch FROM m.joined_time) * 1000000)::bigint,
    (
        SELECT count(*) FROM everlog.consumer_slots AS s
        WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = %(consumer_id)s::uuid
            AND s.member_id = m.member_id
    ),
    cardinality(m.in_flight)
FROM everlog.consumer_members AS m
WHERE m.tenant_id = %(tenant_id)s::integer AND m.consumer_id = %(consumer_id)s::uuid
    AND m.lease_until > clock_timestamp()
ORDER BY m.joined_time, m.member_id
LIMIT %(limit)s::bigint;

-- name: join
-- Adds a member.
SELECT everlog.join_consumer(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(member_id)s::uuid, %(name)s::text,
    %(process_id)s::uuid, %(lease_ms)s::integer, %(members_max)s::integer
)
FROM {leases_cut};

-- name: leave
-- Takes members away.
SELECT everlog.leave_consumer(%(tenant_id)s::integer, %(consumer_id)s::uuid, %(member_ids)s::uuid[]);

-- name: release
-- Gives slots back.
SELECT everlog.release_slots(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(slots)s::smallint[], %(epochs)s::bigint[]
);

-- name: beat
-- A sign of life; null: there is no such consumer.
SELECT everlog.consumer_beat(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(process_id)s::uuid, %(lease_ms)s::integer,
    %(member_ids)s::uuid[], %(names)s::text[], %(leaving)s::boolean[], %(in_flight)s::jsonb
)::text
FROM {leases_cut};

-- fragment: leases_cut
-- First, those that were given before PostgreSQL's clock was set back: see migrations/0012_leases_ahead.sql.
everlog.cut_leases(%(tenant_id)s::integer, %(consumer_id)s::uuid, %(lease_ms)s::integer)

-- name: store
-- Stores what became of events; the slots that were still held.
SELECT everlog.consumer_store(
    %(tenant_id)s::integer, %(consumer_id)s::uuid, %(number)s::bigint, %(slots)s::smallint[], %(epochs)s::bigint[],
    %(checkpoints)s::bigint[], %(finished)s::text[], %(events)s::jsonb, %(gone_slots)s::smallint[],
    %(gone_positions)s::bigint[], %(lanes)s::jsonb, %(instructions)s::uuid[]
);

-- name: slots
-- What is stored of slots.
SELECT s.slot, s.epoch, s.checkpoint, s.finished FROM everlog.consumer_slots AS s
WHERE s.tenant_id = %(tenant_id)s::integer AND s.consumer_id = %(consumer_id)s::uuid
    AND s.slot = ANY (%(slots)s::smallint[])
ORDER BY s.slot;

-- name: lanes
-- The lanes of slots.
SELECT l.slot, l.aggregate_type, l.aggregate_id, l.position FROM everlog.consumer_lanes AS l
WHERE l.tenant_id = %(tenant_id)s::integer AND l.consumer_id = %(consumer_id)s::uuid
    AND l.slot = ANY (%(slots)s::smallint[])
ORDER BY l.slot, l.position;

-- name: held
-- The events of slots that wait for another attempt or block their aggregate; and of what waits for more than a
-- minute, when it has failed: after now, if the clock was set back since.
SELECT
    {held_columns},
    CASE
        WHEN e.next_attempt_time > 'epoch'::timestamptz + (%(now)s::bigint + 60000000) * interval '1 microsecond'
            THEN (e.history -> -1 ->> 'failed_time')::bigint
    END
FROM everlog.consumer_events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
    AND e.slot = ANY (%(slots)s::smallint[]) AND e.state IN ('retrying', 'blocking')
ORDER BY e.slot, e.position;

-- name: ahead
-- The events of slots that were parked or skipped, and lie after a position: the smallest of the slots'
-- checkpoints. As a rule a slot has those after its own among the finished ones; of a consumer that was
-- reset it has not.
SELECT e.slot, e.position FROM everlog.consumer_events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
    AND e.slot = ANY (%(slots)s::smallint[]) AND e.state IN ('parked', 'skipped')
    AND e.position > %(after)s::bigint
ORDER BY e.position;

-- name: replaying
-- The events of slots that are to be replayed by a time, those that are due first.
SELECT r.*
FROM unnest(%(slots)s::smallint[]) AS s (slot)
CROSS JOIN LATERAL (
    SELECT {held_columns}
    FROM everlog.consumer_events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
        AND e.slot = s.slot AND e.state = 'replaying'
        AND {due_time} <= 'epoch'::timestamptz + %(due)s::bigint * interval '1 microsecond'
    ORDER BY {due_time}, e.position
    LIMIT %(limit)s::bigint
) AS r;

-- fragment: due_time
-- As the index of replays has it. Not by COALESCE: behind row-level security no index would be used for it.
CASE WHEN e.next_attempt_time IS NULL THEN '-infinity'::timestamptz ELSE e.next_attempt_time END

-- fragment: held_columns
e.slot, e.position, uuid_send(e.event_id), e.aggregate_type, e.aggregate_id, e.state, e.attempts,
e.is_replayed, (extract(epoch FROM e.next_attempt_time) * 1000000)::bigint

-- name: own_rows
-- Which events of an aggregate, in a stretch of the log, have a row of their own.
SELECT e.position, e.state FROM everlog.consumer_events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.consumer_id = %(consumer_id)s::uuid
    AND e.aggregate_type = %(aggregate_type)s::text AND e.aggregate_id = %(aggregate_id)s::text
    AND e.position > %(after)s::bigint AND e.position <= %(through)s::bigint
ORDER BY e.position;

-- name: records
-- Events by their positions, cut by bytes, but one if there is one.
SELECT w.position, w.record
FROM (
    SELECT e.position, e.record, sum(octet_length(e.record)) OVER (ORDER BY e.position) AS bytes
    FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = ANY (%(positions)s::bigint[])
) AS w
WHERE w.bytes <= %(bytes_max)s::bigint OR w.bytes = octet_length(w.record)
ORDER BY w.position;
