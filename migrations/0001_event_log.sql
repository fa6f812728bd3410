-- The event log: tenants with their heads, the append-only events table, and the functions through
-- which alone the service writes.
--
-- Why functions: the service's role may SELECT and EXECUTE, nothing else. So neither a defect nor a
-- stolen connection can rewrite history. Every key leads with tenant_id, every
-- statement touches one tenant, there are no advisory locks and no database sequences: that is what
-- lets this schema be distributed by tenant, unchanged (docs/operations.md).

-- The service's role. It belongs to the cluster, not to this database, so it may exist already; two
-- databases of one cluster may be migrated at the same moment, hence the exception.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'everlog_service') THEN
        CREATE ROLE everlog_service NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Who migrates may also serve, by SET ROLE. (A superuser may in any case.) From PostgreSQL 16 on, who
-- creates a role is a member that may grant it, to itself too, but may not yet act as it.
DO $$
DECLARE
    _right text := CASE
        WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN 'SET'
        ELSE 'MEMBER'
    END;
BEGIN
    IF NOT pg_catalog.pg_has_role(current_user, 'everlog_service', _right) THEN
        EXECUTE pg_catalog.format('GRANT everlog_service TO %I', current_user);
    END IF;
END
$$;

-- What `keyword` means by letters and digits, and by their case. The database's own collation may be
-- C, under which `É` is no letter: prefer the builtin Unicode one (PostgreSQL 17), else ICU's.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collname = 'pg_c_utf8') THEN
        CREATE COLLATION everlog.words FROM pg_catalog.pg_c_utf8;
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collname = 'und-x-icu') THEN
        CREATE COLLATION everlog.words FROM pg_catalog."und-x-icu";
    ELSE
        CREATE COLLATION everlog.words FROM pg_catalog."default";
    END IF;
END
$$;

-- Which tenants there are. Small, read by all: a reference table when the rest is distributed.
CREATE TABLE everlog.tenant_names (
    name text COLLATE "C" PRIMARY KEY,
    tenant_id integer NOT NULL UNIQUE,
    created_time timestamptz NOT NULL DEFAULT now()
);

-- The head of each tenant's log. The row is the lock that orders writers: see append().
-- It is updated on every append, so it gets a page of its own and frequent vacuuming: updates stay
-- heap-only, and the page never fills with dead versions.
CREATE TABLE everlog.tenants (
    tenant_id integer PRIMARY KEY,
    head bigint NOT NULL DEFAULT 0 CHECK (head >= 0),
    -- The id of the event at head: head and id together name a state of the log, head alone does not.
    head_event_id uuid,
    -- Raised to shut out appends that were sent before: see raise_epoch().
    epoch bigint NOT NULL DEFAULT 0,
    last_record_time timestamptz NOT NULL DEFAULT '-infinity',
    CHECK ((head = 0) = (head_event_id IS NULL))
) WITH (
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000
);

CREATE TABLE everlog.events (
    tenant_id integer NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    sequence bigint NOT NULL CHECK (sequence > 0),
    record_time timestamptz NOT NULL,
    occurred_time timestamptz NOT NULL,
    event_id uuid NOT NULL,
    causation_id uuid,
    documentable boolean NOT NULL,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    source text COLLATE "C",
    correlation_id text COLLATE "C",
    actor text COLLATE "C",
    user_id text COLLATE "C",
    idempotency_key text COLLATE "C",
    -- What the key or the chosen id stands for: a version byte, then a digest of the content. Null
    -- when there is neither; should somebody choose this event's id later, its record tells.
    fingerprint bytea,
    data jsonb,
    metadata jsonb,
    intent jsonb,
    context jsonb,
    -- The truth: the serialized RecordedEvent, framed as one element of field 1 of a response.
    record bytea NOT NULL,
    CONSTRAINT events_position_key PRIMARY KEY (tenant_id, position),
    CONSTRAINT events_sequence_key UNIQUE (tenant_id, aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_event_id_key UNIQUE (tenant_id, event_id)
);

-- TOASTed records are read whole and passed on: compression would cost on both ends (docs/adr/0008).
ALTER TABLE everlog.events ALTER COLUMN record SET STORAGE EXTERNAL;

-- Partial indexes cost only the events that have the value. What each costs: docs/adr/0006.
CREATE UNIQUE INDEX events_idempotency_key_key ON everlog.events (tenant_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX events_event_type_idx ON everlog.events (tenant_id, event_type, position);
CREATE INDEX events_correlation_id_idx ON everlog.events (tenant_id, correlation_id, position)
    WHERE correlation_id IS NOT NULL;
CREATE INDEX events_causation_id_idx ON everlog.events (tenant_id, causation_id, position)
    WHERE causation_id IS NOT NULL;
CREATE INDEX events_user_id_idx ON everlog.events (tenant_id, user_id, position)
    WHERE user_id IS NOT NULL;

-- Related events, only for events that have any. The related one need not exist.
CREATE TABLE everlog.event_links (
    tenant_id integer NOT NULL,
    event_id uuid NOT NULL,
    related_event_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, event_id, related_event_id, kind)
);
CREATE INDEX event_links_related_idx ON everlog.event_links (tenant_id, related_event_id);

-- Append-only, for every role: also the owner and a superuser meet this.
CREATE FUNCTION everlog.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'everlog.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON everlog.events
    FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_change();
CREATE TRIGGER event_links_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON everlog.event_links
    FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_change();

-- Appends a batch if the log is still as the caller remembers it; one round trip, one transaction.
--
-- Answers with one word:
--   appended  the batch is stored (or, when it is empty: what the caller remembers is true)
--   stale     somebody else has appended since, or the epoch was raised
--   known     one of the idempotency keys or event ids to be checked exists already
--   moved     an assumed aggregate is not at its assumed sequence
-- Unless it answers `appended`, nothing has changed.
--
-- The lock: the tenant's row, against every other append to the tenant; taken first, held to the end
-- of the transaction. It must be a statement of its own, and the function VOLATILE: under READ
-- COMMITTED the statements after it then see everything that the last holder committed. In one
-- statement with the look-ups, they would see the log as it was before the wait.
CREATE FUNCTION everlog.append(
    _tenant integer,
    _epoch bigint,
    _head bigint,
    _head_event_id uuid,
    -- What to check; each may be null.
    _checked_keys text[],
    _checked_event_ids uuid[],
    _assumed_types text[],
    _assumed_ids text[],
    _assumed_sequences bigint[],
    -- What to append: one element an event. Arrays that may be null as a whole: the optional columns,
    -- _occurred_times (an element, too: the record time) and _documentables (none is).
    _record_time timestamptz,
    _aggregate_types text[],
    _aggregate_ids text[],
    _sequences bigint[],
    _event_ids uuid[],
    _event_types text[],
    _occurred_times timestamptz[],
    _documentables boolean[],
    _sources text[],
    _correlation_ids text[],
    _causation_ids uuid[],
    _actors text[],
    _user_ids text[],
    _idempotency_keys text[],
    _fingerprints bytea[],
    _data jsonb[],
    _metadata jsonb[],
    _intents jsonb[],
    _contexts jsonb[],
    _records bytea[],
    _link_event_ids uuid[],
    _link_related_event_ids uuid[],
    _link_kinds text[]
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Locks a tenant's log against appends until the transaction ends, and tells where it is.
--
-- For whoever must look before appending: look in later statements of the same transaction.
CREATE FUNCTION everlog.lock_head(_tenant integer)
RETURNS TABLE (head bigint, head_event_id uuid, epoch bigint, last_record_time timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.head, t.head_event_id, t.epoch, t.last_record_time
    FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant
    FOR NO KEY UPDATE
$$;

-- Shuts out every append that was sent before: none of them commits after this has.
--
-- For whoever lost a connection while it was committing: without this, a backend that still waits
-- for the lock could commit after the look that found nothing.
CREATE FUNCTION everlog.raise_epoch(_tenant integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE everlog.tenants AS t SET epoch = t.epoch + 1 WHERE t.tenant_id = _tenant RETURNING t.epoch
$$;

-- The last position that was recorded before a time; 0 if none was.
--
-- A binary search over positions: record_time never decreases along the log, so it needs no index of
-- its own. About log2(head) probes of the primary key, planned once a session: readers plan anew for
-- each statement, and for each probe that cost more than the probe. By the index, also when the plan was
-- made while the table was empty.
CREATE FUNCTION everlog.position_before(_tenant integer, _time timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
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

-- The last sequence of an aggregate at or before a position; 0 if it has none there.
--
-- A binary search over sequences, for the same reason: positions grow with them. It turns a bound on
-- the log into a bound on the aggregate's own index.
CREATE FUNCTION everlog.sequence_through(
    _tenant integer, _aggregate_type text, _aggregate_id text, _position bigint
) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
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

-- The text that `keyword` searches: event type, aggregate id, all string values of the data, and the
-- metadata's values, in lower case, a line each.
CREATE FUNCTION everlog.search_text(
    _event_type text, _aggregate_id text, _data jsonb, _metadata jsonb
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 5000
AS $$
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
$$;

-- For people with SQL tools.
CREATE VIEW everlog.event_stream WITH (security_invoker = true) AS
SELECT
    n.name AS tenant, e.position, e.event_type, e.aggregate_type, e.aggregate_id, e.sequence,
    e.record_time, e.occurred_time, e.source, e.actor, e.user_id, e.correlation_id, e.causation_id,
    e.event_id, e.idempotency_key, e.documentable, e.data, e.metadata, e.intent, e.context
FROM everlog.events AS e
JOIN everlog.tenant_names AS n USING (tenant_id);

INSERT INTO everlog.tenant_names (name, tenant_id) VALUES ('default', 1);
INSERT INTO everlog.tenants (tenant_id) VALUES (1);

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA everlog FROM PUBLIC;
GRANT USAGE ON SCHEMA everlog TO everlog_service;
GRANT SELECT ON everlog.schema_migrations, everlog.tenant_names, everlog.tenants, everlog.events, everlog.event_links,
    everlog.event_stream TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.append, everlog.lock_head, everlog.raise_epoch,
    everlog.position_before, everlog.sequence_through, everlog.search_text TO everlog_service;
