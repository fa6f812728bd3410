CREATE SCHEMA everlog;

CREATE COLLATION everlog.words (provider = builtin, locale = 'C.UTF-8');

CREATE FUNCTION everlog.append(_tenant integer, _epoch bigint, _head bigint, _head_event_id uuid, _checked_keys text[], _checked_event_ids uuid[], _assumed_types text[], _assumed_ids text[], _assumed_sequences bigint[], _record_time timestamp with time zone, _aggregate_types text[], _aggregate_ids text[], _sequences bigint[], _event_ids uuid[], _event_types text[], _occurred_times timestamp with time zone[], _documentables boolean[], _sources text[], _correlation_ids text[], _causation_ids uuid[], _actors text[], _user_ids text[], _idempotency_keys text[], _fingerprints bytea[], _data jsonb[], _metadata jsonb[], _intents jsonb[], _contexts jsonb[], _records bytea[], _link_event_ids uuid[], _link_related_event_ids uuid[], _link_kinds text[]) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _count bigint := coalesce(array_length(_event_ids, 1), 0);
BEGIN
    PERFORM FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant
        AND t.head = _head
        AND t.head_event_id IS NOT DISTINCT FROM _head_event_id
        AND t.epoch = _epoch
        AND t.last_record_time <= _record_time
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'stale';
    END IF;

    IF _checked_keys IS NOT NULL THEN
        PERFORM FROM unnest(_checked_keys) AS checked (key)
        CROSS JOIN LATERAL (
            SELECT FROM everlog.events AS e
            WHERE e.tenant_id = _tenant AND e.idempotency_key = checked.key
            LIMIT 1
        ) AS known;
        IF FOUND THEN
            RETURN 'known';
        END IF;
    END IF;

    IF _checked_event_ids IS NOT NULL THEN
        PERFORM FROM unnest(_checked_event_ids) AS checked (event_id)
        CROSS JOIN LATERAL (
            SELECT FROM everlog.events AS e
            WHERE e.tenant_id = _tenant AND e.event_id = checked.event_id
            LIMIT 1
        ) AS known;
        IF FOUND THEN
            RETURN 'known';
        END IF;
    END IF;

    IF _assumed_types IS NOT NULL THEN
        PERFORM FROM unnest(_assumed_types, _assumed_ids, _assumed_sequences)
            AS assumed (aggregate_type, aggregate_id, sequence)
        LEFT JOIN LATERAL (
            SELECT e.sequence FROM everlog.events AS e
            WHERE e.tenant_id = _tenant
                AND e.aggregate_type = assumed.aggregate_type
                AND e.aggregate_id = assumed.aggregate_id
            ORDER BY e.sequence DESC
            LIMIT 1
        ) AS actual ON true
        WHERE assumed.sequence <> coalesce(actual.sequence, 0);
        IF FOUND THEN
            RETURN 'moved';
        END IF;
    END IF;

    IF _count = 0 THEN
        RETURN 'appended';
    END IF;

    INSERT INTO everlog.events (
        tenant_id, position, sequence, record_time, occurred_time, event_id, causation_id,
        documentable, aggregate_type, aggregate_id, event_type, source, correlation_id, actor,
        user_id, idempotency_key, fingerprint, data, metadata, intent, context, record
    )
    SELECT
        _tenant, _head + n.ordinality, n.sequence, _record_time,
        coalesce(n.occurred_time, _record_time), n.event_id, n.causation_id,
        coalesce(n.documentable, false), n.aggregate_type, n.aggregate_id, n.event_type, n.source,
        n.correlation_id, n.actor, n.user_id, n.idempotency_key, n.fingerprint, n.data, n.metadata,
        n.intent, n.context, n.record
    FROM unnest(
        _sequences, _occurred_times, _event_ids, _causation_ids, _documentables, _aggregate_types,
        _aggregate_ids, _event_types, _sources, _correlation_ids, _actors, _user_ids,
        _idempotency_keys, _fingerprints, _data, _metadata, _intents, _contexts, _records
    ) WITH ORDINALITY AS n (
        sequence, occurred_time, event_id, causation_id, documentable, aggregate_type,
        aggregate_id, event_type, source, correlation_id, actor, user_id,
        idempotency_key, fingerprint, data, metadata, intent, context, record, ordinality
    );

    IF _link_event_ids IS NOT NULL THEN
        INSERT INTO everlog.event_links (tenant_id, event_id, related_event_id, kind)
        SELECT _tenant, l.event_id, l.related_event_id, l.kind
        FROM unnest(_link_event_ids, _link_related_event_ids, _link_kinds)
            AS l (event_id, related_event_id, kind);
    END IF;

    UPDATE everlog.tenants AS t
    SET head = _head + _count, head_event_id = _event_ids[_count], last_record_time = _record_time
    WHERE t.tenant_id = _tenant;
    RETURN 'appended';
END
$$;

CREATE FUNCTION everlog.change_catalog(_tenant integer, _revision bigint, _is_strict boolean, _names text[], _versions integer[], _definitions bytea[], _deprecated_times timestamp with time zone[], _deprecation_notes text[], _aggregate_names text[], _aggregate_versions integer[], _aggregate_definitions bytea[], _time timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF _revision = 0 THEN
        INSERT INTO everlog.catalogs (tenant_id, revision, is_strict)
        SELECT t.tenant_id, 1, coalesce(_is_strict, false)
        FROM everlog.tenants AS t WHERE t.tenant_id = _tenant
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE everlog.catalogs AS c
        SET revision = c.revision + 1, is_strict = coalesce(_is_strict, c.is_strict)
        WHERE c.tenant_id = _tenant AND c.revision = _revision;
    END IF;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    INSERT INTO everlog.event_type_versions (tenant_id, name, version, created_time, definition)
    SELECT _tenant, n.name, n.version, _time, n.definition
    FROM unnest(_names, _versions, _definitions) AS n (name, version, definition)
    ON CONFLICT DO NOTHING;

    INSERT INTO everlog.event_types AS t (
        tenant_id, name, revision, version, created_time, definition, deprecated_time,
        deprecation_note
    )
    SELECT
        _tenant, n.name, _revision + 1, n.version, _time, n.definition, n.deprecated_time,
        n.deprecation_note
    FROM unnest(_names, _versions, _definitions, _deprecated_times, _deprecation_notes)
        AS n (name, version, definition, deprecated_time, deprecation_note)
    ON CONFLICT (tenant_id, name) DO UPDATE SET
        revision = excluded.revision,
        version = excluded.version,
        created_time = CASE
            WHEN t.version = excluded.version THEN t.created_time ELSE excluded.created_time
        END,
        definition = excluded.definition,
        deprecated_time = excluded.deprecated_time,
        deprecation_note = excluded.deprecation_note;

    INSERT INTO everlog.aggregate_type_versions (
        tenant_id, name, version, created_time, definition
    )
    SELECT _tenant, n.name, n.version, _time, n.definition
    FROM unnest(_aggregate_names, _aggregate_versions, _aggregate_definitions)
        AS n (name, version, definition);
    RETURN _revision + 1;
END
$$;

CREATE FUNCTION everlog.lock_head(_tenant integer) RETURNS TABLE(head bigint, head_event_id uuid, epoch bigint, last_record_time timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT t.head, t.head_event_id, t.epoch, t.last_record_time
    FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant
    FOR NO KEY UPDATE
$$;

CREATE FUNCTION everlog.position_before(_tenant integer, _time timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
DECLARE
    _low bigint := 0;
    _high bigint;
    _probe bigint;
    _found timestamptz;
BEGIN
    -- Invariant: what stands at _low or below was recorded before _time, what stands above _high was not.
    SELECT t.head INTO _high FROM everlog.tenants AS t WHERE t.tenant_id = _tenant;
    WHILE _low < _high LOOP
        _probe := _low + (_high - _low + 1) / 2;
        SELECT e.record_time INTO _found FROM everlog.events AS e
        WHERE e.tenant_id = _tenant AND e.position = _probe;
        IF _found < _time THEN
            _low := _probe;
        ELSE
            _high := _probe - 1;
        END IF;
    END LOOP;
    RETURN _low;
END
$$;

CREATE FUNCTION everlog.raise_epoch(_tenant integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE everlog.tenants AS t SET epoch = t.epoch + 1 WHERE t.tenant_id = _tenant RETURNING t.epoch
$$;

CREATE FUNCTION everlog.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'everlog.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION everlog.search_text(_event_type text, _aggregate_id text, _data jsonb, _metadata jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE COST 5000 PARALLEL SAFE
    AS $_$
    SELECT lower(
        concat_ws(
            E'\n',
            _event_type,
            _aggregate_id,
            (
                SELECT string_agg(s.value #>> '{}', E'\n')
                FROM jsonb_path_query(_data, 'strict $.** ? (@.type() == "string")') AS s (value)
            ),
            (SELECT string_agg(m.value, E'\n') FROM jsonb_each_text(_metadata) AS m (key, value))
        ) COLLATE everlog.words
    )
$_$;

CREATE FUNCTION everlog.sequence_through(_tenant integer, _aggregate_type text, _aggregate_id text, _position bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
DECLARE
    _low bigint := 0;
    _high bigint;
    _probe bigint;
    _found bigint;
BEGIN
    IF _position <= 0 THEN
        RETURN 0;
    END IF;
    SELECT e.sequence, e.position INTO _high, _found FROM everlog.events AS e
    WHERE e.tenant_id = _tenant AND e.aggregate_type = _aggregate_type
        AND e.aggregate_id = _aggregate_id
    ORDER BY e.sequence DESC
    LIMIT 1;
    IF _high IS NULL OR _found <= _position THEN
        RETURN coalesce(_high, 0);
    END IF;
    -- Invariant: _low stands at _position or before, what is above _high does not.
    _high := _high - 1;
    WHILE _low < _high LOOP
        _probe := _low + (_high - _low + 1) / 2;
        SELECT e.position INTO _found FROM everlog.events AS e
        WHERE e.tenant_id = _tenant AND e.aggregate_type = _aggregate_type
            AND e.aggregate_id = _aggregate_id AND e.sequence = _probe;
        IF _found <= _position THEN
            _low := _probe;
        ELSE
            _high := _probe - 1;
        END IF;
    END LOOP;
    RETURN _low;
END
$$;

CREATE TABLE everlog.aggregate_type_versions (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    created_time timestamp with time zone NOT NULL,
    definition bytea NOT NULL,
    CONSTRAINT aggregate_type_versions_version_check CHECK ((version > 0))
);

CREATE TABLE everlog.catalogs (
    tenant_id integer NOT NULL,
    revision bigint NOT NULL,
    is_strict boolean NOT NULL,
    CONSTRAINT catalogs_revision_check CHECK ((revision > 0))
);

CREATE TABLE everlog.event_links (
    tenant_id integer NOT NULL,
    event_id uuid NOT NULL,
    related_event_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE everlog.events (
    tenant_id integer NOT NULL,
    "position" bigint NOT NULL,
    sequence bigint NOT NULL,
    record_time timestamp with time zone NOT NULL,
    occurred_time timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    causation_id uuid,
    documentable boolean NOT NULL,
    aggregate_type text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    event_type text NOT NULL COLLATE pg_catalog."C",
    source text COLLATE pg_catalog."C",
    correlation_id text COLLATE pg_catalog."C",
    actor text COLLATE pg_catalog."C",
    user_id text COLLATE pg_catalog."C",
    idempotency_key text COLLATE pg_catalog."C",
    fingerprint bytea,
    data jsonb,
    metadata jsonb,
    intent jsonb,
    context jsonb,
    record bytea NOT NULL,
    CONSTRAINT events_position_check CHECK (("position" > 0)),
    CONSTRAINT events_sequence_check CHECK ((sequence > 0))
);
ALTER TABLE ONLY everlog.events ALTER COLUMN record SET STORAGE EXTERNAL;

CREATE TABLE everlog.tenant_names (
    name text NOT NULL COLLATE pg_catalog."C",
    tenant_id integer NOT NULL,
    created_time timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW everlog.event_stream WITH (security_invoker='true') AS
 SELECT n.name AS tenant,
    e."position",
    e.event_type,
    e.aggregate_type,
    e.aggregate_id,
    e.sequence,
    e.record_time,
    e.occurred_time,
    e.source,
    e.actor,
    e.user_id,
    e.correlation_id,
    e.causation_id,
    e.event_id,
    e.idempotency_key,
    e.documentable,
    e.data,
    e.metadata,
    e.intent,
    e.context
   FROM (everlog.events e
     JOIN everlog.tenant_names n USING (tenant_id));

CREATE TABLE everlog.event_type_versions (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    created_time timestamp with time zone NOT NULL,
    definition bytea NOT NULL,
    CONSTRAINT event_type_versions_version_check CHECK ((version > 0))
);

CREATE TABLE everlog.event_types (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    version integer NOT NULL,
    created_time timestamp with time zone NOT NULL,
    definition bytea NOT NULL,
    deprecated_time timestamp with time zone,
    deprecation_note text NOT NULL,
    CONSTRAINT event_types_version_check CHECK ((version > 0))
);

CREATE TABLE everlog.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_time timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE everlog.tenants (
    tenant_id integer NOT NULL,
    head bigint DEFAULT 0 NOT NULL,
    head_event_id uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    last_record_time timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT tenants_check CHECK (((head = 0) = (head_event_id IS NULL))),
    CONSTRAINT tenants_head_check CHECK ((head >= 0))
)
WITH (fillfactor='10', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

ALTER TABLE ONLY everlog.aggregate_type_versions
    ADD CONSTRAINT aggregate_type_versions_pkey PRIMARY KEY (tenant_id, name, version);

ALTER TABLE ONLY everlog.catalogs
    ADD CONSTRAINT catalogs_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY everlog.event_links
    ADD CONSTRAINT event_links_pkey PRIMARY KEY (tenant_id, event_id, related_event_id, kind);

ALTER TABLE ONLY everlog.event_type_versions
    ADD CONSTRAINT event_type_versions_pkey PRIMARY KEY (tenant_id, name, version);

ALTER TABLE ONLY everlog.event_types
    ADD CONSTRAINT event_types_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY everlog.events
    ADD CONSTRAINT events_event_id_key UNIQUE (tenant_id, event_id);

ALTER TABLE ONLY everlog.events
    ADD CONSTRAINT events_position_key PRIMARY KEY (tenant_id, "position");

ALTER TABLE ONLY everlog.events
    ADD CONSTRAINT events_sequence_key UNIQUE (tenant_id, aggregate_type, aggregate_id, sequence);

ALTER TABLE ONLY everlog.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY everlog.tenant_names
    ADD CONSTRAINT tenant_names_pkey PRIMARY KEY (name);

ALTER TABLE ONLY everlog.tenant_names
    ADD CONSTRAINT tenant_names_tenant_id_key UNIQUE (tenant_id);

ALTER TABLE ONLY everlog.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);

CREATE INDEX event_links_related_event_id_idx ON everlog.event_links USING btree (tenant_id, related_event_id, event_id);

CREATE INDEX event_types_revision_idx ON everlog.event_types USING btree (tenant_id, revision);

CREATE INDEX events_causation_id_idx ON everlog.events USING btree (tenant_id, causation_id, "position") WHERE (causation_id IS NOT NULL);

CREATE INDEX events_correlation_id_idx ON everlog.events USING btree (tenant_id, correlation_id, "position") WHERE (correlation_id IS NOT NULL);

CREATE INDEX events_event_type_idx ON everlog.events USING btree (tenant_id, event_type, "position");

CREATE UNIQUE INDEX events_idempotency_key_key ON everlog.events USING btree (tenant_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX events_user_id_idx ON everlog.events USING btree (tenant_id, user_id, "position") WHERE (user_id IS NOT NULL);

CREATE TRIGGER event_links_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON everlog.event_links FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_change();

CREATE TRIGGER events_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON everlog.events FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_change();

GRANT USAGE ON SCHEMA everlog TO everlog_service;

REVOKE ALL ON FUNCTION everlog.append(_tenant integer, _epoch bigint, _head bigint, _head_event_id uuid, _checked_keys text[], _checked_event_ids uuid[], _assumed_types text[], _assumed_ids text[], _assumed_sequences bigint[], _record_time timestamp with time zone, _aggregate_types text[], _aggregate_ids text[], _sequences bigint[], _event_ids uuid[], _event_types text[], _occurred_times timestamp with time zone[], _documentables boolean[], _sources text[], _correlation_ids text[], _causation_ids uuid[], _actors text[], _user_ids text[], _idempotency_keys text[], _fingerprints bytea[], _data jsonb[], _metadata jsonb[], _intents jsonb[], _contexts jsonb[], _records bytea[], _link_event_ids uuid[], _link_related_event_ids uuid[], _link_kinds text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.append(_tenant integer, _epoch bigint, _head bigint, _head_event_id uuid, _checked_keys text[], _checked_event_ids uuid[], _assumed_types text[], _assumed_ids text[], _assumed_sequences bigint[], _record_time timestamp with time zone, _aggregate_types text[], _aggregate_ids text[], _sequences bigint[], _event_ids uuid[], _event_types text[], _occurred_times timestamp with time zone[], _documentables boolean[], _sources text[], _correlation_ids text[], _causation_ids uuid[], _actors text[], _user_ids text[], _idempotency_keys text[], _fingerprints bytea[], _data jsonb[], _metadata jsonb[], _intents jsonb[], _contexts jsonb[], _records bytea[], _link_event_ids uuid[], _link_related_event_ids uuid[], _link_kinds text[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.change_catalog(_tenant integer, _revision bigint, _is_strict boolean, _names text[], _versions integer[], _definitions bytea[], _deprecated_times timestamp with time zone[], _deprecation_notes text[], _aggregate_names text[], _aggregate_versions integer[], _aggregate_definitions bytea[], _time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.change_catalog(_tenant integer, _revision bigint, _is_strict boolean, _names text[], _versions integer[], _definitions bytea[], _deprecated_times timestamp with time zone[], _deprecation_notes text[], _aggregate_names text[], _aggregate_versions integer[], _aggregate_definitions bytea[], _time timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.lock_head(_tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.lock_head(_tenant integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.position_before(_tenant integer, _time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.position_before(_tenant integer, _time timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.raise_epoch(_tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.raise_epoch(_tenant integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.search_text(_event_type text, _aggregate_id text, _data jsonb, _metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.search_text(_event_type text, _aggregate_id text, _data jsonb, _metadata jsonb) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.sequence_through(_tenant integer, _aggregate_type text, _aggregate_id text, _position bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.sequence_through(_tenant integer, _aggregate_type text, _aggregate_id text, _position bigint) TO everlog_service;

GRANT SELECT ON TABLE everlog.aggregate_type_versions TO everlog_service;

GRANT SELECT ON TABLE everlog.catalogs TO everlog_service;

GRANT SELECT ON TABLE everlog.event_links TO everlog_service;

GRANT SELECT ON TABLE everlog.events TO everlog_service;

GRANT SELECT ON TABLE everlog.tenant_names TO everlog_service;

GRANT SELECT ON TABLE everlog.event_stream TO everlog_service;

GRANT SELECT ON TABLE everlog.event_type_versions TO everlog_service;

GRANT SELECT ON TABLE everlog.event_types TO everlog_service;

GRANT SELECT ON TABLE everlog.schema_migrations TO everlog_service;

GRANT SELECT ON TABLE everlog.tenants TO everlog_service;
