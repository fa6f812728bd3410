-- Projections: what was applied, where each is, what failed. What changes something is a function call: see
-- migrations/0006_projections.sql.

-- fragment: microseconds_of_created
(extract(epoch FROM p.created_time) * 1000000)::bigint

-- fragment: is_held
(everlog.is_lease(l.lease_until) OR EXISTS (
    SELECT FROM everlog.projectors AS q WHERE q.projector = l.projector AND everlog.is_lease(q.lease_until)
))

-- name: projections
-- Projections of a tenant by name: one, or those after a name.
SELECT
    p.name, p.definition, p.is_paused,
    {microseconds_of_created},
    (extract(epoch FROM p.applied_time) * 1000000)::bigint,
    (extract(epoch FROM p.built_time) * 1000000)::bigint,
    b.build, b.schema_name, b.checkpoint,
    (extract(epoch FROM b.checkpoint_time) * 1000000)::bigint,
    b.structure,
    r.build, r.checkpoint, (extract(epoch FROM r.started_time) * 1000000)::bigint, r.blocked_by, r.structure,
    t.head,
    CASE WHEN {is_held} THEN l.projector ELSE '' END,
    CASE WHEN {is_held} THEN l.events_per_second ELSE 0 END,
    (
        SELECT count(*) FROM everlog.projection_failures AS f
        WHERE f.tenant_id = p.tenant_id AND f.name = p.name AND f.build = p.live AND f.is_parked
    )
FROM everlog.projections AS p
JOIN everlog.projection_leases AS l ON l.tenant_id = p.tenant_id AND l.name = p.name
JOIN everlog.projection_builds AS b ON b.tenant_id = p.tenant_id AND b.name = p.name AND b.build = p.live
LEFT JOIN everlog.projection_builds AS r
    ON r.tenant_id = p.tenant_id AND r.name = p.name AND r.build = p.rebuild
JOIN everlog.tenants AS t ON t.tenant_id = p.tenant_id
WHERE p.tenant_id = %(tenant_id)s::integer
    AND (%(name)s::text IS NULL OR p.name = %(name)s::text)
    AND (%(after)s::text IS NULL OR p.name > %(after)s::text)
ORDER BY p.name
LIMIT %(limit)s::bigint;

-- name: failures
-- The events that failed, by position, with their records, cut by bytes. At position 0 no event is to blame. The
-- first ones of each build by its key, then the first of those: and only their events are read.
SELECT
    w.position, w.is_live, w.is_parked, w.handler, w.statement, w.sqlstate, w.message, w.detail, w.attempts,
    w.failed_time, w.next_attempt_time, w.record, w.event_type
FROM (
    SELECT
        f.*, e.record, e.event_type,
        sum(coalesce(octet_length(e.record), 0)) OVER (ORDER BY f.position, f.is_live ROWS UNBOUNDED PRECEDING) AS bytes
    FROM (
        SELECT
            f.position, b.is_live, f.is_parked, f.handler, f.statement, f.sqlstate, f.message, f.detail, f.attempts,
            (extract(epoch FROM f.failed_time) * 1000000)::bigint AS failed_time,
            (extract(epoch FROM f.next_attempt_time) * 1000000)::bigint AS next_attempt_time
        FROM everlog.projections AS p
        CROSS JOIN LATERAL (VALUES (p.rebuild, false), (p.live, true)) AS b (build, is_live)
        CROSS JOIN LATERAL (
            SELECT * FROM everlog.projection_failures AS o
            WHERE o.tenant_id = %(tenant_id)s::integer AND o.name = %(name)s::text AND o.build = b.build
                -- The first one for the index: the rows begin there.
                AND o.position >= %(after)s::bigint
                AND (o.position, b.is_live) > (%(after)s::bigint, %(after_is_live)s::boolean)
            ORDER BY o.position
            LIMIT %(limit)s::bigint
        ) AS f
        WHERE p.tenant_id = %(tenant_id)s::integer AND p.name = %(name)s::text
        ORDER BY f.position, b.is_live
        LIMIT %(limit)s::bigint
    ) AS f
    LEFT JOIN everlog.events AS e ON e.tenant_id = %(tenant_id)s::integer AND e.position = f.position
) AS w
WHERE w.bytes <= %(bytes_max)s::bigint OR w.bytes = coalesce(octet_length(w.record), 0)
ORDER BY w.position, w.is_live;

-- name: waited_for
-- What some projections wait for: of each build an event, and why it can't run; cut by bytes of the records.
SELECT
    w.name, w.position, w.is_live, false, w.handler, w.statement, w.sqlstate, w.message, w.detail, w.attempts,
    w.failed_time, w.next_attempt_time,
    CASE WHEN w.bytes <= %(bytes_max)s::bigint THEN w.record END, w.event_type
FROM (
    SELECT
        f.name, f.position, f.build = p.live AS is_live, f.handler, f.statement, f.sqlstate, f.message, f.detail,
        f.attempts, (extract(epoch FROM f.failed_time) * 1000000)::bigint AS failed_time,
        (extract(epoch FROM f.next_attempt_time) * 1000000)::bigint AS next_attempt_time,
        e.record, e.event_type,
        row_number() OVER (ORDER BY f.name, f.position, f.build = p.live) AS number,
        sum(coalesce(octet_length(e.record), 0)) OVER (
            ORDER BY f.name, f.position, f.build = p.live ROWS UNBOUNDED PRECEDING
        ) AS bytes
    FROM everlog.projections AS p
    JOIN everlog.projection_failures AS f
        ON f.tenant_id = %(tenant_id)s::integer AND f.name = p.name AND f.build IN (p.live, p.rebuild)
            AND NOT f.is_parked
    LEFT JOIN everlog.events AS e ON e.tenant_id = %(tenant_id)s::integer AND e.position = f.position
    WHERE p.tenant_id = %(tenant_id)s::integer AND p.name = ANY (%(names)s::text[])
) AS w
ORDER BY w.number;

-- name: failure_of_event
-- How an event failed: whether it is parked, of the live build; one that is waited for comes first.
SELECT f.position, f.is_parked, f.build = p.live
FROM everlog.projections AS p
JOIN everlog.events AS e
    ON e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid
JOIN everlog.projection_failures AS f
    ON f.tenant_id = %(tenant_id)s::integer AND f.name = p.name AND f.position = e.position
        AND f.build IN (p.live, p.rebuild)
WHERE p.tenant_id = %(tenant_id)s::integer AND p.name = %(name)s::text
ORDER BY f.is_parked, f.build = p.live DESC;

-- name: parked
-- The next parked events of the live build.
SELECT f.position
FROM everlog.projections AS p
CROSS JOIN LATERAL (
    SELECT o.position FROM everlog.projection_failures AS o
    WHERE o.tenant_id = %(tenant_id)s::integer AND o.name = %(name)s::text AND o.build = p.live
        AND o.is_parked AND o.position > %(after)s::bigint
    ORDER BY o.position
    LIMIT %(limit)s::bigint
) AS f
WHERE p.tenant_id = %(tenant_id)s::integer AND p.name = %(name)s::text
ORDER BY f.position;

-- name: parked_count
-- How many of them there are, up to a limit.
SELECT count(*) FROM (
    SELECT
    FROM everlog.projections AS p
    JOIN everlog.projection_failures AS f
        ON f.tenant_id = %(tenant_id)s::integer AND f.name = p.name AND f.build = p.live AND f.is_parked
    WHERE p.tenant_id = %(tenant_id)s::integer AND p.name = %(name)s::text AND f.position > %(after)s::bigint
    LIMIT %(limit)s::bigint
) AS n;

-- name: values
-- What stands in some events, as text, at some places: a column's name, and steps in its JSON. Cut: who asks
-- shows less.
SELECT s.number, left(
    CASE s.source
        WHEN 'data' THEN e.data #>> s.path
        WHEN 'metadata' THEN e.metadata #>> s.path
        WHEN 'intent' THEN e.intent #>> s.path
        WHEN 'context' THEN e.context #>> s.path
        WHEN 'aggregate_type' THEN e.aggregate_type
        WHEN 'aggregate_id' THEN e.aggregate_id
        WHEN 'event_type' THEN e.event_type
        WHEN 'event_id' THEN e.event_id::text
        WHEN 'source' THEN e.source
        WHEN 'position' THEN e.position::text
        WHEN 'sequence' THEN e.sequence::text
        WHEN 'record_time' THEN e.record_time::text
        WHEN 'occurred_time' THEN e.occurred_time::text
        WHEN 'correlation_id' THEN e.correlation_id
        WHEN 'causation_id' THEN e.causation_id::text
        WHEN 'actor' THEN e.actor
        WHEN 'user_id' THEN e.user_id
    END,
    %(characters_max)s::integer
)
FROM (
    SELECT r.position, r.source, r.number, ARRAY(SELECT jsonb_array_elements_text(r.path)) AS path
    FROM jsonb_to_recordset(%(places)s::jsonb)
        AS r (position bigint, source text, path jsonb, number integer)
) AS s
JOIN everlog.events AS e ON e.tenant_id = %(tenant_id)s::integer AND e.position = s.position;

-- name: event_meant
-- Where an event is, of what type, and whether a filter means it.
SELECT e.position, e.event_type, coalesce({matches}, false)
FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid;

-- name: trace_of_event
-- What became of an event in a projection: whether it was skipped, whether it failed, and the window that it
-- took effect in, if that is remembered.
SELECT
    b.checkpoint,
    EXISTS (
        SELECT FROM everlog.projection_skips AS s
        WHERE s.tenant_id = p.tenant_id AND s.name = p.name AND s.build = p.live
            AND s.position = %(position)s::bigint
    ),
    EXISTS (
        SELECT FROM everlog.projection_failures AS f
        WHERE f.tenant_id = p.tenant_id AND f.name = p.name AND f.build = p.live
            AND f.position = %(position)s::bigint
    ),
    x.transaction_id, (extract(epoch FROM x.committed_time) * 1000000)::bigint,
    x.rows[x.offsets[x.place] + 1 : x.offsets[x.place] + %(statements)s::integer]
FROM everlog.projections AS p
JOIN everlog.projection_builds AS b ON b.tenant_id = p.tenant_id AND b.name = p.name AND b.build = p.live
LEFT JOIN LATERAL (
    SELECT w.*, array_position(w.positions, %(position)s::bigint) AS place
    FROM (
        SELECT w.* FROM everlog.projection_effects AS w
        WHERE w.tenant_id = p.tenant_id AND w.name = p.name AND w.through >= %(position)s::bigint
        ORDER BY w.through
        LIMIT 1
    ) AS w
) AS x ON x.place IS NOT NULL
WHERE p.tenant_id = %(tenant_id)s::integer AND p.name = %(name)s::text;

-- name: schema_exists
-- Whether there is a schema of a name.
SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %(schema)s::text;

-- name: look
-- Whether anything is free, and what has changed since a look, of all tenants.
SELECT c.has_free, c.mark, c.grown_tenants, c.grown_heads, c.changed_tenants, c.changed_names
FROM everlog.changes_for_projector(%(projector)s::text, %(since)s::bigint) AS c;

-- name: look_at
-- What there is to do of some projections, of all tenants.
SELECT
    p.tenant_id, p.name, p.epoch, p.has_work, p.tenant, p.checkpoint, p.head, p.rebuild_checkpoint, p.state
FROM everlog.projections_as_run(%(tenant_ids)s::integer[], %(names)s::text[]) AS p;

-- name: look_on
-- What there is to do of the next projections of a projector.
SELECT
    p.tenant_id, p.name, p.epoch, p.has_work, p.tenant, p.checkpoint, p.head, p.rebuild_checkpoint, p.state
FROM everlog.projections_of_projector(
    %(projector)s::text, %(after_tenant)s::integer, %(after_name)s::text, %(limit)s::bigint
) AS p;

-- name: leftovers
-- Schemas that are to be dropped.
SELECT o.tenant_id, o.schema_name FROM everlog.schemas_to_drop(%(limit)s::bigint) AS o;

-- name: types
-- Types of the database by their ids.
SELECT t.oid, n.nspname, t.typname, t.typcategory
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
WHERE t.oid OPERATOR(pg_catalog.=) ANY (%(ids)s::pg_catalog.oid[]);

-- name: unknown_roles
-- Those of some names that are of no role.
SELECT u.name FROM unnest(%(names)s::text[]) AS u (name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = u.name);

-- name: project
-- Takes a projection a window further.
SELECT * FROM everlog.project_window(
    %(tenant_id)s::integer, %(name)s::text, %(epoch)s::bigint, %(is_rebuild)s::boolean, %(until)s::bigint,
    %(events_max)s::integer, %(positions_max)s::bigint, %(lease_seconds)s::double precision,
    %(kept_positions)s::bigint
);

-- name: note_failure
-- Notes that an event failed.
SELECT everlog.note_failure(
    %(tenant_id)s::integer, %(name)s::text, %(epoch)s::bigint, %(is_rebuild)s::boolean, %(position)s::bigint,
    %(handler)s::integer, %(statement)s::integer, %(sqlstate)s::text, %(message)s::text, %(detail)s::text,
    %(random)s::double precision
);

-- name: project_parked
-- Tries a parked event again.
SELECT everlog.project_parked(%(tenant_id)s::integer, %(name)s::text, %(position)s::bigint);

-- name: retry
-- Has the event that is waited for tried again.
SELECT everlog.retry_projection(%(tenant_id)s::integer, %(name)s::text, %(position)s::bigint);

-- name: skip
-- Does without an event that failed.
SELECT everlog.skip_projection(%(tenant_id)s::integer, %(name)s::text, %(position)s::bigint);

-- name: pause
-- Lets a projection rest, or go on.
SELECT everlog.pause_projection(%(tenant_id)s::integer, %(name)s::text, %(is_paused)s::boolean);

-- name: claim
-- Takes some of what nobody holds.
SELECT
    p.tenant_id, p.name, p.epoch, p.has_work, p.tenant, p.checkpoint, p.head, p.rebuild_checkpoint, p.state
FROM everlog.claim_projections(
    %(projector)s::text, %(limit)s::integer, %(lease_seconds)s::double precision
) AS p;

-- name: renew
-- Keeps all that a projector holds.
SELECT everlog.renew_projector(
    %(projector)s::text, %(lease_seconds)s::double precision, %(tenant_ids)s::integer[], %(names)s::text[],
    %(epochs)s::bigint[], %(rates)s::double precision[]
);

-- name: release
-- Gives back all that a projector holds.
SELECT everlog.release_projector(%(projector)s::text);

-- name: switch
-- Puts the rebuild in the live build's place.
SELECT everlog.switch_projection(%(tenant_id)s::integer, %(name)s::text, %(epoch)s::bigint);

-- name: create_schema
-- Makes the schema of a build.
SELECT everlog.create_projection_schema(%(schema)s::text);

-- name: define_function
-- Makes one of the two functions of a build.
SELECT everlog.define_projection_function(
    %(schema)s::text, %(is_of_tables)s::boolean, %(body)s::text
);

-- name: make_tables
-- Runs the SQL that makes the tables.
SELECT everlog.run_projection_tables(%(schema)s::text);

-- name: seal
-- Looks that nothing of a definition runs after this transaction.
SELECT everlog.seal_projection();

-- name: grant
-- Lets roles read.
SELECT everlog.grant_projection(%(schema)s::text, %(readers)s::text[], %(former)s::text[]);

-- name: create
-- Notes a new projection.
SELECT everlog.create_projection(
    %(tenant_id)s::integer, %(name)s::text, %(schema)s::text, %(definition)s::bytea, %(structure)s::bytea,
    %(on_failure)s::integer, %(attempts_max)s::integer, %(backoff)s::double precision[]
);

-- name: update
-- Replaces a definition.
SELECT everlog.update_projection(
    %(tenant_id)s::integer, %(name)s::text, %(seen)s::bytea, %(definition)s::bytea,
    %(on_failure)s::integer, %(attempts_max)s::integer, %(backoff)s::double precision[]
);

-- name: number_rebuild
-- Gives a new rebuild its number.
SELECT everlog.number_rebuild(%(tenant_id)s::integer, %(name)s::text);

-- name: begin_rebuild
-- Begins a rebuild.
SELECT everlog.begin_rebuild(
    %(tenant_id)s::integer, %(name)s::text, %(build)s::integer, %(schema)s::text, %(wanted_schema)s::text,
    %(structure)s::bytea
);

-- name: cancel_rebuild
-- Stops a rebuild.
SELECT everlog.cancel_rebuild(%(tenant_id)s::integer, %(name)s::text);

-- name: drop_schema
-- Drops a schema that nobody needs.
SELECT everlog.drop_projection_schema(%(tenant_id)s::integer, %(schema)s::text);

-- name: delete
-- Removes a projection.
SELECT everlog.delete_projection(%(tenant_id)s::integer, %(name)s::text, %(keeps_tables)s::boolean);
