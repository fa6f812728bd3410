-- The catalogue of a tenant. See migrations/0002_catalog.sql.

-- name: state
-- Where the catalogue is; no row: nothing was ever said in it.
SELECT c.revision, c.is_strict FROM everlog.catalogs AS c WHERE c.tenant_id = %(tenant_id)s::integer;

-- name: event_types_since
-- The newest versions of the event types that have changed after a revision.
SELECT t.name, t.version, t.created_time, t.definition, t.deprecated_time, t.deprecation_note
FROM everlog.event_types AS t
WHERE t.tenant_id = %(tenant_id)s::integer AND t.revision > %(revision)s::bigint
ORDER BY t.name
LIMIT %(limit)s::integer;

-- name: event_type_version
-- One version of an event type.
SELECT v.version, v.created_time, v.definition
FROM everlog.event_type_versions AS v
WHERE v.tenant_id = %(tenant_id)s::integer AND v.name = %(name)s::text
    AND v.version = %(version)s::integer;

-- name: aggregate_type
-- The newest version of an aggregate type.
SELECT v.version, v.created_time, v.definition
FROM everlog.aggregate_type_versions AS v
WHERE v.tenant_id = %(tenant_id)s::integer AND v.name = %(name)s::text
ORDER BY v.version DESC
LIMIT 1;

-- name: aggregate_types_named
-- The newest versions of these aggregate types, as far as they exist.
SELECT newest.name, newest.version, newest.created_time, newest.definition
FROM unnest(%(names)s::text[]) AS asked (name)
CROSS JOIN LATERAL (
    SELECT * FROM everlog.aggregate_type_versions AS v
    WHERE v.tenant_id = %(tenant_id)s::integer AND v.name = asked.name
    ORDER BY v.version DESC
    LIMIT 1
) AS newest;

-- name: aggregate_types_after
-- The newest versions of the aggregate types whose names follow one, by name. From name to name by the
-- index: how many versions there are costs nothing.
WITH RECURSIVE names (name) AS (
    (
        SELECT v.name FROM everlog.aggregate_type_versions AS v
        WHERE v.tenant_id = %(tenant_id)s::integer AND v.name > %(after)s::text
        ORDER BY v.name
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT v.name FROM everlog.aggregate_type_versions AS v
        WHERE v.tenant_id = %(tenant_id)s::integer AND v.name > n.name
        ORDER BY v.name
        LIMIT 1
    )
    FROM names AS n
    WHERE n.name IS NOT NULL
),
some_names AS (SELECT n.name FROM names AS n WHERE n.name IS NOT NULL LIMIT %(limit)s::integer),
sized AS (
    SELECT
        newest.*,
        sum(octet_length(newest.definition)) OVER (ORDER BY newest.name)
            - octet_length(newest.definition) AS bytes_before
    FROM some_names AS n
    CROSS JOIN LATERAL (
        SELECT * FROM everlog.aggregate_type_versions AS v
        WHERE v.tenant_id = %(tenant_id)s::integer AND v.name = n.name
        ORDER BY v.version DESC
        LIMIT 1
    ) AS newest
)
SELECT s.name, s.version, s.created_time, s.definition FROM sized AS s
WHERE s.bytes_before <= %(bytes_max)s::bigint
ORDER BY s.name;

-- name: aggregate_type_count
-- How many aggregate types there are, counted no further than a bound.
WITH RECURSIVE names (name, number) AS (
    (
        SELECT v.name, 1 FROM everlog.aggregate_type_versions AS v
        WHERE v.tenant_id = %(tenant_id)s::integer
        ORDER BY v.name
        LIMIT 1
    )
    UNION ALL
    SELECT
        (
            SELECT v.name FROM everlog.aggregate_type_versions AS v
            WHERE v.tenant_id = %(tenant_id)s::integer AND v.name > n.name
            ORDER BY v.name
            LIMIT 1
        ),
        n.number + 1
    FROM names AS n
    WHERE n.name IS NOT NULL AND n.number <= %(limit)s::integer
)
SELECT count(n.name) FROM names AS n;

-- name: change
-- Changes a catalogue that is at a revision; null when it is at another one.
SELECT everlog.change_catalog(
    %(tenant_id)s::integer, %(revision)s::bigint, %(is_strict)s::boolean,
    %(names)s::text[], %(versions)s::integer[], %(definitions)s::bytea[],
    %(deprecated_times)s::timestamptz[], %(deprecation_notes)s::text[],
    %(aggregate_names)s::text[], %(aggregate_versions)s::integer[],
    %(aggregate_definitions)s::bytea[], %(time)s::timestamptz
);
