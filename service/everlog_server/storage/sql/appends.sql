-- What the sequencer sends, prepared once a connection. See migrations/0001_event_log.sql for why.

-- name: append
-- Appends a batch if the log is as remembered; answers with one word.
SELECT everlog.append(
    $1::integer, $2::bigint, $3::bigint, $4::uuid,
    $5::text[], $6::uuid[], $7::text[], $8::text[], $9::bigint[],
    $10::timestamptz, $11::text[], $12::text[], $13::bigint[], $14::uuid[], $15::text[],
    $16::timestamptz[], $17::boolean[], $18::text[], $19::text[], $20::uuid[], $21::text[],
    $22::text[], $23::text[], $24::bytea[], $25::jsonb[], $26::jsonb[], $27::jsonb[], $28::jsonb[],
    $29::bytea[], $30::uuid[], $31::uuid[], $32::text[]
);

-- name: begin
-- Opens a transaction whose statements each see what was committed before them.
BEGIN ISOLATION LEVEL READ COMMITTED;

-- name: commit
-- Makes the transaction durable.
COMMIT;

-- name: rollback
-- Gives the transaction up.
ROLLBACK;

-- name: lock_head
-- Locks the tenant's log against other appends, and tells where it is, and whether it takes events.
SELECT head, head_event_id, epoch, last_record_time, is_frozen FROM everlog.lock_head($1::integer);

-- name: raise_epoch
-- Shuts out every append that was sent before.
SELECT everlog.raise_epoch($1::integer);

-- name: known_by_key
-- The events that have one of these idempotency keys.
SELECT
    e.idempotency_key, e.event_id, e.fingerprint, e.position, e.sequence, e.record_time,
    e.documentable, CASE WHEN e.fingerprint IS NULL THEN e.record END, e.user_id
FROM unnest($2::text[]) AS asked (idempotency_key)
CROSS JOIN LATERAL (
    SELECT * FROM everlog.events
    WHERE tenant_id = $1::integer AND idempotency_key = asked.idempotency_key
    LIMIT 1
) AS e;

-- name: known_by_id
-- The events that have one of these ids.
SELECT
    e.idempotency_key, e.event_id, e.fingerprint, e.position, e.sequence, e.record_time,
    e.documentable, CASE WHEN e.fingerprint IS NULL THEN e.record END, e.user_id
FROM unnest($2::uuid[]) AS asked (event_id)
CROSS JOIN LATERAL (
    SELECT * FROM everlog.events
    WHERE tenant_id = $1::integer AND event_id = asked.event_id
    LIMIT 1
) AS e;

-- name: stored_at
-- The ids and times of the events at these positions, inclusive, in order.
SELECT e.event_id, e.record_time FROM everlog.events AS e
WHERE e.tenant_id = $1::integer AND e.position >= $2::bigint AND e.position <= $3::bigint
ORDER BY e.position;

-- name: discard_plans
-- Forgets how statements were planned.
DISCARD PLANS;

-- name: last_sequences
-- The last sequence of each of these aggregates, in their order; 0 for one without events.
SELECT coalesce(last.sequence, 0)
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS asked (aggregate_type, aggregate_id, place)
LEFT JOIN LATERAL (
    SELECT e.sequence FROM everlog.events AS e
    WHERE e.tenant_id = $1::integer
        AND e.aggregate_type = asked.aggregate_type
        AND e.aggregate_id = asked.aggregate_id
    ORDER BY e.sequence DESC
    LIMIT 1
) AS last ON true
ORDER BY asked.place;

-- name: appended_since
-- What others appended after a remembered head, as last sequences; nothing if that head is not on
-- this log any more.
SELECT e.aggregate_type, e.aggregate_id, max(e.sequence)
FROM everlog.events AS e
WHERE e.tenant_id = $1::integer AND e.position > $2::bigint AND e.position <= $2::bigint + $4::bigint
    AND EXISTS (
        SELECT FROM everlog.events AS r
        WHERE r.tenant_id = $1::integer AND r.position = $2::bigint AND r.event_id = $3::uuid
    )
GROUP BY e.aggregate_type, e.aggregate_id;
