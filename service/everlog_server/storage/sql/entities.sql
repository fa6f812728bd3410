-- The knowledge graph: an index that follows the log. What changes it are functions of
-- migrations/0002_entities.sql. Each listing is one statement, so it is of one snapshot: the generation that
-- it reads can't be exchanged or removed under it.

-- fragment: index
SELECT i.current AS generation, g.position
FROM everlog.entity_indexes AS i
JOIN everlog.entity_generations AS g
    ON g.tenant_id = %(tenant_id)s::integer AND g.generation = i.current
WHERE i.tenant_id = %(tenant_id)s::integer

-- name: state
-- Where a tenant's index is; no row: it has none.
SELECT s.declared, s.current, s.declared_position, s.current_position, s.head, false
FROM everlog.entity_index_state(%(tenant_id)s::integer) AS s;

-- name: declarations
-- What is declared, by name, and where the index is.
SELECT
    s.declared, s.declared_position, s.head,
    d.name, d.event_types, d.pointer, d.kind, d.subject, d.ignore_case
FROM everlog.entity_index_state(%(tenant_id)s::integer) AS s
LEFT JOIN everlog.entity_declarations AS d
    ON d.tenant_id = %(tenant_id)s::integer AND d.generation = s.declared
ORDER BY d.name;

-- name: declare
-- Declares all that is to be declared from now on; the generation, or null if somebody else has since.
SELECT everlog.declare_entities(
    %(tenant_id)s::integer, %(declared)s::integer, %(declarations)s::jsonb
);

-- name: follow
-- Takes the index a window further. No row: the tenant has none.
SELECT f.declared, f.current, f.declared_position, f.current_position, f.head, f.has_more
FROM everlog.follow_entities(
    %(tenant_id)s::integer, %(events_max)s::bigint, %(removed_rows_max)s::bigint
) AS f;

-- name: behind
-- The tenants whose indexes have something to do. Of all tenants, as nobody knows which.
SELECT b.tenant_id FROM everlog.tenants_to_index(%(limit)s::bigint) AS b (tenant_id);

-- name: link
-- Whether two ids are linked: a row for having been seen together, one for having been said. OFFSET 0: by the
-- whole key. Else all links of the two kinds might be read, and compared with the two ids.
SELECT l.said
FROM ({index}) AS x
CROSS JOIN LATERAL (
    SELECT k.said FROM everlog.entity_links AS k
    WHERE k.tenant_id = %(tenant_id)s::integer AND k.generation = x.generation
        AND k.kind = %(kind)s::text
        AND k.id = everlog.entity_id_of_kind(
            %(tenant_id)s::integer, x.generation, %(kind)s::text, %(id)s::text
        )
        AND k.other_kind = %(other_kind)s::text
        AND k.other_id = everlog.entity_id_of_kind(
            %(tenant_id)s::integer, x.generation, %(other_kind)s::text, %(other_id)s::text
        )
    OFFSET 0
) AS l;

-- name: same_entity
-- All ids of an entity; the one that was asked for, as it is stored, is the first.
SELECT s.kind, s.id
FROM ({index}) AS x
CROSS JOIN LATERAL everlog.same_entity(
    %(tenant_id)s::integer,
    x.generation,
    %(kind)s::text,
    everlog.entity_id_of_kind(%(tenant_id)s::integer, x.generation, %(kind)s::text, %(id)s::text),
    %(ids_max)s::bigint
) AS s;

-- name: entities
-- A page of ids, by kind and id; and up to where the log is indexed, also when there are none.
-- U+10FFFF is the last character: 64 of them are longer than any id.
SELECT
    x.position, p.kind, p.id, p.events, p.last_position,
    (extract(epoch FROM p.last_record_time) * 1000000)::bigint,
    same.kinds, same.ids
FROM ({index}) AS x
LEFT JOIN LATERAL (
    SELECT k.kind, k.id, k.events, k.last_position, k.last_record_time
    FROM everlog.entities AS k
    WHERE k.tenant_id = %(tenant_id)s::integer AND k.generation = x.generation
        AND (%(kind)s::text IS NULL OR k.kind = %(kind)s::text)
        AND (
            %(id_prefix)s::text IS NULL
            OR k.id BETWEEN {id_prefix} AND {id_prefix} || repeat(chr(1114111), 64)
        )
        AND (%(after_kind)s::text IS NULL OR (k.kind, k.id) > (%(after_kind)s::text, %(after_id)s::text))
    ORDER BY k.kind, k.id
    LIMIT %(limit)s::bigint
) AS p ON true
LEFT JOIN LATERAL (
    SELECT array_agg(s.kind) AS kinds, array_agg(s.id) AS ids
    FROM everlog.same_entity(
        %(tenant_id)s::integer, x.generation, p.kind, p.id, %(ids_max)s::bigint
    ) AS s
    WHERE (s.kind, s.id) <> (p.kind, p.id)
) AS same ON true
ORDER BY p.kind, p.id;

-- fragment: id_prefix
everlog.entity_id_of_kind(%(tenant_id)s::integer, x.generation, %(kind)s::text, %(id_prefix)s::text)

-- name: events_newest_first
-- A page of the events of an entity: the first of each of its ids by the index, then the first of those, once
-- each. And up to where the log is indexed, whether the id is known, and all ids.
WITH index AS MATERIALIZED ({index}),
same AS MATERIALIZED ({same}),
matching AS MATERIALIZED (
    SELECT e.position AS place, e.position, e.record
    FROM (
        SELECT DISTINCT m.position
        FROM index AS x
        CROSS JOIN same AS s
        CROSS JOIN LATERAL (
            SELECT m.position FROM everlog.entity_mentions AS m
            WHERE {mentions}
            ORDER BY m.position DESC
            LIMIT %(limit)s::bigint + 1
        ) AS m
        WHERE {read_ids}
        ORDER BY m.position DESC
        LIMIT %(limit)s::bigint + 1
    ) AS p
    CROSS JOIN LATERAL ({record}) AS e
)
SELECT {index_and_ids}, page.*
FROM index AS x
CROSS JOIN (
    SELECT
        string_agg(w.record, ''::bytea) FILTER (WHERE w.fits),
        count(*) FILTER (WHERE w.fits),
        count(*),
        min(w.position) FILTER (WHERE w.fits)
    FROM (
        SELECT {cut}
        FROM matching AS m
        WINDOW before AS (ORDER BY m.place DESC ROWS UNBOUNDED PRECEDING)
    ) AS w
) AS page;

-- name: events_oldest_first
-- The same, oldest first.
WITH index AS MATERIALIZED ({index}),
same AS MATERIALIZED ({same}),
matching AS MATERIALIZED (
    SELECT e.position AS place, e.position, e.record
    FROM (
        SELECT DISTINCT m.position
        FROM index AS x
        CROSS JOIN same AS s
        CROSS JOIN LATERAL (
            SELECT m.position FROM everlog.entity_mentions AS m
            WHERE {mentions}
            ORDER BY m.position
            LIMIT %(limit)s::bigint + 1
        ) AS m
        WHERE {read_ids}
        ORDER BY m.position
        LIMIT %(limit)s::bigint + 1
    ) AS p
    CROSS JOIN LATERAL ({record}) AS e
)
SELECT {index_and_ids}, page.*
FROM index AS x
CROSS JOIN (
    SELECT
        string_agg(w.record, ''::bytea) FILTER (WHERE w.fits),
        count(*) FILTER (WHERE w.fits),
        count(*),
        max(w.position) FILTER (WHERE w.fits)
    FROM (
        SELECT {cut}
        FROM matching AS m
        WINDOW before AS (ORDER BY m.place ROWS UNBOUNDED PRECEDING)
    ) AS w
) AS page;

-- fragment: same
SELECT s.kind, s.id, s.ordinality
FROM index AS x
CROSS JOIN LATERAL everlog.same_entity(
    %(tenant_id)s::integer,
    x.generation,
    %(kind)s::text,
    everlog.entity_id_of_kind(%(tenant_id)s::integer, x.generation, %(kind)s::text, %(id)s::text),
    %(ids_max)s::bigint
) WITH ORDINALITY AS s (kind, id, ordinality)

-- fragment: read_ids
NOT %(this_id_only)s::boolean OR s.ordinality = 1

-- fragment: mentions
m.tenant_id = %(tenant_id)s::integer AND m.generation = x.generation
AND m.kind = s.kind AND m.id = s.id
AND m.position > %(after)s::bigint
AND m.position <= coalesce(%(through)s::bigint, x.position)

-- fragment: record
-- By its key, one by one: LIMIT keeps PostgreSQL from joining with the whole log.
SELECT r.position, r.record FROM everlog.events AS r
WHERE r.tenant_id = %(tenant_id)s::integer AND r.position = p.position
LIMIT 1

-- fragment: cut
-- As in reads.sql; and the one row more than was asked for says that there is a next page.
m.position, m.record,
row_number() OVER before <= %(limit)s::bigint
AND (
    row_number() OVER before = 1
    OR sum(octet_length(m.record)) OVER before <= %(bytes_max)s::bigint
) AS fits

-- fragment: index_and_ids
-- Scalar subqueries: as a join, PostgreSQL may read all ids and compare them with the one.
x.position,
EXISTS (
    SELECT FROM everlog.entities AS k
    WHERE k.tenant_id = %(tenant_id)s::integer AND k.generation = x.generation
        AND k.kind = (SELECT s.kind FROM same AS s WHERE s.ordinality = 1)
        AND k.id = (SELECT s.id FROM same AS s WHERE s.ordinality = 1)
),
(SELECT array_agg(s.kind ORDER BY s.ordinality) FROM same AS s),
(SELECT array_agg(s.id ORDER BY s.ordinality) FROM same AS s)
