-- Tenants that are created, renamed, frozen and dropped; and a wall between them inside of PostgreSQL.
--
-- The wall: row-level security on every table that has a tenant_id. Whoever is not the tables' owner sees the
-- rows of the tenant that the setting everlog.tenant_id names, and without it none (docs/adr/0014). The
-- functions that write are the owner's: they are not subject to it, and take the tenant as an argument. So
-- does what is about all tenants: it is said by functions at the end of this file, each of which tells no more
-- than it must.
--
-- A server of an earlier version does not name its tenant, and sees nothing from here on: stop it before.

-- Since when the tenant takes no events, and since when it is being removed. In the row that orders writers:
-- who holds its lock knows. See append().
ALTER TABLE everlog.tenants
    ADD COLUMN frozen_time timestamptz,
    ADD COLUMN dropping_time timestamptz,
    ADD CHECK (dropping_time IS NULL OR frozen_time IS NOT NULL);

-- Ids that were given once are not given again.
CREATE TABLE everlog.dropped_tenants (
    tenant_id integer PRIMARY KEY,
    dropped_time timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row, which says how often a name has changed its meaning: what processes remember of names is void then.
CREATE TABLE everlog.tenant_changes (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    version bigint NOT NULL DEFAULT 0
);
INSERT INTO everlog.tenant_changes DEFAULT VALUES;

-- As it was in 0001_event_log.sql, but for a frozen tenant: to that it answers `stale`. Whoever then takes the
-- lock is told why.
CREATE OR REPLACE FUNCTION everlog.append(
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
        AND t.frozen_time IS NULL
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

DROP FUNCTION everlog.lock_head(integer);
-- Locks a tenant's log against appends until the transaction ends, and tells where it is, and whether it takes
-- events. No row: there is no such tenant any more.
--
-- For whoever must look before appending: look in later statements of the same transaction.
CREATE FUNCTION everlog.lock_head(_tenant integer)
RETURNS TABLE (
    head bigint, head_event_id uuid, epoch bigint, last_record_time timestamptz, is_frozen boolean
)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.head, t.head_event_id, t.epoch, t.last_record_time, t.frozen_time IS NOT NULL
    FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant AND t.dropping_time IS NULL
    FOR NO KEY UPDATE
$$;

-- What a frozen tenant takes no more than events: changes of its catalogue, and of what is declared.
--
-- The lock: against freeze_tenant() and begin_drop(), which wait for it, and so for this transaction. Appends
-- don't: they take a lock that goes with it.
CREATE FUNCTION everlog.refuse_when_frozen() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _is_frozen boolean;
BEGIN
    SELECT t.frozen_time IS NOT NULL INTO _is_frozen FROM everlog.tenants AS t
    WHERE t.tenant_id = NEW.tenant_id
    FOR KEY SHARE;
    IF _is_frozen THEN
        RAISE EXCEPTION 'the tenant is frozen' USING ERRCODE = 'EV001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER catalogs_are_frozen_with_their_tenant
    BEFORE INSERT OR UPDATE ON everlog.catalogs
    FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_frozen();
CREATE TRIGGER declarations_are_frozen_with_their_tenant
    BEFORE INSERT OR UPDATE OF declared ON everlog.entity_indexes
    FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_frozen();

-- Consumers and projections only read the log: a frozen tenant may have new ones. One that is being removed
-- may not, nor one that is: a process may know the tenant by its id for a while.
CREATE FUNCTION everlog.refuse_when_dropped() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM everlog.tenants AS t WHERE t.tenant_id = NEW.tenant_id AND t.dropping_time IS NULL
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the tenant is dropped' USING ERRCODE = 'EV002';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER consumers_have_a_tenant
    BEFORE INSERT ON everlog.consumers
    FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_dropped();
CREATE TRIGGER projections_have_a_tenant
    BEFORE INSERT ON everlog.projections
    FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_dropped();

-- Append-only, but for a tenant that is being dropped: its events go, and nobody else's, whoever deletes. While
-- none is, a DELETE is refused before it begins, as ever; while one is, after it has told what it removed.
CREATE OR REPLACE FUNCTION everlog.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM everlog.tenants AS t WHERE t.dropping_time IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'everlog.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION everlog.refuse_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM (SELECT DISTINCT g.tenant_id FROM gone AS g) AS g
    WHERE NOT EXISTS (
        SELECT FROM everlog.tenants AS t WHERE t.tenant_id = g.tenant_id AND t.dropping_time IS NOT NULL
    );
    IF FOUND THEN
        RAISE EXCEPTION 'everlog.% is append-only: DELETE is refused', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER events_stay
    AFTER DELETE ON everlog.events REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_deletion();
CREATE TRIGGER event_links_stay
    AFTER DELETE ON everlog.event_links REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_deletion();

-- Creates a tenant; null: there is one of this name.
--
-- The lock: against whoever else creates one, so that two don't get the same id. Readers of names don't wait.
CREATE FUNCTION everlog.create_tenant(_name text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _tenant integer;
BEGIN
    LOCK TABLE everlog.tenant_names IN SHARE ROW EXCLUSIVE MODE;
    SELECT 1 + greatest(
        (SELECT max(n.tenant_id) FROM everlog.tenant_names AS n),
        (SELECT max(t.tenant_id) FROM everlog.tenants AS t),
        (SELECT max(d.tenant_id) FROM everlog.dropped_tenants AS d),
        0
    ) INTO _tenant;
    INSERT INTO everlog.tenant_names (name, tenant_id) VALUES (_name, _tenant) ON CONFLICT (name) DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO everlog.tenants (tenant_id) VALUES (_tenant);
    RETURN _tenant;
END
$$;

-- Renames a tenant: `renamed`, `missing`, `exists` (another one has the new name), `dropping`.
CREATE FUNCTION everlog.rename_tenant(_name text, _new_name text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _tenant integer;
BEGIN
    LOCK TABLE everlog.tenant_names IN SHARE ROW EXCLUSIVE MODE;
    SELECT n.tenant_id INTO _tenant FROM everlog.tenant_names AS n WHERE n.name = _name;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    PERFORM FROM everlog.tenants AS t WHERE t.tenant_id = _tenant AND t.dropping_time IS NULL;
    IF NOT FOUND THEN
        RETURN 'dropping';
    END IF;
    PERFORM FROM everlog.tenant_names AS n WHERE n.name = _new_name AND n.tenant_id <> _tenant;
    IF FOUND THEN
        RETURN 'exists';
    END IF;
    UPDATE everlog.tenant_names AS n SET name = _new_name WHERE n.tenant_id = _tenant;
    UPDATE everlog.tenant_changes AS c SET version = c.version + 1;
    RETURN 'renamed';
END
$$;

-- Lets a tenant take no events, or take them again: `done`, `missing`, `dropping`.
--
-- Once this is committed, nothing that was sent before is appended: the lock waits for what is being
-- committed, and the epoch shuts out what comes later. The lock is the strongest one of a row: it waits for
-- changes of the catalogue, too, which hold the weakest.
CREATE FUNCTION everlog.freeze_tenant(_name text, _undo boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _tenant integer;
    _is_dropping boolean;
BEGIN
    SELECT n.tenant_id INTO _tenant FROM everlog.tenant_names AS n WHERE n.name = _name;
    SELECT t.dropping_time IS NOT NULL INTO _is_dropping FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    IF _is_dropping THEN
        RETURN 'dropping';
    END IF;
    UPDATE everlog.tenants AS t
    SET epoch = t.epoch + 1,
        frozen_time = CASE WHEN NOT _undo THEN coalesce(t.frozen_time, clock_timestamp()) END
    WHERE t.tenant_id = _tenant;
    RETURN 'done';
END
$$;

-- Begins to remove a tenant, or goes on with it: its id; `outcome` is `begun`, `missing`, `not_frozen`, or
-- `moved`: its head is another one. From its commit on the name means nothing to calls, but is not free yet.
CREATE FUNCTION everlog.begin_drop(
    _name text, _head bigint, OUT outcome text, OUT tenant_id integer, OUT head bigint
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _tenant everlog.tenants;
BEGIN
    SELECT n.tenant_id INTO tenant_id FROM everlog.tenant_names AS n WHERE n.name = _name;
    SELECT t.* INTO _tenant FROM everlog.tenants AS t WHERE t.tenant_id = begin_drop.tenant_id FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'missing';
        RETURN;
    END IF;
    head := _tenant.head;
    IF _tenant.frozen_time IS NULL THEN
        outcome := 'not_frozen';
        RETURN;
    END IF;
    IF _tenant.head <> _head THEN
        outcome := 'moved';
        RETURN;
    END IF;
    outcome := 'begun';
    IF _tenant.dropping_time IS NULL THEN
        UPDATE everlog.tenants AS t SET dropping_time = clock_timestamp()
        WHERE t.tenant_id = begin_drop.tenant_id;
        UPDATE everlog.tenant_changes AS c SET version = c.version + 1;
    END IF;
END
$$;

-- Removes a piece of a tenant that is being dropped: a projection with its schemas, or at most so many rows of a
-- table; in the end the tenant. Which tables there are the catalogue of PostgreSQL says: one that a later
-- migration makes is not forgotten.
--
-- `is_done`: nothing is left. `blocked_by`: something that is not the projection's depends on its schema.
CREATE FUNCTION everlog.drop_piece(
    _tenant integer, _rows_max bigint, OUT events bigint, OUT is_done boolean, OUT blocked_by text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _found text;
    _removed bigint;
BEGIN
    events := 0;
    is_done := false;
    PERFORM FROM everlog.tenants AS t WHERE t.tenant_id = _tenant AND t.dropping_time IS NOT NULL;
    IF NOT FOUND THEN
        is_done := true;
        RETURN;
    END IF;

    SELECT p.name INTO _found FROM everlog.projections AS p WHERE p.tenant_id = _tenant LIMIT 1;
    IF FOUND THEN
        blocked_by := everlog.delete_projection(_tenant, _found, false);
        RETURN;
    END IF;
    SELECT o.schema_name INTO _found FROM everlog.projection_leftovers AS o WHERE o.tenant_id = _tenant LIMIT 1;
    IF FOUND THEN
        blocked_by := everlog.drop_projection_schema(_tenant, _found);
        RETURN;
    END IF;

    FOR _found IN
        SELECT c.relname FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'everlog'::regnamespace AND c.relkind = 'r'
            AND c.relname NOT IN ('tenants', 'tenant_names', 'dropped_tenants')
        -- Consumers before what is theirs: nobody gives them rows any more then.
        ORDER BY c.relname <> 'consumers', c.relname
    LOOP
        EXECUTE format(
            'DELETE FROM everlog.%1$I WHERE tenant_id = $1 AND ctid = ANY (ARRAY('
            'SELECT ctid FROM everlog.%1$I WHERE tenant_id = $1 LIMIT $2))',
            _found
        ) USING _tenant, _rows_max;
        GET DIAGNOSTICS _removed = ROW_COUNT;
        IF _removed > 0 THEN
            IF _found = 'events' THEN
                events := _removed;
            END IF;
            RETURN;
        END IF;
    END LOOP;

    INSERT INTO everlog.dropped_tenants (tenant_id) VALUES (_tenant) ON CONFLICT DO NOTHING;
    DELETE FROM everlog.tenants AS t WHERE t.tenant_id = _tenant;
    DELETE FROM everlog.tenant_names AS n WHERE n.tenant_id = _tenant;
    UPDATE everlog.tenant_changes AS c SET version = c.version + 1;
    is_done := true;
END
$$;

-- The wall.
DO $$
DECLARE
    _table regclass;
BEGIN
    FOR _table IN
        SELECT c.oid FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'everlog'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', _table);
        EXECUTE pg_catalog.format(
            'CREATE POLICY of_one_tenant ON %s FOR SELECT '
            'USING (tenant_id = NULLIF(current_setting(''everlog.tenant_id'', true), '''')::integer)',
            _table
        );
    END LOOP;
END
$$;

-- The SQL of projections is somebody's: it may say SET everlog.tenant_id, too. For its role the tenant is
-- the one for which run_projection() has admitted it, in this transaction of this connection: what that leaves
-- behind can be read, and moved, by the SQL, but not be made for another tenant without the secret.
CREATE TABLE everlog.projector_secret (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    secret bytea NOT NULL
);
INSERT INTO everlog.projector_secret (secret)
VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE FUNCTION everlog.projector_admission(_tenant integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(
        '%s:%s',
        _tenant,
        encode(
            sha256(
                s.secret
                || convert_to(format('%s:%s:%s', _tenant, pg_backend_pid(), pg_current_xact_id()), 'UTF8')
                || s.secret
            ),
            'hex'
        )
    )
    FROM everlog.projector_secret AS s
$$;

CREATE FUNCTION everlog.admit_projector(_tenant integer) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT set_config('everlog.projector_admission', everlog.projector_admission(_tenant), true)
$$;

CREATE FUNCTION everlog.admitted_tenant() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.tenant::integer
    FROM (
        SELECT
            current_setting('everlog.projector_admission', true) AS said,
            substring(current_setting('everlog.projector_admission', true) FROM '^[0-9]{1,9}(?=:)') AS tenant
    ) AS a
    WHERE a.said = everlog.projector_admission(a.tenant::integer)
$$;

CREATE POLICY of_admitted_tenant ON everlog.events AS RESTRICTIVE FOR SELECT TO everlog_projector
    USING (tenant_id = (SELECT everlog.admitted_tenant()));

-- As it was in 0006_projections.sql, but that it says of which tenant it is.
CREATE OR REPLACE FUNCTION everlog.run_projection(
    _schema text, _tenant integer, _after bigint, _through bigint, _events_max integer, _skipped bigint[],
    _recorded boolean,
    OUT through bigint, OUT events integer, OUT last_time timestamptz, OUT positions bigint[],
    OUT offsets integer[], OUT rows integer[], OUT failed_position bigint, OUT failed_handler integer,
    OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _name text := format('%I.everlog_run', _schema);
BEGIN
    PERFORM FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner
    WHERE p.oid = to_regprocedure(_name || '(integer,bigint,bigint,integer,bigint[],boolean)')
        AND p.prosecdef AND r.rolname = 'everlog_projector';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the function of the projection in schema % is not what it was', _schema
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM set_config('everlog.tenant_id', _tenant::text, true);
    PERFORM everlog.admit_projector(_tenant);
    EXECUTE format('SELECT * FROM %s($1, $2, $3, $4, $5, $6)', _name)
        INTO through, events, last_time, positions, offsets, rows, failed_position, failed_handler,
            failed_statement, is_of_window, sqlstate, message, detail
        USING _tenant, _after, _through, _events_max, _skipped, _recorded;
END
$$;

-- What is about all tenants. Each tells no more than its caller must know.

-- The id of a tenant; null: there is none, or it is being removed.
CREATE FUNCTION everlog.tenant_of_name(_name text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.tenant_id FROM everlog.tenant_names AS n
    JOIN everlog.tenants AS t ON t.tenant_id = n.tenant_id
    WHERE n.name = _name AND t.dropping_time IS NULL
$$;

-- Tenants by name: one, or those after a name.
CREATE FUNCTION everlog.list_tenants(_name text, _after text, _limit bigint)
RETURNS TABLE (
    name text, created_time timestamptz, frozen_time timestamptz, head bigint, is_dropping boolean
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.name, n.created_time, t.frozen_time, t.head, t.dropping_time IS NOT NULL
    FROM everlog.tenant_names AS n
    JOIN everlog.tenants AS t ON t.tenant_id = n.tenant_id
    WHERE (_name IS NULL OR n.name = _name) AND (_after IS NULL OR n.name > _after)
    ORDER BY n.name
    LIMIT _limit
$$;

-- Where several logs end, and which event each has at a position that is asked for; nothing of those that are
-- being dropped.
CREATE FUNCTION everlog.log_heads(_tenants integer[], _positions bigint[])
RETURNS TABLE (tenant_id integer, head bigint, head_event_id uuid, event_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    SELECT
        t.tenant_id, t.head, t.head_event_id,
        (
            SELECT e.event_id FROM everlog.events AS e
            WHERE e.tenant_id = asked.tenant_id AND e.position = asked.position
        )
    FROM unnest(_tenants, _positions) AS asked (tenant_id, position)
    JOIN everlog.tenants AS t ON t.tenant_id = asked.tenant_id
    WHERE t.dropping_time IS NULL
$$;

-- The tenants whose indexes of entities have something to do. Those that have an index at all are few, and the
-- three tables are tiny.
CREATE FUNCTION everlog.tenants_to_index(_limit bigint) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.tenant_id
    FROM everlog.entity_indexes AS i
    JOIN everlog.tenants AS t ON t.tenant_id = i.tenant_id
    WHERE EXISTS (
        SELECT FROM everlog.entity_generations AS g
        WHERE g.tenant_id = i.tenant_id AND (g.position < t.head OR g.generation <> i.current)
    )
    LIMIT _limit
$$;

-- What projectors have to do: who holds what, and whether it has come to the end of its log.
CREATE FUNCTION everlog.projections_to_run(_limit bigint)
RETURNS TABLE (
    tenant_id integer, name text, epoch bigint, projector text, is_held boolean, has_work boolean,
    tenant text, checkpoint bigint, head bigint, rebuild_checkpoint bigint, state text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        p.tenant_id, p.name, l.epoch, l.projector, l.lease_until > clock_timestamp(),
        NOT p.is_paused AND (
            p.rebuild IS NOT NULL OR b.checkpoint < t.head
        ),
        coalesce(n.name, ''), b.checkpoint, t.head, r.checkpoint,
        CASE
            WHEN p.is_paused THEN 'paused'
            ELSE coalesce((
                SELECT CASE WHEN bool_or(f.next_attempt_time IS NULL) THEN 'stopped' ELSE 'retrying' END
                FROM everlog.projection_failures AS f
                WHERE f.tenant_id = p.tenant_id AND f.name = p.name AND f.build = p.live AND NOT f.is_parked
                HAVING count(*) > 0
            ), 'running')
        END
    FROM everlog.projections AS p
    JOIN everlog.projection_leases AS l ON l.tenant_id = p.tenant_id AND l.name = p.name
    JOIN everlog.projection_builds AS b ON b.tenant_id = p.tenant_id AND b.name = p.name AND b.build = p.live
    JOIN everlog.tenants AS t ON t.tenant_id = p.tenant_id
    LEFT JOIN everlog.projection_builds AS r
        ON r.tenant_id = p.tenant_id AND r.name = p.name AND r.build = p.rebuild
    LEFT JOIN everlog.tenant_names AS n ON n.tenant_id = p.tenant_id
    ORDER BY p.tenant_id, p.name
    LIMIT _limit
$$;

-- Schemas of projections that are to be dropped.
CREATE FUNCTION everlog.schemas_to_drop(_limit bigint)
RETURNS TABLE (tenant_id integer, schema_name text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.tenant_id, o.schema_name FROM everlog.projection_leftovers AS o
    ORDER BY o.tenant_id, o.schema_name
    LIMIT _limit
$$;

-- Where each log says that it ends, where its events end, and how far its clock is ahead: for `everlog doctor`.
CREATE FUNCTION everlog.log_ends()
RETURNS TABLE (
    tenant text, head bigint, last_position bigint, first_position bigint, ahead_seconds double precision
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        coalesce(n.name, t.tenant_id::text) AS tenant, t.head,
        coalesce(
            (SELECT max(e.position) FROM everlog.events AS e WHERE e.tenant_id = t.tenant_id), 0
        ) AS last_position,
        coalesce(
            (SELECT min(e.position) FROM everlog.events AS e WHERE e.tenant_id = t.tenant_id), 1
        ) AS first_position,
        CASE WHEN t.head = 0 THEN 0
            ELSE extract(epoch FROM t.last_record_time - clock_timestamp()) END::float8 AS ahead_seconds
    FROM everlog.tenants AS t
    LEFT JOIN everlog.tenant_names AS n USING (tenant_id)
$$;

REVOKE ALL ON FUNCTION everlog.lock_head, everlog.refuse_when_frozen, everlog.refuse_when_dropped,
    everlog.refuse_deletion, everlog.create_tenant, everlog.rename_tenant, everlog.freeze_tenant,
    everlog.begin_drop, everlog.drop_piece, everlog.projector_admission, everlog.admit_projector,
    everlog.admitted_tenant, everlog.tenant_of_name, everlog.list_tenants, everlog.log_heads,
    everlog.tenants_to_index, everlog.projections_to_run, everlog.schemas_to_drop, everlog.log_ends FROM PUBLIC;
GRANT SELECT ON everlog.tenant_changes TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.lock_head, everlog.create_tenant, everlog.rename_tenant,
    everlog.freeze_tenant, everlog.begin_drop, everlog.drop_piece, everlog.admit_projector,
    everlog.tenant_of_name, everlog.list_tenants, everlog.log_heads, everlog.tenants_to_index,
    everlog.projections_to_run, everlog.schemas_to_drop, everlog.log_ends TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.admitted_tenant TO everlog_projector;
