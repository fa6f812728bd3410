-- The knowledge graph: which ids of customers, accounts or logins the events of a log carry.
--
-- All of it but the declarations can be had again from the log. It is an index that follows the log in
-- windows of positions: what a window adds, and up to where the log is indexed then, are committed
-- together, so each event counts exactly once, whichever process does it and whenever it dies.
--
-- A change of the declarations begins a new generation of the index, from position 1, beside the one that
-- is read; that one follows on meanwhile. When the new one has come as far, it is read instead, and the
-- old one is removed piece by piece.

-- The lock of a tenant's index: whoever indexes, declares or removes holds its row to the end of the
-- transaction. A tenant that has never declared or linked anything has no row, and costs nothing.
CREATE TABLE everlog.entity_indexes (
    tenant_id integer PRIMARY KEY,
    -- The generation that is declared last.
    declared integer NOT NULL,
    -- The one that is read; another one until the one that is declared last has caught up.
    current integer NOT NULL
) WITH (fillfactor = 50);

-- How far each generation has come. One that is neither declared nor current is to be removed.
-- Updated with each window: see everlog.tenants for its storage settings.
CREATE TABLE everlog.entity_generations (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, generation)
) WITH (
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000
);

-- What each generation is made by.
CREATE TABLE everlog.entity_declarations (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- As they were declared; empty: all.
    event_types text[] COLLATE "C" NOT NULL,
    -- Of those that end with `.*`, what stands before the star.
    event_type_prefixes text[] COLLATE "C" NOT NULL,
    pointer text COLLATE "C" NOT NULL,
    -- The pointer, read: what `#>` takes as the pointer means it, and then the rest, if there is any: as a
    -- path of jsonb, or, where that can't say it, step by step (values_at()).
    path text[] NOT NULL,
    jsonpath jsonpath,
    steps text[] NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    -- Of all declarations of one kind, or of none.
    ignore_case boolean NOT NULL,
    PRIMARY KEY (tenant_id, generation, name)
);

-- Each id that is known, and where it is met.
CREATE TABLE everlog.entities (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    -- How many events carry it; 0, and then no last one, for one that was only linked.
    events bigint NOT NULL,
    last_position bigint NOT NULL,
    last_record_time timestamptz,
    PRIMARY KEY (tenant_id, generation, kind, id)
) WITH (fillfactor = 80);

-- Which events carry it.
CREATE TABLE everlog.entity_mentions (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, generation, kind, id, position)
);

-- Which ids name the same entity: each link in both directions, and apart whether it was seen (one event
-- carries both under one subject: that can't be taken back) or said (the last event about the two is
-- `entity.linked`).
CREATE TABLE everlog.entity_links (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    other_kind text COLLATE "C" NOT NULL,
    other_id text COLLATE "C" NOT NULL,
    said boolean NOT NULL,
    PRIMARY KEY (tenant_id, generation, kind, id, other_kind, other_id, said)
);

-- An id as it is stored and looked for. An empty one is none.
CREATE FUNCTION everlog.entity_id(_id text, _ignore_case boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN _ignore_case THEN lower(btrim(_id, E' \t\n\v\f\r') COLLATE everlog.words)
        ELSE _id
    END
$$;

-- The same, by what a generation has declared of the kind.
CREATE FUNCTION everlog.entity_id_of_kind(_tenant integer, _generation integer, _kind text, _id text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT everlog.entity_id(
        _id,
        EXISTS (
            SELECT FROM everlog.entity_declarations AS d
            WHERE d.tenant_id = _tenant AND d.generation = _generation AND d.kind = _kind
                AND d.ignore_case
        )
    )
$$;

-- The values at the steps of a pointer, in the order of the document: `*` is every element of an array,
-- digits are the index of one, or a key; all else is a key.
--
-- Slow, ten times as slow as a path of jsonb, which has no way to say `index or key`.
CREATE FUNCTION everlog.values_at(_value jsonb, _steps text[]) RETURNS SETOF jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _values jsonb[] := ARRAY[_value];
    _step text;
BEGIN
    FOREACH _step IN ARRAY _steps LOOP
        IF _step = '*' THEN
            _values := ARRAY(
                SELECT element.value
                FROM unnest(_values) WITH ORDINALITY AS v (value, n)
                CROSS JOIN LATERAL jsonb_array_elements(
                    CASE jsonb_typeof(v.value) WHEN 'array' THEN v.value END
                ) WITH ORDINALITY AS element (value, m)
                ORDER BY v.n, element.m
            );
        ELSIF _step ~ '^(0|[1-9][0-9]{0,8})$' THEN
            _values := ARRAY(
                SELECT v.value #> ARRAY[_step]
                FROM unnest(_values) WITH ORDINALITY AS v (value, n)
                WHERE v.value #> ARRAY[_step] IS NOT NULL
                ORDER BY v.n
            );
        ELSE
            _values := ARRAY(
                SELECT v.value -> _step
                FROM unnest(_values) WITH ORDINALITY AS v (value, n)
                WHERE v.value -> _step IS NOT NULL
                ORDER BY v.n
            );
        END IF;
        EXIT WHEN cardinality(_values) = 0;
    END LOOP;
    RETURN QUERY SELECT unnest(_values);
END
$$;

-- The text of a value that may be an id: a text, or a whole number. Null: it is something else.
CREATE FUNCTION everlog.entity_text(_value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE jsonb_typeof(_value)
        WHEN 'string' THEN _value #>> '{}'
        WHEN 'number' THEN
            CASE WHEN _value::numeric = trunc(_value::numeric) THEN trunc(_value::numeric)::text END
    END
$$;

-- All ids of the entities of which ids are given, those among them; at most _max, and then those that are
-- fewest links away, by their bytes: the same ones each time.
--
-- Level by level, so that it neither goes in circles nor depends on a plan. Of one id's links as many are
-- looked at as could all be known already, and then fill the rest.
CREATE FUNCTION everlog.same_entity(_tenant integer, _generation integer, _kind text, _id text, _max bigint)
RETURNS TABLE (kind text, id text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    _kinds text[] := ARRAY[_kind];
    _ids text[] := ARRAY[_id];
    _from integer := 1;
    _through integer := 1;
BEGIN
    -- Invariant: all that is found is in _kinds and _ids; the level before is what stands from _from on.
    WHILE _from <= _through AND _through < _max LOOP
        SELECT _kinds || coalesce(array_agg(n.kind), '{}'), _ids || coalesce(array_agg(n.id), '{}')
        INTO _kinds, _ids
        FROM (
            SELECT DISTINCT l.other_kind AS kind, l.other_id AS id
            FROM unnest(_kinds[_from:], _ids[_from:]) AS f (kind, id)
            CROSS JOIN LATERAL (
                SELECT k.other_kind, k.other_id FROM everlog.entity_links AS k
                WHERE k.tenant_id = _tenant AND k.generation = _generation
                    AND k.kind = f.kind AND k.id = f.id
                ORDER BY k.other_kind, k.other_id
                LIMIT _max * 2
            ) AS l
            WHERE NOT EXISTS (
                SELECT FROM unnest(_kinds, _ids) AS known (kind, id)
                WHERE known.kind = l.other_kind AND known.id = l.other_id
            )
            ORDER BY 1, 2
            LIMIT _max - _through
        ) AS n;
        _from := _through + 1;
        _through := cardinality(_ids);
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(_kinds, _ids);
END
$$;

-- Indexes the next events of one generation, at most so many. The caller holds the tenant's lock.
CREATE FUNCTION everlog.index_entities(_tenant integer, _generation integer, _events_max bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _after bigint;
    _through bigint;
    _event record;
    _linked_before boolean;
BEGIN
    SELECT g.position INTO STRICT _after FROM everlog.entity_generations AS g
    WHERE g.tenant_id = _tenant AND g.generation = _generation;
    SELECT least(t.head, _after + _events_max) INTO STRICT _through FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant;
    IF _through <= _after THEN
        RETURN;
    END IF;

    -- Most values are one text at a plain pointer: those take the short way.
    WITH found AS MATERIALIZED (
        SELECT e.position, e.record_time, d.kind, d.subject, d.ignore_case, d.is_plain, d.jsonpath, d.steps,
            e.data #> d.path AS value
        FROM everlog.events AS e
        JOIN (
            SELECT p.*, p.jsonpath IS NULL AND cardinality(p.steps) = 0 AS is_plain
            FROM everlog.entity_declarations AS p
            WHERE p.tenant_id = _tenant AND p.generation = _generation
        ) AS d
            ON cardinality(d.event_types) = 0
            OR e.event_type = ANY (d.event_types)
            OR e.event_type ^@ ANY (d.event_type_prefixes)
        WHERE e.tenant_id = _tenant AND e.position > _after AND e.position <= _through
            AND e.data IS NOT NULL
    ),
    texts AS (
        SELECT f.position, f.record_time, f.kind, f.subject, f.ignore_case, everlog.entity_text(f.value) AS text
        FROM found AS f
        WHERE f.is_plain AND jsonb_typeof(f.value) IN ('string', 'number')
        UNION ALL
        SELECT f.position, f.record_time, f.kind, f.subject, f.ignore_case, many.text
        FROM found AS f
        CROSS JOIN LATERAL (
            SELECT everlog.entity_text(one.value) AS text
            FROM (
                SELECT f.value WHERE f.is_plain
                UNION ALL
                SELECT jsonb_path_query(f.value, f.jsonpath, '{}', true) WHERE f.jsonpath IS NOT NULL
                UNION ALL
                SELECT everlog.values_at(f.value, f.steps) WHERE cardinality(f.steps) > 0
            ) AS there (value)
            CROSS JOIN LATERAL (
                SELECT there.value WHERE jsonb_typeof(there.value) <> 'array'
                UNION ALL
                SELECT jsonb_array_elements(there.value) WHERE jsonb_typeof(there.value) = 'array'
            ) AS one (value)
            WHERE jsonb_typeof(one.value) IN ('string', 'number')
            LIMIT 100
        ) AS many
        WHERE NOT f.is_plain OR jsonb_typeof(f.value) = 'array'
    ),
    carried AS MATERIALIZED (
        SELECT DISTINCT t.position, t.record_time, t.kind, t.id COLLATE "C" AS id, t.subject
        FROM (
            SELECT x.*,
                CASE WHEN x.ignore_case THEN everlog.entity_id(x.text, true) ELSE x.text END AS id
            FROM texts AS x
            OFFSET 0
        ) AS t
        WHERE octet_length(t.id) BETWEEN 1 AND 255
    ),
    mentioned AS MATERIALIZED (
        SELECT DISTINCT c.kind, c.id, c.position, c.record_time FROM carried AS c
    ),
    written_mentions AS (
        INSERT INTO everlog.entity_mentions (tenant_id, generation, kind, id, position)
        SELECT _tenant, _generation, m.kind, m.id, m.position FROM mentioned AS m
        ORDER BY m.kind, m.id, m.position
    ),
    written_entities AS (
        INSERT INTO everlog.entities AS known (
            tenant_id, generation, kind, id, events, last_position, last_record_time
        )
        SELECT _tenant, _generation, m.kind, m.id, count(*), max(m.position), max(m.record_time)
        FROM mentioned AS m
        GROUP BY m.kind, m.id
        ORDER BY m.kind, m.id
        ON CONFLICT (tenant_id, generation, kind, id) DO UPDATE SET
            events = known.events + excluded.events,
            last_position = excluded.last_position,
            last_record_time = excluded.last_record_time
    ),
    -- All ids of one event and subject are linked with the first of them: as many links as ids.
    seen AS (
        SELECT
            c.kind, c.id,
            first_value(c.kind) OVER first AS first_kind, first_value(c.id) OVER first AS first_id
        FROM carried AS c
        WHERE c.subject <> ''
        WINDOW first AS (PARTITION BY c.position, c.subject ORDER BY c.kind, c.id)
    )
    INSERT INTO everlog.entity_links (tenant_id, generation, kind, id, other_kind, other_id, said)
    SELECT _tenant, _generation, s.kind, s.id, s.first_kind, s.first_id, false FROM seen AS s
    WHERE (s.kind, s.id) <> (s.first_kind, s.first_id)
    UNION
    SELECT _tenant, _generation, s.first_kind, s.first_id, s.kind, s.id, false FROM seen AS s
    WHERE (s.kind, s.id) <> (s.first_kind, s.first_id)
    ON CONFLICT DO NOTHING;

    -- What was said, one after the other: it is little, and its order matters. By rows, as in reads.sql:
    -- else PostgreSQL could prefer the index of positions.
    FOR _event IN
        SELECT l.kind, everlog.entity_id_of_kind(_tenant, _generation, l.kind, l.id) AS id,
            l.other_kind, everlog.entity_id_of_kind(_tenant, _generation, l.other_kind, l.other_id) AS other_id,
            l.said
        FROM (
            SELECT
                e.position,
                e.data #>> '{entity,kind}' AS kind, e.data #>> '{entity,id}' AS id,
                e.data #>> '{same_as,kind}' AS other_kind, e.data #>> '{same_as,id}' AS other_id,
                t.said
            FROM (VALUES ('entity.linked', true), ('entity.unlinked', false)) AS t (event_type, said)
            CROSS JOIN LATERAL (
                SELECT e.position, e.data FROM everlog.events AS e
                WHERE e.tenant_id = _tenant
                    AND (e.event_type, e.position) > (t.event_type, _after)
                    AND (e.event_type, e.position) <= (t.event_type, _through)
                    AND e.aggregate_type = 'entity'
            ) AS e
        ) AS l
        ORDER BY l.position
    LOOP
        -- Anybody may write such an event: what is no link is none.
        CONTINUE WHEN NOT coalesce(
            octet_length(_event.kind) BETWEEN 1 AND 255 AND octet_length(_event.id) BETWEEN 1 AND 255
            AND octet_length(_event.other_kind) BETWEEN 1 AND 255
            AND octet_length(_event.other_id) BETWEEN 1 AND 255
            AND (_event.kind, _event.id) <> (_event.other_kind, _event.other_id),
            false
        );
        IF _event.said THEN
            INSERT INTO everlog.entity_links (
                tenant_id, generation, kind, id, other_kind, other_id, said
            )
            VALUES
                (_tenant, _generation, _event.kind, _event.id, _event.other_kind, _event.other_id, true),
                (_tenant, _generation, _event.other_kind, _event.other_id, _event.kind, _event.id, true)
            ON CONFLICT DO NOTHING;
            INSERT INTO everlog.entities (tenant_id, generation, kind, id, events, last_position)
            VALUES
                (_tenant, _generation, _event.kind, _event.id, 0, 0),
                (_tenant, _generation, _event.other_kind, _event.other_id, 0, 0)
            ON CONFLICT DO NOTHING;
        ELSE
            DELETE FROM everlog.entity_links AS l
            USING (VALUES
                (_event.kind, _event.id, _event.other_kind, _event.other_id),
                (_event.other_kind, _event.other_id, _event.kind, _event.id)
            ) AS u (kind, id, other_kind, other_id)
            WHERE l.tenant_id = _tenant AND l.generation = _generation
                AND l.kind = u.kind AND l.id = u.id
                AND l.other_kind = u.other_kind AND l.other_id = u.other_id
                AND l.said;
            DELETE FROM everlog.entities AS k
            USING (VALUES (_event.kind, _event.id), (_event.other_kind, _event.other_id)) AS u (kind, id)
            WHERE k.tenant_id = _tenant AND k.generation = _generation
                AND k.kind = u.kind AND k.id = u.id AND k.events = 0
                AND NOT EXISTS (
                    SELECT FROM everlog.entity_links AS l
                    WHERE l.tenant_id = _tenant AND l.generation = _generation
                        AND l.kind = u.kind AND l.id = u.id
                );
        END IF;
    END LOOP;

    UPDATE everlog.entity_generations AS g SET position = _through
    WHERE g.tenant_id = _tenant AND g.generation = _generation;
END
$$;

-- Removes rows of a generation that nobody reads any more, at most so many of each table, and in the end
-- the generation itself. The caller holds the tenant's lock.
CREATE FUNCTION everlog.remove_entities(_tenant integer, _generation integer, _rows_max bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _removed bigint;
    _left boolean := false;
BEGIN
    DELETE FROM everlog.entity_mentions AS m
    WHERE m.tenant_id = _tenant AND m.generation = _generation AND m.ctid = ANY (ARRAY(
        SELECT d.ctid FROM everlog.entity_mentions AS d
        WHERE d.tenant_id = _tenant AND d.generation = _generation
        LIMIT _rows_max
    ));
    GET DIAGNOSTICS _removed = ROW_COUNT;
    _left := _left OR _removed = _rows_max;
    DELETE FROM everlog.entities AS k
    WHERE k.tenant_id = _tenant AND k.generation = _generation AND k.ctid = ANY (ARRAY(
        SELECT d.ctid FROM everlog.entities AS d
        WHERE d.tenant_id = _tenant AND d.generation = _generation
        LIMIT _rows_max
    ));
    GET DIAGNOSTICS _removed = ROW_COUNT;
    _left := _left OR _removed = _rows_max;
    DELETE FROM everlog.entity_links AS l
    WHERE l.tenant_id = _tenant AND l.generation = _generation AND l.ctid = ANY (ARRAY(
        SELECT d.ctid FROM everlog.entity_links AS d
        WHERE d.tenant_id = _tenant AND d.generation = _generation
        LIMIT _rows_max
    ));
    GET DIAGNOSTICS _removed = ROW_COUNT;
    _left := _left OR _removed = _rows_max;
    IF NOT _left THEN
        DELETE FROM everlog.entity_declarations AS d
        WHERE d.tenant_id = _tenant AND d.generation = _generation;
        DELETE FROM everlog.entity_generations AS g
        WHERE g.tenant_id = _tenant AND g.generation = _generation;
    END IF;
END
$$;

-- Takes a tenant's index one step further: indexes the next window of the generation that is declared, and
-- of the one that is read if that is another; lets readers change to the new one when it has come as far;
-- removes a piece of one that nobody reads.
--
-- Tells where it is then. No row: the tenant has none. Who finds nothing to do takes no lock.
CREATE FUNCTION everlog.follow_entities(_tenant integer, _events_max bigint, _removed_rows_max bigint)
RETURNS TABLE (
    declared integer, current integer, declared_position bigint, current_position bigint, head bigint,
    has_more boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
AS $$
DECLARE
    _declared integer;
    _current integer;
    _retired integer;
BEGIN
    IF NOT EXISTS (
        SELECT FROM everlog.entity_indexes AS i
        JOIN everlog.tenants AS t ON t.tenant_id = i.tenant_id
        JOIN everlog.entity_generations AS g ON g.tenant_id = i.tenant_id
        WHERE i.tenant_id = _tenant AND t.tenant_id = _tenant AND g.tenant_id = _tenant
            AND (g.position < t.head OR g.generation <> i.current OR i.current <> i.declared)
    ) THEN
        RETURN QUERY SELECT s.*, false FROM everlog.entity_index_state(_tenant) AS s;
        RETURN;
    END IF;

    -- The lock: against whoever else indexes, declares or removes. The statements after it see all
    -- that its last holder committed.
    SELECT i.declared, i.current INTO _declared, _current FROM everlog.entity_indexes AS i
    WHERE i.tenant_id = _tenant
    FOR NO KEY UPDATE;
    PERFORM everlog.index_entities(_tenant, _declared, _events_max);
    IF _current <> _declared THEN
        PERFORM everlog.index_entities(_tenant, _current, _events_max);
        -- Never back: what readers have seen of the log they go on seeing.
        UPDATE everlog.entity_indexes AS i SET current = i.declared
        WHERE i.tenant_id = _tenant AND (
            SELECT g.position FROM everlog.entity_generations AS g
            WHERE g.tenant_id = _tenant AND g.generation = _declared
        ) >= (
            SELECT g.position FROM everlog.entity_generations AS g
            WHERE g.tenant_id = _tenant AND g.generation = _current
        );
    END IF;
    SELECT g.generation INTO _retired FROM everlog.entity_generations AS g
    WHERE g.tenant_id = _tenant AND g.generation NOT IN (
        SELECT unnest(ARRAY[i.declared, i.current]) FROM everlog.entity_indexes AS i
        WHERE i.tenant_id = _tenant
    )
    LIMIT 1;
    IF FOUND THEN
        PERFORM everlog.remove_entities(_tenant, _retired, _removed_rows_max);
    END IF;
    RETURN QUERY
        SELECT s.*, s.declared_position < s.head OR s.current_position < s.head OR s.declared <> s.current
            OR EXISTS (
                SELECT FROM everlog.entity_generations AS g
                WHERE g.tenant_id = _tenant AND g.generation NOT IN (s.declared, s.current)
            )
        FROM everlog.entity_index_state(_tenant) AS s;
END
$$;

-- Where a tenant's index is; no row: it has none.
CREATE FUNCTION everlog.entity_index_state(_tenant integer)
RETURNS TABLE (
    declared integer, current integer, declared_position bigint, current_position bigint, head bigint
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.declared, i.current, d.position, c.position, t.head
    FROM everlog.entity_indexes AS i
    JOIN everlog.tenants AS t ON t.tenant_id = _tenant
    JOIN everlog.entity_generations AS d ON d.tenant_id = _tenant AND d.generation = i.declared
    JOIN everlog.entity_generations AS c ON c.tenant_id = _tenant AND c.generation = i.current
    WHERE i.tenant_id = _tenant
$$;

-- Declares all that is to be declared from now on, unless somebody else has since _declared (0: nothing
-- was). Tells the generation that is declared then; null: somebody has.
--
-- What readers see changes when the new generation has caught up. A tenant's first one has none to be read
-- in its stead, and is read at once.
CREATE FUNCTION everlog.declare_entities(_tenant integer, _declared integer, _declarations jsonb)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _generation integer := _declared + 1;
BEGIN
    -- The connections that index don't wait for the disk: what they lose they do again. This is no such thing.
    PERFORM set_config('synchronous_commit', 'on', true);
    IF _declared = 0 THEN
        INSERT INTO everlog.entity_indexes (tenant_id, declared, current)
        VALUES (_tenant, _generation, _generation)
        ON CONFLICT (tenant_id) DO NOTHING;
    ELSE
        UPDATE everlog.entity_indexes AS i SET declared = _generation
        WHERE i.tenant_id = _tenant AND i.declared = _declared;
    END IF;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO everlog.entity_generations (tenant_id, generation) VALUES (_tenant, _generation);
    INSERT INTO everlog.entity_declarations (
        tenant_id, generation, name, event_types, event_type_prefixes, pointer, path, jsonpath, steps, kind,
        subject, ignore_case
    )
    SELECT
        _tenant, _generation, d.name, d.event_types, d.event_type_prefixes, d.pointer, d.path,
        d.jsonpath::jsonpath, d.steps, d.kind, d.subject, d.ignore_case
    FROM jsonb_to_recordset(_declarations) AS d (
        name text, event_types text[], event_type_prefixes text[], pointer text, path text[], jsonpath text,
        steps text[], kind text, subject text, ignore_case boolean
    );
    RETURN _generation;
END
$$;

REVOKE ALL ON FUNCTION everlog.entity_id, everlog.entity_id_of_kind, everlog.values_at, everlog.entity_text,
    everlog.same_entity, everlog.index_entities, everlog.remove_entities, everlog.follow_entities,
    everlog.entity_index_state, everlog.declare_entities FROM PUBLIC;
GRANT SELECT ON everlog.entity_indexes, everlog.entity_generations, everlog.entity_declarations,
    everlog.entities, everlog.entity_mentions, everlog.entity_links TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.entity_id, everlog.entity_id_of_kind, everlog.same_entity,
    everlog.entity_index_state, everlog.follow_entities, everlog.declare_entities TO everlog_service;
