-- Outcomes, narratives and the graph that events make. Outcomes and narratives are events of the log,
-- on aggregates of their own (`outcome` / the subject's id, `narrative` / the subject's id). Anybody may emit such events by
-- hand, with any data: what is not understood is passed over, and none of these statements fails on it.

-- fragment: outcome_columns
uuid_send(o.event_id), o.sequence, (extract(epoch FROM o.record_time) * 1000000)::bigint,
coalesce(o.actor, ''), o.data ->> 'outcome',
CASE
    WHEN jsonb_typeof(o.data -> 'impact_metric') = 'string'
        AND octet_length(o.data ->> 'impact_metric') <= 16384
        THEN o.data ->> 'impact_metric'
    ELSE ''
END

-- fragment: latest_outcome
-- Of the event `e`: among its last few, should the very last not be understood.
SELECT o.* FROM (
    SELECT o.event_id, o.event_type, o.sequence, o.record_time, o.actor, o.data FROM everlog.events AS o
    WHERE o.tenant_id = %(tenant_id)s::integer
        AND o.aggregate_type = 'outcome'
        AND o.aggregate_id = e.event_id::text
    ORDER BY o.sequence DESC
    LIMIT 16
) AS o
WHERE {is_outcome}
ORDER BY o.sequence DESC
LIMIT 1

-- fragment: is_outcome
-- By size first, which is known without the value.
CASE
    WHEN o.event_type <> 'outcome.recorded' OR pg_column_size(o.data) > 100000 THEN false
    WHEN jsonb_typeof(o.data -> 'outcome') = 'string'
        THEN octet_length(o.data ->> 'outcome') BETWEEN 1 AND 16384
    ELSE false
END

-- fragment: outcome_bytes
octet_length(o.data ->> 'outcome') + coalesce(octet_length(o.data ->> 'impact_metric'), 0)
    + coalesce(octet_length(o.actor), 0) + 200

-- name: event_by_id_with_outcome
-- One event by its id, and its latest outcome.
SELECT e.record, uuid_send(e.event_id), {outcome_columns}
FROM everlog.events AS e LEFT JOIN LATERAL ({latest_outcome}) AS o ON true
WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid;

-- name: event_at_position_with_outcome
-- One event by its position, and its latest outcome.
SELECT e.record, uuid_send(e.event_id), {outcome_columns}
FROM everlog.events AS e LEFT JOIN LATERAL ({latest_outcome}) AS o ON true
WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = %(position)s::bigint;

-- name: event_at_sequence_with_outcome
-- One event by its number in its aggregate, and its latest outcome.
SELECT e.record, uuid_send(e.event_id), {outcome_columns}
FROM everlog.events AS e LEFT JOIN LATERAL ({latest_outcome}) AS o ON true
WHERE e.tenant_id = %(tenant_id)s::integer
    AND e.aggregate_type = %(aggregate_type)s::text
    AND e.aggregate_id = %(aggregate_id)s::text
    AND e.sequence = %(sequence)s::bigint;

-- name: event_by_key_with_outcome
-- One event by its idempotency key, and its latest outcome.
SELECT e.record, uuid_send(e.event_id), {outcome_columns}
FROM everlog.events AS e LEFT JOIN LATERAL ({latest_outcome}) AS o ON true
WHERE e.tenant_id = %(tenant_id)s::integer AND e.idempotency_key = %(idempotency_key)s::text;

-- name: has_event
-- Whether there is an event with this id.
SELECT EXISTS (
    SELECT FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid
);

-- name: latest_outcomes
-- The latest outcome of each of these events that has one, in their order, as many as fit.
SELECT uuid_send(o.subject_id), {outcome_columns}
FROM (
    SELECT
        o.*, e.event_id AS subject_id, e.place,
        sum({outcome_bytes}) OVER (ORDER BY e.place ROWS UNBOUNDED PRECEDING) AS bytes
    FROM unnest(%(event_ids)s::uuid[]) WITH ORDINALITY AS e (event_id, place)
    CROSS JOIN LATERAL ({latest_outcome}) AS o
) AS o
WHERE o.bytes <= %(bytes_max)s::bigint
ORDER BY o.place;

-- name: outcomes_page
-- The outcomes of an event before a number, newest first, as many as fit; and how many there were, whether they
-- fit or not.
SELECT o.outcomes, {outcome_columns}
FROM (
    SELECT
        o.*, count(*) OVER () AS outcomes,
        sum({outcome_bytes}) OVER (ORDER BY o.sequence DESC ROWS UNBOUNDED PRECEDING) AS bytes
    FROM (
        SELECT o.event_id, o.sequence, o.record_time, o.actor, o.data FROM everlog.events AS o
        WHERE o.tenant_id = %(tenant_id)s::integer
            AND o.aggregate_type = 'outcome'
            AND o.aggregate_id = encode(%(event_id)s::bytea, 'hex')::uuid::text
            AND o.sequence < %(before)s::bigint
            AND {is_outcome}
        ORDER BY o.sequence DESC
        LIMIT %(limit)s::bigint
    ) AS o
) AS o
WHERE o.bytes <= %(bytes_max)s::bigint
ORDER BY o.sequence DESC;

-- name: last_narrative
-- The last narrative of an event: its record, its number, and which event it is.
SELECT n.record, n.sequence, n.position, uuid_send(n.event_id) FROM everlog.events AS n
WHERE n.tenant_id = %(tenant_id)s::integer
    AND n.aggregate_type = 'narrative'
    AND n.aggregate_id = encode(%(event_id)s::bytea, 'hex')::uuid::text
    AND n.event_type = 'narrative.saved'
    AND jsonb_typeof(n.data) = 'object'
ORDER BY n.sequence DESC
LIMIT 1;

-- name: narrative_at
-- One version of an event's narrative: its record, its number, and which event it is.
SELECT n.record, n.sequence, n.position, uuid_send(n.event_id) FROM everlog.events AS n
WHERE n.tenant_id = %(tenant_id)s::integer
    AND n.aggregate_type = 'narrative'
    AND n.aggregate_id = encode(%(event_id)s::bytea, 'hex')::uuid::text
    AND n.event_type = 'narrative.saved'
    AND jsonb_typeof(n.data) = 'object'
    AND n.sequence = %(version)s::bigint;

-- name: records_of_ids
-- The records of events, by their ids, and which they are, oldest first.
SELECT e.position, uuid_send(e.event_id), e.record
FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = ANY (%(event_ids)s::uuid[])
ORDER BY e.position;

-- name: narrative_summaries
-- What the last narrative of each of these events says in short, where there is one.
SELECT
    uuid_send(e.event_id),
    left(coalesce({summary}, {narrative}, {long_description}), %(characters_max)s::integer)
FROM unnest(%(event_ids)s::uuid[]) WITH ORDINALITY AS e (event_id, place)
CROSS JOIN LATERAL (
    SELECT n.data FROM everlog.events AS n
    WHERE n.tenant_id = %(tenant_id)s::integer
        AND n.aggregate_type = 'narrative'
        AND n.aggregate_id = e.event_id::text
        AND n.event_type = 'narrative.saved'
        AND jsonb_typeof(n.data) = 'object'
    ORDER BY n.sequence DESC
    LIMIT 1
) AS n
WHERE coalesce({summary}, {narrative}, {long_description}) IS NOT NULL
ORDER BY e.place;

-- fragment: summary
CASE WHEN jsonb_typeof(n.data -> 'summary') = 'string' THEN nullif(n.data ->> 'summary', '') END

-- fragment: narrative
CASE WHEN jsonb_typeof(n.data -> 'narrative') = 'string' THEN nullif(n.data ->> 'narrative', '') END

-- fragment: long_description
CASE WHEN jsonb_typeof(n.data -> 'long_description') = 'string' THEN nullif(n.data ->> 'long_description', '') END

-- fragment: names
-- What `x` names: its related events, and its cause. What is not wanted vanishes when the statement is planned.
-- By rows: said as an equality, PostgreSQL may skip through the index of links against their direction, where
-- many name a few.
(
    SELECT l.related_event_id AS event_id, 1 AS kind FROM everlog.event_links AS l
    WHERE %(related)s::boolean
        AND l.tenant_id = %(tenant_id)s::integer
        AND (l.event_id, l.related_event_id) >= (x.event_id, '00000000-0000-0000-0000-000000000000'::uuid)
        AND (l.event_id, l.related_event_id) <= (x.event_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        AND l.kind = 'related'
    ORDER BY l.event_id, l.related_event_id
    -- No event names more; for the planner, who can't tell how few the rows are.
    LIMIT 100
)
UNION ALL
SELECT x.causation_id, 2 WHERE %(causation)s::boolean AND x.causation_id IS NOT NULL

-- fragment: named_by
-- The events that name `x`: the first of them, one more than the answer may have. So none is missed because
-- those before it are in the answer already.
(
    SELECT l.event_id, NULL::integer FROM everlog.event_links AS l
    WHERE %(forwards)s::boolean AND %(related)s::boolean AND w.depth < %(max_depth)s::integer
        AND l.tenant_id = %(tenant_id)s::integer AND l.related_event_id = x.event_id AND l.kind = 'related'
    ORDER BY l.event_id
    LIMIT %(events_max)s::bigint + 1
)
UNION ALL
(
    SELECT c.event_id, NULL FROM everlog.events AS c
    WHERE %(forwards)s::boolean AND %(causation)s::boolean AND w.depth < %(max_depth)s::integer
        AND c.tenant_id = %(tenant_id)s::integer AND c.causation_id = x.event_id
    ORDER BY c.position
    LIMIT %(events_max)s::bigint + 1
)

-- fragment: before
-- What was recorded last before `x` of the same piece of work.
(
    SELECT coalesce(
        (
            SELECT n.event_id FROM everlog.events AS n
            WHERE n.tenant_id = %(tenant_id)s::integer
                AND n.correlation_id = x.correlation_id
                AND n.position < x.position
                AND n.position >= x.position - {near}
            ORDER BY n.position DESC
            LIMIT 1
        ),
        (
            SELECT n.event_id FROM everlog.events AS n
            WHERE n.tenant_id = %(tenant_id)s::integer
                AND n.correlation_id = x.correlation_id
                AND n.position < x.position - {near}
            ORDER BY n.position DESC
            LIMIT 1
        )
    ) AS event_id
    OFFSET 0
)

-- fragment: after
-- What was recorded first after `x` of the same piece of work.
(
    SELECT coalesce(
        (
            SELECT n.event_id FROM everlog.events AS n
            WHERE n.tenant_id = %(tenant_id)s::integer
                AND n.correlation_id = x.correlation_id
                AND n.position > x.position
                AND n.position <= x.position + {near}
            ORDER BY n.position
            LIMIT 1
        ),
        (
            SELECT n.event_id FROM everlog.events AS n
            WHERE n.tenant_id = %(tenant_id)s::integer
                AND n.correlation_id = x.correlation_id
                AND n.position > x.position + {near}
            ORDER BY n.position
            LIMIT 1
        )
    ) AS event_id
    OFFSET 0
)

-- fragment: near
-- A scan of an index takes all that it can from a page, also if one is wanted: some 300 events of one piece of
-- work. So the neighbour is sought nearby first, which is where it stands as a rule. (OFFSET 0, where this is
-- used, keeps PostgreSQL from seeking it twice: for the row, and for the test whether there is any.)
16

-- name: trace
-- The graph around an event, level by level. Each row of `walk` is one level, with what the next one needs to
-- know of its events, and everything that was reached before: so no event is met twice, whatever circles there
-- are. A level takes the oldest; those that the log does not have are the last.
--
-- Each look-up is made once, for the walk and for the edges: a row brings those that were found from the level
-- before it, and one more row, without events, those of the last level. They may lead to what the walk never
-- reached. Who comes after an event in its piece of work is looked up before who comes before: what comes
-- after one of this level, or of the level before, is preceded by that one, and need not be asked. One of an
-- earlier level was asked then, so that edge is there already.
WITH RECURSIVE walk (
    depth, earlier, event_ids, positions, causation_ids, correlation_ids, sizes, visited, is_cut,
    edge_from_ids, edge_to_ids, edge_kinds, successor_ids
) AS (
    SELECT
        0, 0, ARRAY[e.event_id], ARRAY[e.position], ARRAY[e.causation_id], ARRAY[e.correlation_id],
        ARRAY[octet_length(e.record)], ARRAY[e.event_id], false, '{}'::uuid[], '{}'::uuid[], '{}'::integer[], '{}'::uuid[]
    FROM everlog.events AS e
    WHERE e.tenant_id = %(tenant_id)s::integer AND e.event_id = encode(%(event_id)s::bytea, 'hex')::uuid
    UNION ALL
    SELECT
        w.depth + 1, cardinality(w.visited),
        coalesce(n.event_ids[1:n.room], '{}'), n.positions[1:n.room], n.causation_ids[1:n.room],
        n.correlation_ids[1:n.room], n.sizes[1:n.room], w.visited || n.event_ids[1:n.room],
        coalesce(cardinality(n.event_ids), 0) > n.room, n.edge_from_ids, n.edge_to_ids, n.edge_kinds, n.successor_ids
    FROM walk AS w
    CROSS JOIN LATERAL (
        WITH level AS MATERIALIZED (
            SELECT x.event_id, x.position, x.causation_id, x.correlation_id
            FROM unnest(w.event_ids, w.positions, w.causation_ids, w.correlation_ids)
                AS x (event_id, position, causation_id, correlation_id)
        ),
        successors AS MATERIALIZED (
            SELECT s.event_id, x.event_id AS predecessor_id
            FROM level AS x
            CROSS JOIN LATERAL {after} AS s
            WHERE %(forwards)s::boolean AND %(correlation)s::boolean AND w.depth < %(max_depth)s::integer
                AND x.correlation_id IS NOT NULL AND s.event_id IS NOT NULL
        ),
        near AS MATERIALIZED (
            SELECT x.event_id AS from_id, a.event_id, a.kind
            FROM level AS x
            CROSS JOIN LATERAL (
                {names}
                UNION ALL
                {named_by}
            ) AS a
            UNION ALL
            SELECT x.event_id, p.event_id, 3
            FROM level AS x
            CROSS JOIN LATERAL {before} AS p
            WHERE %(correlation)s::boolean AND x.correlation_id IS NOT NULL AND p.event_id IS NOT NULL
                AND x.event_id NOT IN (
                    SELECT s.event_id FROM unnest(w.successor_ids) AS s (event_id)
                    UNION ALL
                    SELECT s.event_id FROM successors AS s
                )
            UNION ALL
            SELECT s.predecessor_id, s.event_id, NULL FROM successors AS s
        ),
        found AS MATERIALIZED (
            SELECT a.event_id FROM near AS a
            WHERE w.depth < %(max_depth)s::integer AND (%(backwards)s::boolean OR a.kind IS NULL)
            EXCEPT
            SELECT v.event_id FROM unnest(w.visited) AS v (event_id)
        )
        SELECT
            %(events_max)s::integer - cardinality(w.visited) AS room,
            c.event_ids, c.positions, c.causation_ids, c.correlation_ids, c.sizes,
            l.edge_from_ids, l.edge_to_ids, l.edge_kinds, l.successor_ids
        FROM (
            SELECT
                array_agg(c.event_id) AS event_ids, array_agg(c.position) AS positions,
                array_agg(c.causation_id) AS causation_ids, array_agg(c.correlation_id) AS correlation_ids,
                array_agg(c.size) AS sizes
            FROM (
                SELECT f.event_id, e.position, e.causation_id, e.correlation_id, e.size
                FROM found AS f
                LEFT JOIN (
                    SELECT e.event_id, e.position, e.causation_id, e.correlation_id, octet_length(e.record) AS size
                    FROM everlog.events AS e
                    WHERE e.tenant_id = %(tenant_id)s::integer
                        AND e.event_id = ANY (ARRAY(SELECT f.event_id FROM found AS f))
                    OFFSET 0
                ) AS e ON e.event_id = f.event_id
                ORDER BY e.position, f.event_id
                LIMIT %(events_max)s::integer - cardinality(w.visited) + 1
            ) AS c
        ) AS c
        CROSS JOIN (
            SELECT
                array_agg(a.from_id) AS edge_from_ids, array_agg(a.event_id) AS edge_to_ids,
                array_agg(a.kind) AS edge_kinds, (SELECT array_agg(s.event_id) FROM successors AS s) AS successor_ids
            FROM (
                SELECT a.from_id, a.event_id, a.kind FROM near AS a WHERE a.kind IS NOT NULL
                UNION ALL
                SELECT s.event_id, s.predecessor_id, 3 FROM successors AS s
                WHERE s.event_id NOT IN (SELECT v.event_id FROM unnest(w.visited[1:w.earlier]) AS v (event_id))
            ) AS a
        ) AS l
    ) AS n
    WHERE cardinality(w.event_ids) > 0
),
reached AS MATERIALIZED (
    SELECT
        w.earlier + x.place AS number, w.depth, x.event_id, x.position,
        sum(coalesce(x.size, 0)) OVER (ORDER BY w.earlier + x.place ROWS UNBOUNDED PRECEDING) AS bytes
    FROM walk AS w
    CROSS JOIN LATERAL unnest(w.event_ids, w.positions, w.sizes) WITH ORDINALITY AS x (event_id, position, size, place)
),
links AS MATERIALIZED (
    SELECT f.number AS from_number, t.number AS to_number, l.kind
    FROM walk AS w
    CROSS JOIN LATERAL unnest(w.edge_from_ids, w.edge_to_ids, w.edge_kinds) AS l (from_id, to_id, kind)
    JOIN reached AS f ON f.event_id = l.from_id
    JOIN reached AS t ON t.event_id = l.to_id
),
bound (bytes_max) AS MATERIALIZED (
    SELECT least(
        %(records_bytes_max)s::bigint,
        %(bytes_max)s::bigint
            - %(node_bytes)s::bigint * (SELECT count(*) FROM reached)
            - %(edge_bytes)s::bigint * (SELECT least(count(*), %(edges_max)s::bigint) FROM links)
    )
),
placed AS MATERIALIZED (
    SELECT
        r.number, r.event_id, r.position, r.depth,
        (row_number() OVER (ORDER BY r.position, r.event_id))::integer - 1 AS place
    FROM reached AS r
    WHERE r.depth = 0 OR r.bytes <= (SELECT b.bytes_max FROM bound AS b)
)
SELECT
    (
        SELECT string_agg(e.record, ''::bytea ORDER BY e.position)
        FROM everlog.events AS e
        WHERE e.tenant_id = %(tenant_id)s::integer AND e.position = ANY (ARRAY(SELECT p.position FROM placed AS p))
    ),
    n.event_ids, n.depths, n.events, l.from_places, l.to_places, l.kinds,
    (SELECT bool_or(w.is_cut) FROM walk AS w)
        OR n.nodes < (SELECT count(*) FROM reached)
        OR (SELECT count(*) FROM links) > %(edges_max)s::bigint
FROM (
    SELECT
        string_agg(p.event_id::text, '' ORDER BY p.place) AS event_ids,
        array_agg(p.depth ORDER BY p.place) AS depths,
        count(p.position) AS events,
        count(*) AS nodes
    FROM placed AS p
) AS n
CROSS JOIN (
    SELECT
        array_agg(k.from_place) AS from_places, array_agg(k.to_place) AS to_places, array_agg(k.kind) AS kinds
    FROM (
        SELECT f.place AS from_place, t.place AS to_place, k.kind
        FROM links AS k
        JOIN placed AS f ON f.number = k.from_number
        JOIN placed AS t ON t.number = k.to_number
        ORDER BY f.place, k.kind, t.place
        LIMIT %(edges_max)s::bigint
    ) AS k
) AS l;
