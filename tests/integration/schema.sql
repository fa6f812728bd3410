CREATE SCHEMA everlog;

CREATE COLLATION everlog.words (provider = builtin, locale = 'C.UTF-8');

CREATE FUNCTION everlog.admit_projector(_tenant integer) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT set_config('everlog.projector_admission', everlog.projector_admission(_tenant), true)
$$;

CREATE FUNCTION everlog.admitted_tenant() RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT a.tenant::integer
    FROM (
        SELECT
            current_setting('everlog.projector_admission', true) AS said,
            substring(current_setting('everlog.projector_admission', true) FROM '^[0-9]{1,9}(?=:)') AS tenant
    ) AS a
    WHERE a.said = everlog.projector_admission(a.tenant::integer)
$$;

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

CREATE FUNCTION everlog.apply_decision(_tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid, _aggregate_type text, _aggregate_id text, _action text, _reason text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _state text;
    _lane bigint;
    _checkpoint bigint;
    _is_passed boolean;
    _is_finished boolean;
    -- Whether the log, or its lane, is still to be read where it is.
    _is_ahead boolean;
BEGIN
    SELECT e.state INTO _state FROM everlog.consumer_events AS e
    WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = _position;
    SELECT l.position INTO _lane FROM everlog.consumer_lanes AS l
    WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer AND l.aggregate_type = _aggregate_type
        AND l.aggregate_id = _aggregate_id;
    SELECT s.checkpoint, _position <= s.checkpoint OR _position = ANY (s.finished)
    INTO _checkpoint, _is_passed
    FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = _slot;
    _is_finished := CASE
        WHEN _state IS NOT NULL THEN _state = 'skipped'
        WHEN _lane IS NOT NULL THEN _position < _lane
        ELSE _is_passed
    END;
    _is_ahead := coalesce(_position >= _lane, _position > _checkpoint);

    IF _action = 'retry' THEN
        IF _is_ahead AND _state IN ('parked', 'skipped') THEN
            DELETE FROM everlog.consumer_events AS e
            WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = _position;
            UPDATE everlog.consumer_slots AS s SET finished = array_remove(s.finished, _position)
            WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = _slot;
        ELSIF _state IS NOT NULL THEN
            UPDATE everlog.consumer_events AS e SET
                state = CASE WHEN e.state IN ('retrying', 'blocking') THEN 'retrying' ELSE 'replaying' END,
                attempts = 0,
                is_replayed = e.is_replayed OR e.state IN ('parked', 'blocking'),
                next_attempt_time = NULL,
                parked_time = NULL
            WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = _position;
        ELSIF _is_finished THEN
            INSERT INTO everlog.consumer_events (
                tenant_id, consumer_id, position, slot, event_id, aggregate_type, aggregate_id, state
            )
            VALUES (
                _tenant, _consumer, _position, _slot, _event, _aggregate_type, _aggregate_id, 'replaying'
            );
        END IF;
        RETURN true;
    END IF;

    IF _action = 'ack' AND _is_finished THEN
        RETURN false;
    END IF;
    IF _action = 'park' THEN
        INSERT INTO everlog.consumer_events AS e (
            tenant_id, consumer_id, position, slot, event_id, aggregate_type, aggregate_id, state, last_error,
            parked_time
        )
        VALUES (
            _tenant, _consumer, _position, _slot, _event, _aggregate_type, _aggregate_id, 'parked', _reason,
            clock_timestamp()
        )
        ON CONFLICT (tenant_id, consumer_id, position) DO UPDATE SET
            state = 'parked',
            next_attempt_time = NULL,
            last_error = CASE WHEN excluded.last_error = '' THEN e.last_error ELSE excluded.last_error END,
            parked_time = coalesce(e.parked_time, excluded.parked_time);
        UPDATE everlog.consumer_events AS e SET
            history = everlog.last_attempts(
                e.history,
                jsonb_build_array(
                    jsonb_build_object(
                        'attempt', e.attempts,
                        'failed_time', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                        'member', '',
                        'error', _reason
                    )
                )
            )
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = _position
            AND _reason <> '';
    ELSIF _is_ordered AND _is_ahead AND _position IS DISTINCT FROM _lane THEN
        -- A lane that comes to it, or begins before it, must know.
        INSERT INTO everlog.consumer_events AS e (
            tenant_id, consumer_id, position, slot, event_id, aggregate_type, aggregate_id, state
        )
        VALUES (
            _tenant, _consumer, _position, _slot, _event, _aggregate_type, _aggregate_id, 'skipped'
        )
        ON CONFLICT (tenant_id, consumer_id, position) DO UPDATE SET
            state = 'skipped', attempts = 0, next_attempt_time = NULL, parked_time = NULL;
    ELSE
        DELETE FROM everlog.consumer_events AS e
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = _position;
    END IF;
    -- The aggregate goes on behind it.
    UPDATE everlog.consumer_lanes AS l SET position = _position + 1
    WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer AND l.aggregate_type = _aggregate_type
        AND l.aggregate_id = _aggregate_id AND l.position = _position;
    IF NOT _is_passed THEN
        UPDATE everlog.consumer_slots AS s SET finished = array_append(s.finished, _position)
        WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = _slot;
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION everlog.begin_drop(_name text, _head bigint, OUT outcome text, OUT tenant_id integer, OUT head bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.begin_rebuild(_tenant integer, _name text, _build integer, _schema text, _wanted_schema text, _structure bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO everlog.projection_builds (
        tenant_id, name, build, schema_name, wanted_schema_name, structure
    )
    VALUES (_tenant, _name, _build, _schema, _wanted_schema, _structure);
    UPDATE everlog.projections AS p SET rebuild = _build
    WHERE p.tenant_id = _tenant AND p.name = _name;
END
$$;

CREATE FUNCTION everlog.cancel_rebuild(_tenant integer, _name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _former integer;
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    SELECT p.rebuild INTO _former FROM everlog.projections AS p WHERE p.tenant_id = _tenant AND p.name = _name;
    IF _former IS NOT NULL THEN
        UPDATE everlog.projections AS p SET rebuild = NULL WHERE p.tenant_id = _tenant AND p.name = _name;
        PERFORM everlog.retire_build(_tenant, _name, _former, false);
    END IF;
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

CREATE FUNCTION everlog.changes_for_projector(_projector text, _since bigint) RETURNS TABLE(has_free boolean, mark bigint, grown_tenants integer[], grown_heads bigint[], changed_tenants integer[], changed_names text[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
    SELECT EXISTS (SELECT FROM everlog.free_projections(1)), m.mark, g.tenants, g.heads, c.tenants, c.names
    FROM (
        SELECT s.mark, CASE WHEN _since <= s.mark THEN _since END AS since
        FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS mark) AS s
    ) AS m
    CROSS JOIN LATERAL (
        SELECT array_agg(t.tenant_id) AS tenants, array_agg(t.head) AS heads
        FROM everlog.tenants AS t
        WHERE (m.since IS NULL OR age(t.xmin) BETWEEN 0 AND age(m.since::text::xid8::xid))
            -- Not EXISTS: as a join PostgreSQL may begin with all that the projector holds.
            AND (
                SELECT true FROM everlog.projection_leases AS l
                WHERE l.projector = _projector AND l.tenant_id = t.tenant_id
                LIMIT 1
            )
    ) AS g
    CROSS JOIN LATERAL (
        SELECT array_agg(c.tenant_id) AS tenants, array_agg(c.name) AS names
        FROM everlog.projection_changes AS c
        WHERE c.transaction_id >= coalesce(m.since, 0)
    ) AS c
$$;

CREATE FUNCTION everlog.claim_projection(_tenant integer, _name text, _projector text, _lease_seconds double precision) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _epoch bigint;
BEGIN
    PERFORM FROM everlog.projection_leases AS l
    WHERE l.tenant_id = _tenant AND l.name = _name AND NOT everlog.is_lease(l.lease_until)
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- A statement of its own: with the lock it sees who has the lease now.
    PERFORM FROM everlog.projection_leases AS l
    JOIN everlog.projectors AS q ON q.projector = l.projector AND everlog.is_lease(q.lease_until)
    WHERE l.tenant_id = _tenant AND l.name = _name;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE everlog.projection_leases AS l
    SET epoch = l.epoch + 1, projector = _projector, events_per_second = 0,
        lease_until = clock_timestamp() + _lease_seconds * interval '1 second'
    WHERE l.tenant_id = _tenant AND l.name = _name
    RETURNING l.epoch INTO _epoch;
    RETURN _epoch;
END
$$;

CREATE FUNCTION everlog.claim_projections(_projector text, _limit integer, _lease_seconds double precision) RETURNS TABLE(tenant_id integer, name text, epoch bigint, has_work boolean, tenant text, checkpoint bigint, head bigint, rebuild_checkpoint bigint, state text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
DECLARE
    _tenants integer[];
    _names text[];
BEGIN
    WITH free AS (
        SELECT f.*, row_number() OVER (ORDER BY random()) AS n, count(*) OVER () AS found
        FROM everlog.free_projections(2 * _limit) AS f
    ),
    taken AS (
        -- The epoch once more: who had it when we looked may not be who has it now that we have the lock.
        SELECT l.tenant_id, l.name FROM free AS f
        JOIN everlog.projection_leases AS l
            ON l.tenant_id = f.tenant_id AND l.name = f.name AND l.epoch = f.epoch
        WHERE f.n <= (f.found + 1) / 2 AND NOT everlog.is_lease(l.lease_until)
        FOR NO KEY UPDATE OF l SKIP LOCKED
    ),
    held AS (
        UPDATE everlog.projection_leases AS l
        SET epoch = l.epoch + 1, projector = _projector, events_per_second = 0,
            lease_until = clock_timestamp() + _lease_seconds * interval '1 second'
        FROM taken AS k
        WHERE l.tenant_id = k.tenant_id AND l.name = k.name
        RETURNING l.tenant_id, l.name
    )
    SELECT array_agg(h.tenant_id), array_agg(h.name) INTO _tenants, _names FROM held AS h;
    RETURN QUERY SELECT p.* FROM everlog.projections_as_run(_tenants, _names) AS p;
END
$$;

CREATE FUNCTION everlog.consumer_beat(_tenant integer, _consumer uuid, _process uuid, _lease_ms integer, _members uuid[], _names text[], _leaving boolean[], _in_flight jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _generation bigint;
    _version bigint;
    _now timestamptz;
    _targets jsonb;
    _has_claimed boolean := false;
BEGIN
    -- The lock: shares are reckoned and claimed by one process at a time. The statements after it see
    -- what its last holder committed.
    SELECT c.generation, c.version INTO _generation, _version FROM everlog.consumers AS c
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    _now := clock_timestamp();

    -- Also one that was buried while its process could not be heard: it joins anew.
    INSERT INTO everlog.consumer_members AS m (
        tenant_id, consumer_id, member_id, name, process_id, joined_time, lease_until, is_leaving,
        in_flight
    )
    SELECT
        _tenant, _consumer, o.member_id, o.name, _process, _now,
        _now + _lease_ms * interval '1 millisecond', o.is_leaving,
        ARRAY(SELECT p.value::bigint FROM jsonb_array_elements_text(_in_flight -> (o.n - 1)::integer) AS p)
    FROM unnest(_members, _names, _leaving) WITH ORDINALITY AS o (member_id, name, is_leaving, n)
    ORDER BY o.member_id
    ON CONFLICT (tenant_id, consumer_id, member_id) DO UPDATE SET
        lease_until = excluded.lease_until,
        is_leaving = excluded.is_leaving,
        in_flight = excluded.in_flight;
    DELETE FROM everlog.consumer_members AS m
    WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.lease_until <= _now;

    -- What was claimed before a failover is claimed anew, under another epoch.
    UPDATE everlog.consumer_slots AS s SET member_id = NULL
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.timeline <> everlog.timeline()
        AND s.member_id IS NOT NULL;

    WITH live AS (
        SELECT
            m.member_id, m.joined_time, count(s.slot) AS held,
            NOT m.is_leaving AND row_number() OVER (
                PARTITION BY m.is_leaving ORDER BY m.joined_time, m.member_id
            ) <= 64 AS counts,
            least(count(*) OVER (PARTITION BY m.is_leaving), 64) AS members
        FROM everlog.consumer_members AS m
        LEFT JOIN everlog.consumer_slots AS s
            ON s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.member_id = m.member_id
        WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer
        GROUP BY m.member_id, m.joined_time, m.is_leaving
    ),
    shares AS (
        SELECT
            l.member_id,
            CASE
                WHEN NOT l.counts THEN 0
                ELSE 64 / l.members + (
                    row_number() OVER (
                        PARTITION BY l.counts ORDER BY l.held DESC, l.joined_time, l.member_id
                    ) <= 64 % l.members
                )::integer
            END AS target
        FROM live AS l
    )
    SELECT coalesce(jsonb_object_agg(h.member_id, h.target), '{}') INTO _targets
    FROM shares AS h
    WHERE h.member_id = ANY (_members);

    PERFORM FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND NOT EXISTS (
        SELECT FROM everlog.consumer_members AS m
        WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.member_id = s.member_id
    )
    ORDER BY s.slot
    FOR NO KEY UPDATE;
    IF FOUND THEN
        WITH free AS (
            SELECT s.slot, row_number() OVER (ORDER BY s.slot) AS n
            FROM everlog.consumer_slots AS s
            WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND NOT EXISTS (
                SELECT FROM everlog.consumer_members AS m
                WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.member_id = s.member_id
            )
        ),
        wanted AS (
            SELECT t.member_id, row_number() OVER (ORDER BY place.nth, t.member_id) AS n
            FROM (
                SELECT
                    j.key::uuid AS member_id, j.value::bigint AS target,
                    (
                        SELECT count(*) FROM everlog.consumer_slots AS s
                        WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer
                            AND s.member_id = j.key::uuid
                    ) AS held
                FROM jsonb_each_text(_targets) AS j (key, value)
            ) AS t
            CROSS JOIN LATERAL generate_series(t.held + 1, t.target) AS place (nth)
        )
        UPDATE everlog.consumer_slots AS s SET member_id = w.member_id, epoch = s.epoch + 1, stored = 0
        FROM free AS f
        JOIN wanted AS w ON w.n = f.n
        WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = f.slot;
        _has_claimed := FOUND;
    END IF;
    IF NOT _has_claimed THEN
        -- A renewal that a crash loses is made again, a second later. An epoch must never be lost.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;

    RETURN jsonb_build_object(
        'generation', _generation,
        'version', _version,
        'members', _targets,
        'slots', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(s.slot, s.epoch, s.member_id) ORDER BY s.slot), '[]')
            FROM everlog.consumer_slots AS s
            WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.member_id = ANY (_members)
        ),
        'instructions', (
            SELECT coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'instruction_id', i.instruction_id, 'slot', i.slot, 'position', i.position,
                        'event_id', i.event_id, 'aggregate_type', i.aggregate_type,
                        'aggregate_id', i.aggregate_id, 'action', i.action, 'reason', i.reason,
                        -- What it is in by now, if it is in anything: what is parked is in no memory.
                        'state', e.state
                    )
                    ORDER BY i.created_time, i.instruction_id
                ),
                '[]'
            )
            FROM (
                SELECT d.* FROM everlog.consumer_instructions AS d
                JOIN everlog.consumer_slots AS s
                    ON s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = d.slot
                WHERE d.tenant_id = _tenant AND d.consumer_id = _consumer AND s.member_id = ANY (_members)
                ORDER BY d.created_time, d.instruction_id
                LIMIT 1000
            ) AS i
            LEFT JOIN everlog.consumer_events AS e
                ON e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = i.position
        ),
        'replaying', (
            SELECT coalesce(jsonb_agg(s.slot ORDER BY s.slot), '[]')
            FROM everlog.consumer_slots AS s
            WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.member_id = ANY (_members)
                AND EXISTS (
                    SELECT FROM everlog.consumer_events AS e
                    WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.slot = s.slot
                        AND e.state = 'replaying'
                )
        )
    );
END
$$;

CREATE FUNCTION everlog.consumer_store(_tenant integer, _consumer uuid, _number bigint, _slots smallint[], _epochs bigint[], _checkpoints bigint[], _finished text[], _events jsonb, _gone_slots smallint[], _gone_positions bigint[], _lanes jsonb, _instructions uuid[]) RETURNS smallint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _held smallint[];
    -- Of those, the ones for which this was not done before.
    _new smallint[];
BEGIN
    -- The fence: who claims one of these slots waits until we have committed.
    SELECT
        coalesce(array_agg(l.slot), '{}'),
        coalesce(array_agg(l.slot) FILTER (WHERE l.stored < _number), '{}')
    INTO _held, _new
    FROM (
        SELECT s.slot, s.epoch, s.stored FROM everlog.consumer_slots AS s
        WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = ANY (_slots)
            AND s.timeline = everlog.timeline()
        ORDER BY s.slot
        FOR NO KEY UPDATE
    ) AS l
    JOIN unnest(_slots, _epochs) AS held (slot, epoch) ON held.slot = l.slot AND held.epoch = l.epoch;

    UPDATE everlog.consumer_slots AS s
    SET checkpoint = n.checkpoint, finished = n.finished::bigint[], stored = _number
    FROM unnest(_slots, _checkpoints, _finished) AS n (slot, checkpoint, finished)
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = n.slot
        AND s.slot = ANY (_new);

    IF cardinality(_gone_slots) > 0 THEN
        DELETE FROM everlog.consumer_events AS e
        USING unnest(_gone_slots, _gone_positions) AS g (slot, position)
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = g.position
            AND g.slot = ANY (_new);
    END IF;

    IF jsonb_array_length(_events) > 0 THEN
        INSERT INTO everlog.consumer_events AS e (
            tenant_id, consumer_id, position, slot, event_id, aggregate_type, aggregate_id, state, attempts,
            is_replayed, next_attempt_time, last_error, history, parked_time
        )
        SELECT
            _tenant, _consumer, n.position, n.slot, n.event_id, n.aggregate_type, n.aggregate_id, n.state,
            n.attempts, n.is_replayed, 'epoch'::timestamptz + n.next_attempt_time * interval '1 microsecond',
            n.last_error, everlog.last_attempts('[]', n.failed),
            'epoch'::timestamptz + n.parked_time * interval '1 microsecond'
        FROM jsonb_to_recordset(_events) AS n (
            position bigint, slot smallint, event_id uuid, aggregate_type text, aggregate_id text, state text,
            attempts integer, is_replayed boolean, next_attempt_time bigint, last_error text, failed jsonb,
            parked_time bigint
        )
        WHERE n.slot = ANY (_new)
        -- In one order, as move_parked() has it: so that nobody waits for each other.
        ORDER BY n.position
        ON CONFLICT (tenant_id, consumer_id, position) DO UPDATE SET
            state = excluded.state,
            attempts = excluded.attempts,
            is_replayed = excluded.is_replayed,
            next_attempt_time = excluded.next_attempt_time,
            last_error = CASE
                WHEN excluded.last_error = '' THEN e.last_error ELSE excluded.last_error
            END,
            history = everlog.last_attempts(e.history, excluded.history),
            parked_time = excluded.parked_time;
    END IF;

    IF jsonb_array_length(_lanes) > 0 THEN
        DELETE FROM everlog.consumer_lanes AS l
        USING jsonb_to_recordset(_lanes) AS n (slot smallint, aggregate_type text, aggregate_id text, position bigint)
        WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer AND l.aggregate_type = n.aggregate_type
            AND l.aggregate_id = n.aggregate_id AND n.position IS NULL AND n.slot = ANY (_new);
        INSERT INTO everlog.consumer_lanes AS l (
            tenant_id, consumer_id, aggregate_type, aggregate_id, slot, position
        )
        SELECT _tenant, _consumer, n.aggregate_type, n.aggregate_id, n.slot, n.position
        FROM jsonb_to_recordset(_lanes) AS n (slot smallint, aggregate_type text, aggregate_id text, position bigint)
        WHERE n.position IS NOT NULL AND n.slot = ANY (_new)
        ON CONFLICT (tenant_id, consumer_id, aggregate_type, aggregate_id) DO UPDATE SET
            position = excluded.position;
    END IF;

    -- What was done by hand in a lane's way, and no lane is in front of any more.
    DELETE FROM everlog.consumer_events AS e
    USING everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = ANY (_new)
        AND e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.slot = s.slot
        AND e.state = 'skipped' AND e.position <= s.checkpoint
        AND NOT EXISTS (
            SELECT FROM everlog.consumer_lanes AS l
            WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer
                AND l.aggregate_type = e.aggregate_type AND l.aggregate_id = e.aggregate_id
                AND l.position <= e.position
        );

    IF cardinality(_instructions) > 0 THEN
        DELETE FROM everlog.consumer_instructions AS i
        WHERE i.tenant_id = _tenant AND i.consumer_id = _consumer
            AND i.instruction_id = ANY (_instructions) AND i.slot = ANY (_new);
    END IF;
    RETURN _held;
END
$$;

CREATE FUNCTION everlog.create_consumer(_tenant integer, _name text, _consumer uuid, _settings bytea, _position bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO everlog.consumers (tenant_id, name, consumer_id, settings, start_position)
    VALUES (_tenant, _name, _consumer, _settings, _position)
    ON CONFLICT (tenant_id, name) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO everlog.consumer_slots (tenant_id, consumer_id, slot, checkpoint)
    SELECT _tenant, _consumer, n.slot, _position FROM generate_series(0, 63) AS n (slot);
    RETURN true;
END
$$;

CREATE FUNCTION everlog.create_projection(_tenant integer, _name text, _schema text, _definition bytea, _structure bytea, _on_failure integer, _attempts_max integer, _backoff double precision[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO everlog.projection_leases (tenant_id, name) VALUES (_tenant, _name);
    INSERT INTO everlog.projections (
        tenant_id, name, definition, on_failure, attempts_max, initial_seconds, multiplier, max_seconds, jitter
    )
    VALUES (
        _tenant, _name, _definition, _on_failure, _attempts_max, _backoff[1], _backoff[2], _backoff[3],
        _backoff[4]
    );
    INSERT INTO everlog.projection_builds (
        tenant_id, name, build, schema_name, wanted_schema_name, structure
    )
    VALUES (_tenant, _name, 1, _schema, _schema, _structure);
END
$$;

CREATE FUNCTION everlog.create_projection_schema(_schema text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I AUTHORIZATION everlog_projector', _schema);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO everlog_service', _schema);
END
$$;

CREATE FUNCTION everlog.create_tenant(_name text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.create_token(_name text, _prefix text, _digest bytea, _roles smallint[], _tenant_ids integer[], _aggregate_types text[], _event_types text[], _own_only boolean, _actor text, _user_id text, _acts_for_others boolean, _events_per_second integer, _calls_per_second integer, _created_time timestamp with time zone, _expire_time timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO everlog.tokens (
        name, prefix, digest, roles, tenant_ids, aggregate_types, event_types, own_only, actor, user_id,
        acts_for_others, events_per_second, calls_per_second, created_time, expire_time
    )
    VALUES (
        _name, _prefix, _digest, _roles, _tenant_ids, _aggregate_types, _event_types, _own_only, _actor,
        _user_id, _acts_for_others, _events_per_second, _calls_per_second, _created_time, _expire_time
    )
    ON CONFLICT (name) DO NOTHING;
    RETURN FOUND;
END
$$;

CREATE FUNCTION everlog.cut_leases(_tenant integer, _consumer uuid, _lease_ms integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _end timestamptz;
BEGIN
    -- Before any member's row, as everybody does. And the time after it: what the last holder of the lock has
    -- given is no lease from the future.
    PERFORM FROM everlog.consumers AS c
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
    FOR NO KEY UPDATE;
    _end := clock_timestamp() + _lease_ms * interval '1 millisecond';
    UPDATE everlog.consumer_members AS m SET lease_until = _end
    WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.member_id = ANY (ARRAY(
        SELECT l.member_id FROM everlog.consumer_members AS l
        WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer AND l.lease_until > _end
        ORDER BY l.member_id
        -- Who leaves deletes its row without the consumer's lock.
        FOR NO KEY UPDATE SKIP LOCKED
    ));
END
$$;

CREATE FUNCTION everlog.decide_event(_tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid, _aggregate_type text, _aggregate_id text, _action text, _reason text, _instruction uuid, _again boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.consumers AS c
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    IF NOT everlog.seize_slot(_tenant, _consumer, _slot) THEN
        IF NOT _again THEN
            INSERT INTO everlog.consumer_instructions (
                tenant_id, consumer_id, instruction_id, slot, position, event_id, aggregate_type,
                aggregate_id, action, reason
            )
            VALUES (
                _tenant, _consumer, _instruction, _slot, _position, _event, _aggregate_type, _aggregate_id,
                _action, _reason
            );
            RETURN 'asked';
        END IF;
        RETURN CASE
            WHEN EXISTS (
                SELECT FROM everlog.consumer_instructions AS i
                WHERE i.tenant_id = _tenant AND i.consumer_id = _consumer
                    AND i.instruction_id = _instruction
            ) THEN 'asked'
            ELSE 'done'
        END;
    END IF;
    IF _again THEN
        DELETE FROM everlog.consumer_instructions AS i
        WHERE i.tenant_id = _tenant AND i.consumer_id = _consumer AND i.instruction_id = _instruction;
        IF NOT FOUND THEN
            RETURN 'done';
        END IF;
    END IF;
    RETURN CASE
        WHEN everlog.apply_decision(
            _tenant, _consumer, _is_ordered, _slot, _position, _event, _aggregate_type, _aggregate_id,
            _action, _reason
        ) THEN 'done'
        ELSE 'finished'
    END;
END
$$;

CREATE FUNCTION everlog.declare_entities(_tenant integer, _declared integer, _declarations jsonb) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.define_projection_function(_schema text, _is_of_tables boolean, _body text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _name text := format(
        '%I.%I', _schema, CASE WHEN _is_of_tables THEN 'everlog_make_tables' ELSE 'everlog_run' END
    );
    _arguments text := CASE
        WHEN _is_of_tables THEN ''
        ELSE 'everlog_tenant__ integer, everlog_after__ bigint, everlog_until__ bigint, '
            'everlog_events_max__ integer, everlog_skipped__ bigint[], everlog_recorded__ boolean'
    END;
    _result text := CASE
        WHEN _is_of_tables THEN 'void'
        ELSE 'TABLE (everlog_through__ bigint, everlog_events__ integer, everlog_last_time__ timestamptz, '
            'everlog_positions__ bigint[], everlog_offsets__ integer[], everlog_rows__ integer[], '
            'everlog_failed_position__ bigint, everlog_failed_handler__ integer, '
            'everlog_failed_statement__ integer, everlog_is_of_window__ boolean, everlog_sqlstate__ text, '
            'everlog_message__ text, everlog_detail__ text)'
    END;
BEGIN
    PERFORM FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
    WHERE n.nspname = _schema AND r.rolname = 'everlog_projector';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'schema % is not a projection''s', _schema;
    END IF;
    -- Statements are planned once and kept. Planned while the tables are new and empty, they would scan
    -- them for every event until the next ANALYZE.
    EXECUTE format(
        'CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql VOLATILE SECURITY DEFINER '
        'SET search_path = %I, pg_catalog SET enable_seqscan = off SET enable_bitmapscan = off AS %L',
        _name, _arguments, _result, _schema, _body
    );
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', _name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO everlog_service', _name);
    EXECUTE format('ALTER FUNCTION %s OWNER TO everlog_projector', _name);
    IF _is_of_tables THEN
        RETURN;
    END IF;
    EXECUTE format('DROP FUNCTION IF EXISTS %I.everlog_make_tables()', _schema);
END
$$;

CREATE FUNCTION everlog.delete_consumer(_tenant integer, _consumer uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM everlog.consumers AS c WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- In order: a flush that is under way holds some of them.
    PERFORM FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer
    ORDER BY s.slot
    FOR UPDATE;
    DELETE FROM everlog.consumer_slots AS s WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer;
    DELETE FROM everlog.consumer_members AS m WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer;
    DELETE FROM everlog.consumer_lanes AS l WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer;
    DELETE FROM everlog.consumer_events AS e WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer;
    DELETE FROM everlog.consumer_instructions AS i
    WHERE i.tenant_id = _tenant AND i.consumer_id = _consumer;
    RETURN true;
END
$$;

CREATE FUNCTION everlog.delete_projection(_tenant integer, _name text, _keeps_tables boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _live integer;
    _schema text;
    _dependents text;
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR UPDATE;
    SELECT p.live, b.schema_name INTO _live, _schema FROM everlog.projections AS p
    JOIN everlog.projection_builds AS b ON b.tenant_id = _tenant AND b.name = _name AND b.build = p.live
    WHERE p.tenant_id = _tenant AND p.name = _name;
    PERFORM everlog.cancel_rebuild(_tenant, _name);
    IF _keeps_tables THEN
        EXECUTE format(
            'DROP FUNCTION IF EXISTS %I.everlog_run(integer,bigint,bigint,integer,bigint[],boolean)', _schema
        );
    ELSE
        _dependents := everlog.drop_projection_schema(_tenant, _schema);
        IF _dependents IS NOT NULL THEN
            RETURN _dependents;
        END IF;
    END IF;
    PERFORM everlog.retire_build(_tenant, _name, _live, true);
    DELETE FROM everlog.projection_effects AS e WHERE e.tenant_id = _tenant AND e.name = _name;
    DELETE FROM everlog.projections AS p WHERE p.tenant_id = _tenant AND p.name = _name;
    DELETE FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name;
    RETURN NULL;
END
$$;

CREATE FUNCTION everlog.drop_piece(_tenant integer, _rows_max bigint, OUT events bigint, OUT is_done boolean, OUT blocked_by text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION everlog.drop_projection_schema(_tenant integer, _schema text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _dependents text := everlog.projection_dependents(_schema);
BEGIN
    IF _dependents IS NOT NULL THEN
        RETURN _dependents;
    END IF;
    PERFORM FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
    WHERE n.nspname = _schema AND r.rolname = 'everlog_projector';
    IF FOUND THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', _schema);
    END IF;
    DELETE FROM everlog.projection_leftovers AS l
    WHERE l.tenant_id = _tenant AND l.schema_name = _schema;
    RETURN NULL;
END
$$;

CREATE FUNCTION everlog.entity_id(_id text, _ignore_case boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN _ignore_case THEN lower(btrim(_id, E' \t\n\v\f\r') COLLATE everlog.words)
        ELSE _id
    END
$$;

CREATE FUNCTION everlog.entity_id_of_kind(_tenant integer, _generation integer, _kind text, _id text) RETURNS text
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

CREATE FUNCTION everlog.entity_index_state(_tenant integer) RETURNS TABLE(declared integer, current integer, declared_position bigint, current_position bigint, head bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT i.declared, i.current, d.position, c.position, t.head
    FROM everlog.entity_indexes AS i
    JOIN everlog.tenants AS t ON t.tenant_id = _tenant
    JOIN everlog.entity_generations AS d ON d.tenant_id = _tenant AND d.generation = i.declared
    JOIN everlog.entity_generations AS c ON c.tenant_id = _tenant AND c.generation = i.current
    WHERE i.tenant_id = _tenant
$$;

CREATE FUNCTION everlog.entity_text(_value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE jsonb_typeof(_value)
        WHEN 'string' THEN _value #>> '{}'
        WHEN 'number' THEN
            CASE WHEN _value::numeric = trunc(_value::numeric) THEN trunc(_value::numeric)::text END
    END
$$;

CREATE FUNCTION everlog.follow_entities(_tenant integer, _events_max bigint, _removed_rows_max bigint) RETURNS TABLE(declared integer, current integer, declared_position bigint, current_position bigint, head bigint, has_more boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
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

CREATE FUNCTION everlog.forget_failure(_tenant integer, _name text, _build integer, _position bigint, _handler integer, _statement integer, _sqlstate text, _message text, _detail text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF _sqlstate IS NULL THEN
        DELETE FROM everlog.projection_failures AS f
        WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _build AND f.position = _position;
    ELSE
        UPDATE everlog.projection_failures AS f
        SET handler = _handler, statement = _statement, sqlstate = _sqlstate, message = _message,
            detail = _detail, attempts = f.attempts + 1, failed_time = clock_timestamp()
        WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _build AND f.position = _position;
    END IF;
END
$$;

CREATE FUNCTION everlog.free_projections(_limit bigint) RETURNS TABLE(tenant_id integer, name text, epoch bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
    -- Each holder's name once: a probe of the index for each, however much it holds.
    WITH RECURSIVE holders (holder) AS (
        (SELECT l.projector FROM everlog.projection_leases AS l ORDER BY l.projector LIMIT 1)
        UNION ALL
        SELECT (
            SELECT l.projector FROM everlog.projection_leases AS l
            WHERE l.projector > h.holder
            ORDER BY l.projector
            LIMIT 1
        )
        FROM holders AS h
        WHERE h.holder IS NOT NULL
    )
    SELECT f.tenant_id, f.name, f.epoch
    FROM holders AS h
    CROSS JOIN LATERAL (
        SELECT l.tenant_id, l.name, l.epoch FROM everlog.projection_leases AS l
        WHERE l.projector = h.holder AND NOT everlog.is_lease(l.lease_until)
        LIMIT _limit
    ) AS f
    WHERE h.holder IS NOT NULL AND NOT EXISTS (
        SELECT FROM everlog.projectors AS q WHERE q.projector = h.holder AND everlog.is_lease(q.lease_until)
    )
    LIMIT _limit
$$;

CREATE FUNCTION everlog.freeze_tenant(_name text, _undo boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.grant_projection(_schema text, _readers text[], _former text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _reader text;
BEGIN
    PERFORM FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
    WHERE n.nspname = _schema AND r.rolname = 'everlog_projector';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'schema % is not a projection''s', _schema;
    END IF;
    FOREACH _reader IN ARRAY _former LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = _reader);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', _schema, _reader);
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', _schema, _reader);
    END LOOP;
    FOREACH _reader IN ARRAY _readers LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', _schema, _reader);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', _schema, _reader);
    END LOOP;
END
$$;

CREATE FUNCTION everlog.index_entities(_tenant integer, _generation integer, _events_max bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.is_lease(_until timestamp with time zone) RETURNS boolean
    LANGUAGE sql
    RETURN ((_until >= clock_timestamp()) AND (_until <= (clock_timestamp() + '00:01:00'::interval)));

CREATE FUNCTION everlog.join_consumer(_tenant integer, _consumer uuid, _member uuid, _name text, _process uuid, _lease_ms integer, _members_max integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _now timestamptz;
BEGIN
    PERFORM FROM everlog.consumers AS c
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    _now := clock_timestamp();
    IF (
        SELECT count(*) FROM everlog.consumer_members AS m
        WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.lease_until > _now
    ) >= _members_max THEN
        RETURN 'full';
    END IF;
    INSERT INTO everlog.consumer_members (
        tenant_id, consumer_id, member_id, name, process_id, joined_time, lease_until
    )
    VALUES (
        _tenant, _consumer, _member, _name, _process, _now, _now + _lease_ms * interval '1 millisecond'
    );
    RETURN 'joined';
END
$$;

CREATE FUNCTION everlog.last_attempts(_history jsonb, _failed jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(jsonb_agg(l.value ORDER BY l.n), '[]')
    FROM (
        SELECT a.value, row_number() OVER (ORDER BY a.part, a.n) AS n, count(*) OVER () AS attempts
        FROM (
            SELECT h.value, h.n, 1 AS part FROM jsonb_array_elements(_history) WITH ORDINALITY AS h (value, n)
            UNION ALL
            SELECT f.value, f.n, 2 FROM jsonb_array_elements(_failed) WITH ORDINALITY AS f (value, n)
            WHERE NOT _history @> jsonb_build_array(f.value)
        ) AS a
    ) AS l
    WHERE l.n > l.attempts - 20
$$;

CREATE FUNCTION everlog.leave_consumer(_tenant integer, _consumer uuid, _members uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM everlog.consumer_members AS m
    WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.member_id = ANY (_members)
$$;

CREATE FUNCTION everlog.list_tenants(_name text, _after text, _limit bigint) RETURNS TABLE(name text, created_time timestamp with time zone, frozen_time timestamp with time zone, head bigint, is_dropping boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT n.name, n.created_time, t.frozen_time, t.head, t.dropping_time IS NOT NULL
    FROM everlog.tenant_names AS n
    JOIN everlog.tenants AS t ON t.tenant_id = n.tenant_id
    WHERE (_name IS NULL OR n.name = _name) AND (_after IS NULL OR n.name > _after)
    ORDER BY n.name
    LIMIT _limit
$$;

CREATE FUNCTION everlog.lock_head(_tenant integer) RETURNS TABLE(head bigint, head_event_id uuid, epoch bigint, last_record_time timestamp with time zone, is_frozen boolean)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT t.head, t.head_event_id, t.epoch, t.last_record_time, t.frozen_time IS NOT NULL
    FROM everlog.tenants AS t
    WHERE t.tenant_id = _tenant AND t.dropping_time IS NULL
    FOR NO KEY UPDATE
$$;

CREATE FUNCTION everlog.log_ends() RETURNS TABLE(tenant text, head bigint, last_position bigint, first_position bigint, ahead_seconds double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.log_heads(_tenants integer[], _positions bigint[]) RETURNS TABLE(tenant_id integer, head bigint, head_event_id uuid, event_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
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

CREATE FUNCTION everlog.move_parked(_tenant integer, _consumer uuid, _is_ordered boolean, _positions bigint[], _action text, _all_or_nothing boolean, OUT moved bigint, OUT asked uuid[], OUT missing bigint[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _blocking record;
    _slot smallint;
    _seized smallint[] := '{}';
    _instruction uuid;
    _skipped bigint := 0;
    _changed bigint;
BEGIN
    PERFORM FROM everlog.consumers AS c
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    moved := 0;
    asked := '{}';
    missing := '{}';
    -- Slots before events, as everybody does. Parked events are in no member's memory: their slots stay
    -- whose they are.
    FOR _slot IN
        SELECT DISTINCT e.slot FROM everlog.consumer_events AS e
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = ANY (_positions)
            AND e.state = 'blocking'
        ORDER BY e.slot
    LOOP
        IF everlog.seize_slot(_tenant, _consumer, _slot) THEN
            _seized := _seized || _slot;
        END IF;
    END LOOP;
    IF _all_or_nothing THEN
        -- Before anything is done. Where it may be done in part, what changes a row looks at its state.
        PERFORM FROM everlog.consumer_events AS e
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = ANY (_positions)
        ORDER BY e.position
        FOR NO KEY UPDATE;
        missing := ARRAY(
            SELECT p.position FROM unnest(_positions) AS p (position)
            WHERE NOT EXISTS (
                SELECT FROM everlog.consumer_events AS e
                WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = p.position
                    AND e.state IN ('parked', 'blocking')
            )
        );
        IF cardinality(missing) > 0 THEN
            RETURN;
        END IF;
    END IF;

    FOR _blocking IN
        SELECT e.* FROM everlog.consumer_events AS e
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = ANY (_positions)
            AND e.state = 'blocking'
        ORDER BY e.position
    LOOP
        moved := moved + 1;
        IF _blocking.slot = ANY (_seized) THEN
            PERFORM everlog.apply_decision(
                _tenant, _consumer, _is_ordered, _blocking.slot, _blocking.position, _blocking.event_id,
                _blocking.aggregate_type, _blocking.aggregate_id, _action, ''
            );
        ELSE
            _instruction := gen_random_uuid();
            asked := asked || _instruction;
            INSERT INTO everlog.consumer_instructions (
                tenant_id, consumer_id, instruction_id, slot, position, event_id, aggregate_type,
                aggregate_id, action
            )
            VALUES (
                _tenant, _consumer, _instruction, _blocking.slot, _blocking.position,
                _blocking.event_id, _blocking.aggregate_type, _blocking.aggregate_id, _action
            );
        END IF;
    END LOOP;

    IF _action = 'retry' THEN
        UPDATE everlog.consumer_events AS e SET
            state = 'replaying', attempts = 0, is_replayed = true, next_attempt_time = NULL,
            parked_time = NULL
        WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = ANY (_positions)
            AND e.state = 'parked';
        GET DIAGNOSTICS _changed = ROW_COUNT;
        moved := moved + _changed;
        RETURN;
    END IF;
    -- A lane that comes to one of them, or begins before it, must know.
    UPDATE everlog.consumer_events AS e SET state = 'skipped', attempts = 0, parked_time = NULL
    WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = ANY (_positions)
        AND e.state = 'parked' AND _is_ordered
        AND (
            EXISTS (
                SELECT FROM everlog.consumer_lanes AS l
                WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer
                    AND l.aggregate_type = e.aggregate_type AND l.aggregate_id = e.aggregate_id
                    AND l.position <= e.position
            )
            OR EXISTS (
                SELECT FROM everlog.consumer_slots AS s
                WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = e.slot
                    AND s.checkpoint < e.position
            )
        );
    GET DIAGNOSTICS _skipped = ROW_COUNT;
    DELETE FROM everlog.consumer_events AS e
    WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.position = ANY (_positions)
        AND e.state = 'parked';
    GET DIAGNOSTICS _changed = ROW_COUNT;
    moved := moved + _skipped + _changed;
END
$$;

CREATE FUNCTION everlog.names_of_tenants(_tenants integer[]) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT ARRAY(
        SELECT coalesce(n.name, '#' || g.tenant_id)
        FROM unnest(_tenants) WITH ORDINALITY AS g (tenant_id, place)
        LEFT JOIN everlog.tenant_names AS n ON n.tenant_id = g.tenant_id
        ORDER BY g.place
    )
$$;

CREATE FUNCTION everlog.note_failure(_tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _position bigint, _handler integer, _statement integer, _sqlstate text, _message text, _detail text, _random double precision) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _projection everlog.projections;
    _build integer;
    _attempts integer;
    _wait double precision;
    _parks boolean;
BEGIN
    PERFORM FROM everlog.projection_leases AS l
    WHERE l.tenant_id = _tenant AND l.name = _name AND l.epoch = _epoch
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT p.* INTO _projection FROM everlog.projections AS p WHERE p.tenant_id = _tenant AND p.name = _name;
    _build := CASE WHEN _is_rebuild THEN _projection.rebuild ELSE _projection.live END;
    SELECT f.attempts INTO _attempts FROM everlog.projection_failures AS f
    WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _build AND f.position = _position;
    _attempts := coalesce(_attempts, 0) + 1;
    _parks := _projection.on_failure = 3 AND _position > 0;
    IF _position = 0 THEN
        _wait := 15;
    ELSIF _projection.on_failure = 2 AND _attempts < _projection.attempts_max THEN
        -- The logarithm first: the power itself may be beyond what a number can hold.
        _wait := CASE
            WHEN (_attempts - 1) * ln(_projection.multiplier)
                > ln(_projection.max_seconds / _projection.initial_seconds) THEN _projection.max_seconds
            ELSE least(
                _projection.max_seconds,
                _projection.initial_seconds * power(_projection.multiplier, _attempts - 1)
            )
        END * (1 + _projection.jitter * (2 * _random - 1));
    END IF;
    IF _position > 0 THEN
        UPDATE everlog.projection_builds AS b
        SET checkpoint = CASE WHEN _parks THEN _position ELSE _position - 1 END
        WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _build AND b.checkpoint < _position;
    ELSE
        PERFORM FROM everlog.projection_builds AS b
        WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _build;
    END IF;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    INSERT INTO everlog.projection_failures (
        tenant_id, name, build, position, is_parked, handler, statement, sqlstate, message, detail, attempts,
        failed_time, next_attempt_time
    )
    VALUES (
        _tenant, _name, _build, _position, _parks, _handler, _statement, _sqlstate, _message, _detail, _attempts,
        clock_timestamp(), clock_timestamp() + _wait * interval '1 second'
    )
    ON CONFLICT (tenant_id, name, build, position) DO UPDATE SET
        is_parked = excluded.is_parked, handler = excluded.handler, statement = excluded.statement,
        sqlstate = excluded.sqlstate, message = excluded.message, detail = excluded.detail,
        attempts = excluded.attempts, failed_time = excluded.failed_time,
        next_attempt_time = excluded.next_attempt_time;
    RETURN true;
END
$$;

CREATE FUNCTION everlog.note_projection_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _tenant integer;
    _name text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        _tenant := OLD.tenant_id;
        _name := OLD.name;
    ELSE
        _tenant := NEW.tenant_id;
        _name := NEW.name;
    END IF;
    INSERT INTO everlog.projection_changes AS c (tenant_id, name, transaction_id, changed_time)
    VALUES (_tenant, _name, pg_current_xact_id()::text::bigint, clock_timestamp())
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET transaction_id = excluded.transaction_id, changed_time = excluded.changed_time;
    RETURN NULL;
END
$$;

CREATE FUNCTION everlog.note_tenant_names() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE everlog.token_changes SET version = version + 1;
    RETURN NULL;
END
$$;

CREATE FUNCTION everlog.note_timeline() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    NEW.timeline := everlog.timeline();
    RETURN NEW;
END
$$;

CREATE FUNCTION everlog.note_tokens_used(_names text[], _used_times timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.tokens AS t WHERE t.name = ANY (_names) ORDER BY t.name FOR NO KEY UPDATE;
    UPDATE everlog.tokens AS t SET last_used_time = u.used_time
    FROM unnest(_names, _used_times) AS u (name, used_time)
    WHERE t.name = u.name AND (t.last_used_time IS NULL OR t.last_used_time < u.used_time);
END
$$;

CREATE FUNCTION everlog.note_window(_tenant integer, _name text, _build integer, _through bigint, _last_time timestamp with time zone, _positions bigint[], _offsets integer[], _rows integer[], _lease_seconds double precision, _kept_positions bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE everlog.projection_builds AS b
    SET checkpoint = _through, checkpoint_time = coalesce(_last_time, b.checkpoint_time)
    WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _build;
    UPDATE everlog.projection_leases AS l
    SET lease_until = clock_timestamp() + _lease_seconds * interval '1 second'
    WHERE l.tenant_id = _tenant AND l.name = _name;
    DELETE FROM everlog.projection_failures AS f
    WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _build AND f.position <= _through
        AND NOT f.is_parked;
    IF cardinality(_positions) > 0 THEN
        INSERT INTO everlog.projection_effects (
            tenant_id, name, through, transaction_id, committed_time, positions, offsets, rows
        )
        VALUES (
            _tenant, _name, _through, pg_current_xact_id()::text::bigint, clock_timestamp(), _positions,
            _offsets, _rows
        );
        DELETE FROM everlog.projection_effects AS e
        WHERE e.tenant_id = _tenant AND e.name = _name AND e.through <= _through - _kept_positions;
    END IF;
END
$$;

CREATE FUNCTION everlog.number_rebuild(_tenant integer, _name text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _former integer;
    _build integer;
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    SELECT p.rebuild INTO _former FROM everlog.projections AS p WHERE p.tenant_id = _tenant AND p.name = _name;
    UPDATE everlog.projections AS p SET rebuild = NULL, last_build = p.last_build + 1
    WHERE p.tenant_id = _tenant AND p.name = _name
    RETURNING p.last_build INTO _build;
    IF _former IS NOT NULL THEN
        PERFORM everlog.retire_build(_tenant, _name, _former, false);
    END IF;
    RETURN _build;
END
$$;

CREATE FUNCTION everlog.pause_projection(_tenant integer, _name text, _is_paused boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    IF NOT _is_paused THEN
        -- Who says so may have mended what kept it from running.
        UPDATE everlog.projection_failures AS f SET next_attempt_time = clock_timestamp()
        WHERE f.tenant_id = _tenant AND f.name = _name AND f.position = 0;
    END IF;
    UPDATE everlog.projections AS p SET is_paused = _is_paused
    WHERE p.tenant_id = _tenant AND p.name = _name;
    RETURN FOUND;
END
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

CREATE FUNCTION everlog.project_parked(_tenant integer, _name text, _position bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _build integer;
    _schema text;
    _ran record;
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    SELECT b.build, b.schema_name INTO _build, _schema
    FROM everlog.projections AS p
    JOIN everlog.projection_builds AS b ON b.tenant_id = _tenant AND b.name = _name AND b.build = p.live
    JOIN everlog.projection_failures AS f
        ON f.tenant_id = _tenant AND f.name = _name AND f.build = p.live
        AND f.position = _position AND f.is_parked
    WHERE p.tenant_id = _tenant AND p.name = _name;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    SELECT r.* INTO _ran FROM everlog.run_projection(
        _schema, _tenant, _position - 1, _position, 1, NULL, false
    ) AS r;
    PERFORM everlog.seal_projection();
    IF _ran.failed_position IS NULL THEN
        PERFORM everlog.forget_failure(_tenant, _name, _build, _position, NULL, NULL, NULL, NULL, NULL);
        RETURN 'applied';
    END IF;
    PERFORM everlog.forget_failure(
        _tenant, _name, _build, _position, _ran.failed_handler, _ran.failed_statement, _ran.sqlstate,
        _ran.message, _ran.detail
    );
    RETURN 'failed';
END
$$;

CREATE FUNCTION everlog.project_window(_tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _until bigint, _events_max integer, _positions_max bigint, _lease_seconds double precision, _kept_positions bigint, OUT outcome text, OUT checkpoint bigint, OUT target bigint, OUT events integer, OUT wait_seconds double precision, OUT failed_position bigint, OUT failed_handler integer, OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _projection everlog.projections;
    _build everlog.projection_builds;
    _failure record;
    _head bigint;
    _through bigint;
    _skipped bigint[];
    _ran record;
BEGIN
    PERFORM FROM everlog.projection_leases AS l
    WHERE l.tenant_id = _tenant AND l.name = _name AND l.epoch = _epoch
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'lost';
        RETURN;
    END IF;
    SELECT p.* INTO _projection FROM everlog.projections AS p WHERE p.tenant_id = _tenant AND p.name = _name;
    SELECT b.* INTO _build FROM everlog.projection_builds AS b
    WHERE b.tenant_id = _tenant AND b.name = _name
        AND b.build = CASE WHEN _is_rebuild THEN _projection.rebuild ELSE _projection.live END;
    IF NOT FOUND THEN
        outcome := 'gone';
        RETURN;
    END IF;
    SELECT t.head INTO _head FROM everlog.tenants AS t WHERE t.tenant_id = _tenant;
    target := _head;
    IF _is_rebuild THEN
        SELECT b.checkpoint INTO target FROM everlog.projection_builds AS b
        WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _projection.live;
    END IF;
    checkpoint := _build.checkpoint;
    IF _projection.is_paused THEN
        outcome := 'paused';
        RETURN;
    END IF;
    _through := least(target, _build.checkpoint + _positions_max, _until);
    -- Of an event, and of the build itself: at most two.
    SELECT max(f.position) AS position, bool_or(f.next_attempt_time IS NULL) AS has_stopped,
        max(f.next_attempt_time) AS next_attempt_time INTO _failure
    FROM everlog.projection_failures AS f
    WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _build.build AND NOT f.is_parked;
    IF _failure.position IS NOT NULL THEN
        IF _failure.has_stopped THEN
            outcome := 'stopped';
            RETURN;
        END IF;
        wait_seconds := extract(epoch FROM _failure.next_attempt_time - clock_timestamp());
        IF wait_seconds > 0 THEN
            outcome := 'waiting';
            RETURN;
        END IF;
        IF _failure.position > 0 THEN
            -- By itself, so that it alone is to blame.
            _through := least(_through, _failure.position);
        END IF;
    END IF;
    IF _through <= _build.checkpoint THEN
        outcome := 'idle';
        RETURN;
    END IF;
    SELECT array_agg(s.position) INTO _skipped FROM everlog.projection_skips AS s
    WHERE s.tenant_id = _tenant AND s.name = _name AND s.build = _build.build
        AND s.position > _build.checkpoint AND s.position <= _through;

    SELECT r.* INTO _ran FROM everlog.run_projection(
        _build.schema_name, _tenant, _build.checkpoint, _through, _events_max, _skipped,
        NOT _is_rebuild AND _head - _build.checkpoint <= _kept_positions
    ) AS r;

    -- From here on the search path may be anybody's: only qualified names, and no operators.
    PERFORM everlog.seal_projection();
    events := _ran.events;
    IF _ran.failed_position IS NOT NULL THEN
        outcome := 'failed';
        failed_position := _ran.failed_position;
        failed_handler := _ran.failed_handler;
        failed_statement := _ran.failed_statement;
        is_of_window := _ran.is_of_window;
        sqlstate := _ran.sqlstate;
        message := _ran.message;
        detail := _ran.detail;
        RETURN;
    END IF;
    outcome := 'advanced';
    checkpoint := _ran.through;
    PERFORM everlog.note_window(
        _tenant, _name, _build.build, _ran.through, _ran.last_time, _ran.positions, _ran.offsets, _ran.rows,
        _lease_seconds, _kept_positions
    );
END
$$;

CREATE FUNCTION everlog.projection_dependents(_schema text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH own (classid, objid) AS (
        SELECT 'pg_namespace'::regclass::oid, n.oid FROM pg_namespace AS n WHERE n.nspname = _schema
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = _schema
        UNION ALL
        SELECT 'pg_type'::regclass, t.oid FROM pg_type AS t
        JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE n.nspname = _schema
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = _schema
        UNION ALL
        SELECT 'pg_operator'::regclass, o.oid FROM pg_operator AS o
        JOIN pg_namespace AS n ON n.oid = o.oprnamespace WHERE n.nspname = _schema
        UNION ALL
        SELECT 'pg_collation'::regclass, k.oid FROM pg_collation AS k
        JOIN pg_namespace AS n ON n.oid = k.collnamespace WHERE n.nspname = _schema
        UNION ALL
        SELECT 'pg_constraint'::regclass, x.oid FROM pg_constraint AS x
        JOIN pg_namespace AS n ON n.oid = x.connamespace WHERE n.nspname = _schema
    ),
    dependents AS (
        SELECT DISTINCT d.classid, d.objid,
            CASE d.classid
                WHEN 'pg_class'::regclass THEN (SELECT c.relnamespace FROM pg_class AS c WHERE c.oid = d.objid)
                WHEN 'pg_rewrite'::regclass THEN (
                    SELECT c.relnamespace FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
                    WHERE r.oid = d.objid
                )
                WHEN 'pg_constraint'::regclass THEN (
                    SELECT x.connamespace FROM pg_constraint AS x WHERE x.oid = d.objid
                )
                WHEN 'pg_attrdef'::regclass THEN (
                    SELECT c.relnamespace FROM pg_attrdef AS a JOIN pg_class AS c ON c.oid = a.adrelid
                    WHERE a.oid = d.objid
                )
                WHEN 'pg_trigger'::regclass THEN (
                    SELECT c.relnamespace FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
                    WHERE t.oid = d.objid
                )
                WHEN 'pg_policy'::regclass THEN (
                    SELECT c.relnamespace FROM pg_policy AS y JOIN pg_class AS c ON c.oid = y.polrelid
                    WHERE y.oid = d.objid
                )
                WHEN 'pg_proc'::regclass THEN (SELECT p.pronamespace FROM pg_proc AS p WHERE p.oid = d.objid)
                WHEN 'pg_type'::regclass THEN (SELECT t.typnamespace FROM pg_type AS t WHERE t.oid = d.objid)
            END AS namespace
        FROM own AS o
        JOIN pg_depend AS d ON d.refclassid = o.classid AND d.refobjid = o.objid
        WHERE d.deptype IN ('n', 'a')
    )
    SELECT string_agg(i.type || ' ' || i.identity, ', ' ORDER BY i.type, i.identity)
    FROM (
        SELECT d.classid, d.objid FROM dependents AS d
        -- Of a class that has no schema here, such as an operator class of its own: it goes with the schema.
        WHERE d.namespace <> (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = _schema)
            -- The toast tables of its own.
            AND d.namespace <> 'pg_toast'::regnamespace
        LIMIT 20
    ) AS d
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
$$;

CREATE FUNCTION everlog.projections_as_run(_tenants integer[], _names text[]) RETURNS TABLE(tenant_id integer, name text, epoch bigint, has_work boolean, tenant text, checkpoint bigint, head bigint, rebuild_checkpoint bigint, state text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
    SELECT
        p.tenant_id, p.name, l.epoch, NOT p.is_paused AND (p.rebuild IS NOT NULL OR b.checkpoint < t.head),
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
    FROM unnest(_tenants, _names) AS asked (tenant_id, name)
    JOIN everlog.projections AS p ON p.tenant_id = asked.tenant_id AND p.name = asked.name
    JOIN everlog.projection_leases AS l ON l.tenant_id = p.tenant_id AND l.name = p.name
    JOIN everlog.projection_builds AS b ON b.tenant_id = p.tenant_id AND b.name = p.name AND b.build = p.live
    JOIN everlog.tenants AS t ON t.tenant_id = p.tenant_id
    LEFT JOIN everlog.projection_builds AS r
        ON r.tenant_id = p.tenant_id AND r.name = p.name AND r.build = p.rebuild
    LEFT JOIN everlog.tenant_names AS n ON n.tenant_id = p.tenant_id
$$;

CREATE FUNCTION everlog.projections_of_projector(_projector text, _after_tenant integer, _after_name text, _limit bigint) RETURNS TABLE(tenant_id integer, name text, epoch bigint, has_work boolean, tenant text, checkpoint bigint, head bigint, rebuild_checkpoint bigint, state text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
    SELECT p.*
    FROM (
        SELECT array_agg(l.tenant_id) AS tenants, array_agg(l.name) AS names
        FROM (
            SELECT l.tenant_id, l.name FROM everlog.projection_leases AS l
            WHERE l.projector = _projector AND (l.tenant_id, l.name) > (_after_tenant, _after_name)
            ORDER BY l.tenant_id, l.name
            LIMIT _limit
        ) AS l
    ) AS l
    CROSS JOIN LATERAL everlog.projections_as_run(l.tenants, l.names) AS p
    ORDER BY p.tenant_id, p.name
$$;

CREATE FUNCTION everlog.projections_to_run(_limit bigint) RETURNS TABLE(tenant_id integer, name text, epoch bigint, projector text, is_held boolean, has_work boolean, tenant text, checkpoint bigint, head bigint, rebuild_checkpoint bigint, state text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        p.tenant_id, p.name, p.epoch, l.projector,
        everlog.is_lease(l.lease_until) OR l.projector IN (
            SELECT q.projector FROM everlog.projectors AS q WHERE everlog.is_lease(q.lease_until)
        ),
        p.has_work, p.tenant, p.checkpoint, p.head, p.rebuild_checkpoint, p.state
    FROM (
        SELECT array_agg(l.tenant_id) AS tenants, array_agg(l.name) AS names
        FROM (
            SELECT l.tenant_id, l.name FROM everlog.projection_leases AS l
            ORDER BY l.tenant_id, l.name
            LIMIT _limit
        ) AS l
    ) AS o
    CROSS JOIN LATERAL everlog.projections_as_run(o.tenants, o.names) AS p
    JOIN everlog.projection_leases AS l ON l.tenant_id = p.tenant_id AND l.name = p.name
    ORDER BY p.tenant_id, p.name
$$;

CREATE FUNCTION everlog.projector_admission(_tenant integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM everlog.tenants AS t WHERE t.dropping_time IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'everlog.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION everlog.refuse_deletion() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.refuse_when_dropped() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.refuse_when_frozen() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.release_projector(_projector text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    DELETE FROM everlog.projectors AS q WHERE q.projector = _projector;
    UPDATE everlog.projection_leases AS l SET lease_until = '-infinity'
    FROM (
        SELECT k.tenant_id, k.name FROM everlog.projection_leases AS k
        WHERE k.projector = _projector AND k.lease_until > clock_timestamp()
        FOR NO KEY UPDATE OF k SKIP LOCKED
    ) AS n
    WHERE l.tenant_id = n.tenant_id AND l.name = n.name;
END
$$;

CREATE FUNCTION everlog.release_slots(_tenant integer, _consumer uuid, _slots smallint[], _epochs bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = ANY (_slots)
    ORDER BY s.slot
    FOR NO KEY UPDATE;
    UPDATE everlog.consumer_slots AS s SET member_id = NULL
    FROM unnest(_slots, _epochs) AS held (slot, epoch)
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = held.slot
        AND s.epoch = held.epoch;
END
$$;

CREATE FUNCTION everlog.remove_entities(_tenant integer, _generation integer, _rows_max bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.rename_tenant(_name text, _new_name text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.renew_projections(_tenant integer, _names text[], _epochs bigint[], _rates double precision[], _lease_seconds double precision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE everlog.projection_leases AS l
    SET lease_until = clock_timestamp() + _lease_seconds * interval '1 second', events_per_second = n.rate
    FROM (
        SELECT k.name, k.epoch, u.rate FROM unnest(_names, _epochs, _rates) AS u (name, epoch, rate)
        JOIN everlog.projection_leases AS k
            ON k.tenant_id = _tenant AND k.name = u.name AND k.epoch = u.epoch
        WHERE k.tenant_id = _tenant
        ORDER BY k.name
        FOR NO KEY UPDATE OF k SKIP LOCKED
    ) AS n
    WHERE l.tenant_id = _tenant AND l.name = n.name AND l.epoch = n.epoch;
END
$$;

CREATE FUNCTION everlog.renew_projector(_projector text, _lease_seconds double precision, _tenants integer[], _names text[], _epochs bigint[], _rates double precision[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    -- A renewal that a crash loses is made again, a second later.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO everlog.projectors AS q (projector, lease_until)
    VALUES (_projector, clock_timestamp() + _lease_seconds * interval '1 second')
    ON CONFLICT (projector) DO UPDATE SET lease_until = excluded.lease_until;
    UPDATE everlog.projection_leases AS l SET events_per_second = n.rate
    FROM (
        SELECT k.tenant_id, k.name, u.rate
        FROM unnest(_tenants, _names, _epochs, _rates) AS u (tenant_id, name, epoch, rate)
        JOIN everlog.projection_leases AS k
            ON k.tenant_id = u.tenant_id AND k.name = u.name AND k.epoch = u.epoch
        FOR NO KEY UPDATE OF k SKIP LOCKED
    ) AS n
    WHERE l.tenant_id = n.tenant_id AND l.name = n.name;
    DELETE FROM everlog.projectors AS q
    WHERE q.projector IN (
        SELECT o.projector FROM everlog.projectors AS o WHERE o.lease_until < clock_timestamp() - interval '1 hour'
        FOR UPDATE SKIP LOCKED
    );
    DELETE FROM everlog.projection_changes AS c
    USING (
        SELECT k.tenant_id, k.name
        FROM (
            SELECT o.tenant_id, o.name FROM everlog.projection_changes AS o ORDER BY o.transaction_id LIMIT 200
        ) AS o
        JOIN everlog.projection_changes AS k ON k.tenant_id = o.tenant_id AND k.name = o.name
        WHERE k.changed_time < clock_timestamp() - interval '10 minutes'
        FOR UPDATE OF k SKIP LOCKED
    ) AS n
    WHERE c.tenant_id = n.tenant_id AND c.name = n.name;
END
$$;

CREATE FUNCTION everlog.reset_consumer(_tenant integer, _consumer uuid, _position bigint, _discard_parked boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE everlog.consumers AS c
    SET generation = c.generation + 1, updated_time = clock_timestamp(),
        -- What a reset passes over was asked about, or could have been.
        start_position = least(c.start_position, _position)
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer
    ORDER BY s.slot
    FOR NO KEY UPDATE;
    DELETE FROM everlog.consumer_events AS e
    WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer
        AND (_discard_parked OR e.state IN ('retrying', 'replaying', 'skipped'));
    UPDATE everlog.consumer_events AS e SET state = 'parked'
    WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.state = 'blocking';
    DELETE FROM everlog.consumer_lanes AS l WHERE l.tenant_id = _tenant AND l.consumer_id = _consumer;
    DELETE FROM everlog.consumer_instructions AS i
    WHERE i.tenant_id = _tenant AND i.consumer_id = _consumer;
    -- The epoch: what was answered before must not be stored after.
    UPDATE everlog.consumer_slots AS s SET
        epoch = s.epoch + 1,
        checkpoint = _position,
        finished = ARRAY(
            SELECT e.position FROM everlog.consumer_events AS e
            WHERE e.tenant_id = _tenant AND e.consumer_id = _consumer AND e.state = 'parked'
                AND e.slot = s.slot AND e.position > _position
            ORDER BY e.position
        )
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer;
    RETURN true;
END
$$;

CREATE FUNCTION everlog.retire_build(_tenant integer, _name text, _build integer, _leaves_schema boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF NOT _leaves_schema THEN
        INSERT INTO everlog.projection_leftovers (tenant_id, schema_name)
        SELECT b.tenant_id, b.schema_name FROM everlog.projection_builds AS b
        WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _build
        ON CONFLICT DO NOTHING;
    END IF;
    DELETE FROM everlog.projection_builds AS b
    WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _build;
    DELETE FROM everlog.projection_failures AS f
    WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _build;
    DELETE FROM everlog.projection_skips AS s
    WHERE s.tenant_id = _tenant AND s.name = _name AND s.build = _build;
END
$$;

CREATE FUNCTION everlog.retry_projection(_tenant integer, _name text, _position bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    UPDATE everlog.projection_failures AS f SET next_attempt_time = clock_timestamp()
    WHERE f.tenant_id = _tenant AND f.name = _name AND NOT f.is_parked
        AND (_position IS NULL OR f.position = _position);
    RETURN FOUND;
END
$$;

CREATE FUNCTION everlog.revoke_token(_name text, _revoked_time timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE everlog.tokens AS t SET revoked_time = _revoked_time
    WHERE t.name = _name AND t.revoked_time IS NULL;
    IF FOUND THEN
        UPDATE everlog.token_changes SET version = version + 1;
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM everlog.tokens AS t WHERE t.name = _name);
END
$$;

CREATE FUNCTION everlog.run_projection(_schema text, _tenant integer, _after bigint, _through bigint, _events_max integer, _skipped bigint[], _recorded boolean, OUT through bigint, OUT events integer, OUT last_time timestamp with time zone, OUT positions bigint[], OUT offsets integer[], OUT rows integer[], OUT failed_position bigint, OUT failed_handler integer, OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION everlog.run_projection_tables(_schema text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _name text := format('%I.everlog_make_tables', _schema);
BEGIN
    PERFORM FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner
    WHERE p.oid = to_regprocedure(_name || '()') AND p.prosecdef AND r.rolname = 'everlog_projector';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the function of the projection in schema % is not what it was', _schema
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('SELECT %s()', _name);
END
$$;

CREATE FUNCTION everlog.same_entity(_tenant integer, _generation integer, _kind text, _id text, _max bigint) RETURNS TABLE(kind text, id text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
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

CREATE FUNCTION everlog.schemas_to_drop(_limit bigint) RETURNS TABLE(tenant_id integer, schema_name text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT o.tenant_id, o.schema_name FROM everlog.projection_leftovers AS o
    ORDER BY o.tenant_id, o.schema_name
    LIMIT _limit
$$;

CREATE FUNCTION everlog.seal_projection() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _found text;
BEGIN
    SELECT format('%s on %s', c.conname, c.conrelid::regclass) INTO _found FROM pg_constraint AS c
    JOIN pg_class AS r ON r.oid = c.conrelid
    JOIN pg_roles AS o ON o.oid = r.relowner
    -- Foreign and unique keys are checked by PostgreSQL itself; these call functions.
    WHERE c.condeferrable AND c.contype IN ('t', 'x') AND o.rolname = 'everlog_projector'
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a constraint of a projection may not be deferrable: %', _found
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A holdable cursor is read to its end at the commit.
    EXECUTE 'CLOSE ALL';
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

CREATE FUNCTION everlog.seize_slot(_tenant integer, _consumer uuid, _slot smallint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _member uuid;
BEGIN
    SELECT s.member_id INTO _member FROM everlog.consumer_slots AS s
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = _slot
    FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM everlog.consumer_members AS m
        WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.member_id = _member
            AND m.lease_until > clock_timestamp()
    ) THEN
        RETURN false;
    END IF;
    -- The epoch: one that only seems gone can store nothing any more.
    UPDATE everlog.consumer_slots AS s SET epoch = s.epoch + 1, member_id = NULL
    WHERE s.tenant_id = _tenant AND s.consumer_id = _consumer AND s.slot = _slot;
    RETURN true;
END
$$;

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

CREATE FUNCTION everlog.skip_projection(_tenant integer, _name text, _position bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    PERFORM FROM everlog.projection_failures AS f
    WHERE f.tenant_id = _tenant AND f.name = _name AND f.position = _position;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM everlog.projection_failures AS f
    WHERE f.tenant_id = _tenant AND f.name = _name AND f.position = _position;
    INSERT INTO everlog.projection_skips (tenant_id, name, build, position)
    SELECT b.tenant_id, b.name, b.build, _position FROM everlog.projection_builds AS b
    WHERE b.tenant_id = _tenant AND b.name = _name
    ON CONFLICT DO NOTHING;
    RETURN true;
END
$$;

CREATE FUNCTION everlog.switch_projection(_tenant integer, _name text, _epoch bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _live everlog.projection_builds;
    _new everlog.projection_builds;
    _dependents text;
    _has_former boolean;
    _former_schema text;
BEGIN
    PERFORM FROM everlog.projection_leases AS l
    WHERE l.tenant_id = _tenant AND l.name = _name AND l.epoch = _epoch
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;
    SELECT b.* INTO _live FROM everlog.projections AS p
    JOIN everlog.projection_builds AS b ON b.tenant_id = _tenant AND b.name = _name AND b.build = p.live
    WHERE p.tenant_id = _tenant AND p.name = _name AND NOT p.is_paused;
    SELECT b.* INTO _new FROM everlog.projections AS p
    JOIN everlog.projection_builds AS b ON b.tenant_id = _tenant AND b.name = _name AND b.build = p.rebuild
    WHERE p.tenant_id = _tenant AND p.name = _name AND NOT p.is_paused;
    -- One that waits for an event has not come as far, whatever its checkpoint says.
    IF _new IS NULL OR _live IS NULL OR _new.checkpoint <> _live.checkpoint OR EXISTS (
        SELECT FROM everlog.projection_failures AS f
        WHERE f.tenant_id = _tenant AND f.name = _name AND f.build = _new.build AND NOT f.is_parked
            AND f.position <= _live.checkpoint
    ) THEN
        RETURN 'behind';
    END IF;
    -- Somebody may have dropped it: then there is nothing to put aside.
    PERFORM FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
    WHERE n.nspname = _live.schema_name AND r.rolname = 'everlog_projector';
    _has_former := FOUND;
    IF _has_former THEN
        _dependents := everlog.projection_dependents(_live.schema_name);
    END IF;
    IF _dependents IS NULL AND (_new.wanted_schema_name <> _live.schema_name OR NOT _has_former) AND EXISTS (
        SELECT FROM pg_namespace AS n WHERE n.nspname = _new.wanted_schema_name
    ) THEN
        _dependents := format('schema %s, which exists', _new.wanted_schema_name);
    END IF;
    IF _dependents IS NOT NULL THEN
        UPDATE everlog.projection_builds AS b SET blocked_by = _dependents
        WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _new.build
            AND b.blocked_by <> _dependents;
        RETURN 'blocked';
    END IF;

    _former_schema := format('%s__old_%s', left(_live.schema_name, 40), _new.build);
    IF _has_former THEN
        EXECUTE format('ALTER SCHEMA %I RENAME TO %I', _live.schema_name, _former_schema);
    END IF;
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', _new.schema_name, _new.wanted_schema_name);
    EXECUTE format(
        'ALTER FUNCTION %I.everlog_run(integer,bigint,bigint,integer,bigint[],boolean) '
        'SET search_path = %I, pg_catalog',
        _new.wanted_schema_name, _new.wanted_schema_name
    );
    UPDATE everlog.projection_builds AS b SET schema_name = _former_schema
    WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _live.build;
    PERFORM everlog.retire_build(_tenant, _name, _live.build, false);
    DELETE FROM everlog.projection_effects AS e WHERE e.tenant_id = _tenant AND e.name = _name;
    UPDATE everlog.projection_builds AS b SET schema_name = _new.wanted_schema_name, blocked_by = ''
    WHERE b.tenant_id = _tenant AND b.name = _name AND b.build = _new.build;
    UPDATE everlog.projections AS p SET live = _new.build, rebuild = NULL, built_time = now()
    WHERE p.tenant_id = _tenant AND p.name = _name;
    RETURN 'switched';
END
$$;

CREATE FUNCTION everlog.tenant_of_name(_name text) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT n.tenant_id FROM everlog.tenant_names AS n
    JOIN everlog.tenants AS t ON t.tenant_id = n.tenant_id
    WHERE n.name = _name AND t.dropping_time IS NULL
$$;

CREATE FUNCTION everlog.tenants_to_index(_limit bigint) RETURNS SETOF integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION everlog.timeline() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN "left"(pg_walfile_name(pg_current_wal_lsn()), 8);

CREATE FUNCTION everlog.update_consumer(_tenant integer, _consumer uuid, _settings bytea, _expected bigint, OUT version bigint, OUT is_updated boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    SELECT c.version INTO version FROM everlog.consumers AS c
    WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
    FOR NO KEY UPDATE;
    is_updated := version IS NOT NULL AND _expected IN (0, version);
    IF is_updated THEN
        UPDATE everlog.consumers AS c
        SET settings = _settings, version = c.version + 1, generation = c.generation + 1,
            updated_time = clock_timestamp()
        WHERE c.tenant_id = _tenant AND c.consumer_id = _consumer
        RETURNING c.version INTO update_consumer.version;
    END IF;
END
$$;

CREATE FUNCTION everlog.update_projection(_tenant integer, _name text, _seen bytea, _definition bytea, _on_failure integer, _attempts_max integer, _backoff double precision[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM everlog.projection_leases AS l WHERE l.tenant_id = _tenant AND l.name = _name
    FOR NO KEY UPDATE;
    UPDATE everlog.projections AS p
    SET definition = _definition, on_failure = _on_failure, attempts_max = _attempts_max,
        initial_seconds = _backoff[1], multiplier = _backoff[2], max_seconds = _backoff[3],
        jitter = _backoff[4], applied_time = now()
    WHERE p.tenant_id = _tenant AND p.name = _name AND p.definition = _seen;
    RETURN FOUND;
END
$$;

CREATE FUNCTION everlog.values_at(_value jsonb, _steps text[]) RETURNS SETOF jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

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

CREATE TABLE everlog.consumer_events (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    "position" bigint NOT NULL,
    slot smallint NOT NULL,
    event_id uuid NOT NULL,
    aggregate_type text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    attempts integer DEFAULT 0 NOT NULL,
    is_replayed boolean DEFAULT false NOT NULL,
    next_attempt_time timestamp with time zone,
    last_error text DEFAULT ''::text NOT NULL,
    history jsonb DEFAULT '[]'::jsonb NOT NULL,
    parked_time timestamp with time zone,
    CONSTRAINT consumer_events_state_check CHECK ((state = ANY (ARRAY['retrying'::text, 'blocking'::text, 'replaying'::text, 'parked'::text, 'skipped'::text])))
);
ALTER TABLE ONLY everlog.consumer_events ALTER COLUMN consumer_id SET (n_distinct=1);

CREATE TABLE everlog.consumer_instructions (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    instruction_id uuid NOT NULL,
    slot smallint NOT NULL,
    "position" bigint NOT NULL,
    event_id uuid NOT NULL,
    aggregate_type text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL,
    created_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT consumer_instructions_action_check CHECK ((action = ANY (ARRAY['ack'::text, 'retry'::text, 'park'::text])))
);
ALTER TABLE ONLY everlog.consumer_instructions ALTER COLUMN consumer_id SET (n_distinct=1);

CREATE TABLE everlog.consumer_lanes (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    aggregate_type text NOT NULL COLLATE pg_catalog."C",
    aggregate_id text NOT NULL COLLATE pg_catalog."C",
    slot smallint NOT NULL,
    "position" bigint NOT NULL
);
ALTER TABLE ONLY everlog.consumer_lanes ALTER COLUMN consumer_id SET (n_distinct=1);

CREATE TABLE everlog.consumer_members (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    process_id uuid NOT NULL,
    joined_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    is_leaving boolean DEFAULT false NOT NULL,
    in_flight bigint[] DEFAULT '{}'::bigint[] NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.consumer_slots (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    slot smallint NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    member_id uuid,
    checkpoint bigint NOT NULL,
    finished bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    stored bigint DEFAULT 0 NOT NULL,
    timeline text DEFAULT everlog.timeline() NOT NULL
)
WITH (fillfactor='10', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.consumers (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    consumer_id uuid NOT NULL,
    settings bytea NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    start_position bigint NOT NULL,
    created_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE everlog.dropped_tenants (
    tenant_id integer NOT NULL,
    dropped_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE everlog.entities (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    events bigint NOT NULL,
    last_position bigint NOT NULL,
    last_record_time timestamp with time zone
)
WITH (fillfactor='80');

CREATE TABLE everlog.entity_declarations (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    event_types text[] NOT NULL COLLATE pg_catalog."C",
    event_type_prefixes text[] NOT NULL COLLATE pg_catalog."C",
    pointer text NOT NULL COLLATE pg_catalog."C",
    path text[] NOT NULL,
    jsonpath jsonpath,
    steps text[] NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    ignore_case boolean NOT NULL
);

CREATE TABLE everlog.entity_generations (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='10', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.entity_indexes (
    tenant_id integer NOT NULL,
    declared integer NOT NULL,
    current integer NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE everlog.entity_links (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    other_kind text NOT NULL COLLATE pg_catalog."C",
    other_id text NOT NULL COLLATE pg_catalog."C",
    said boolean NOT NULL
);

CREATE TABLE everlog.entity_mentions (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL
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

CREATE TABLE everlog.projection_builds (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    build integer NOT NULL,
    schema_name text NOT NULL,
    checkpoint bigint DEFAULT 0 NOT NULL,
    checkpoint_time timestamp with time zone,
    started_time timestamp with time zone DEFAULT now() NOT NULL,
    blocked_by text DEFAULT ''::text NOT NULL,
    wanted_schema_name text NOT NULL,
    structure bytea NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.projection_changes (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    transaction_id bigint NOT NULL,
    changed_time timestamp with time zone NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.projection_effects (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    through bigint NOT NULL,
    transaction_id bigint NOT NULL,
    committed_time timestamp with time zone NOT NULL,
    positions bigint[] NOT NULL,
    offsets integer[] NOT NULL,
    rows integer[] NOT NULL
);

CREATE TABLE everlog.projection_failures (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    build integer NOT NULL,
    "position" bigint NOT NULL,
    is_parked boolean NOT NULL,
    handler integer NOT NULL,
    statement integer NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    detail text NOT NULL,
    attempts integer NOT NULL,
    failed_time timestamp with time zone NOT NULL,
    next_attempt_time timestamp with time zone
);

CREATE TABLE everlog.projection_leases (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    epoch bigint DEFAULT 0 NOT NULL,
    projector text DEFAULT ''::text NOT NULL,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    events_per_second double precision DEFAULT 0 NOT NULL
)
WITH (fillfactor='10', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.projection_leftovers (
    tenant_id integer NOT NULL,
    schema_name text NOT NULL
);

CREATE TABLE everlog.projection_skips (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    build integer NOT NULL,
    "position" bigint NOT NULL
);

CREATE TABLE everlog.projections (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    definition bytea NOT NULL,
    on_failure smallint NOT NULL,
    attempts_max integer NOT NULL,
    initial_seconds double precision NOT NULL,
    multiplier double precision NOT NULL,
    max_seconds double precision NOT NULL,
    jitter double precision NOT NULL,
    is_paused boolean DEFAULT false NOT NULL,
    live integer DEFAULT 1 NOT NULL,
    rebuild integer,
    last_build integer DEFAULT 1 NOT NULL,
    created_time timestamp with time zone DEFAULT now() NOT NULL,
    applied_time timestamp with time zone DEFAULT now() NOT NULL,
    built_time timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE everlog.projector_secret (
    id integer DEFAULT 1 NOT NULL,
    secret bytea NOT NULL,
    CONSTRAINT projector_secret_id_check CHECK ((id = 1))
);

CREATE TABLE everlog.projectors (
    projector text NOT NULL,
    lease_until timestamp with time zone NOT NULL
)
WITH (fillfactor='10', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_time timestamp with time zone DEFAULT now() NOT NULL,
    serves_from integer
);

CREATE TABLE everlog.tenant_changes (
    id integer DEFAULT 1 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT tenant_changes_id_check CHECK ((id = 1))
);

CREATE TABLE everlog.tenants (
    tenant_id integer NOT NULL,
    head bigint DEFAULT 0 NOT NULL,
    head_event_id uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    last_record_time timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    frozen_time timestamp with time zone,
    dropping_time timestamp with time zone,
    CONSTRAINT tenants_check CHECK (((head = 0) = (head_event_id IS NULL))),
    CONSTRAINT tenants_check1 CHECK (((dropping_time IS NULL) OR (frozen_time IS NOT NULL))),
    CONSTRAINT tenants_head_check CHECK ((head >= 0))
)
WITH (fillfactor='10', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

CREATE TABLE everlog.token_changes (
    is_the_one boolean DEFAULT true NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT token_changes_one_check CHECK (is_the_one)
)
WITH (fillfactor='10');

CREATE TABLE everlog.tokens (
    name text NOT NULL COLLATE pg_catalog."C",
    prefix text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    roles smallint[] NOT NULL,
    tenant_ids integer[] NOT NULL,
    aggregate_types text[] NOT NULL,
    event_types text[] NOT NULL,
    own_only boolean NOT NULL,
    actor text NOT NULL,
    user_id text NOT NULL,
    acts_for_others boolean NOT NULL,
    events_per_second integer NOT NULL,
    calls_per_second integer NOT NULL,
    created_time timestamp with time zone DEFAULT now() NOT NULL,
    expire_time timestamp with time zone,
    revoked_time timestamp with time zone,
    last_used_time timestamp with time zone,
    CONSTRAINT tokens_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT tokens_tenants_check CHECK (((cardinality(tenant_ids) > 0) OR (5 = ANY (roles))))
);

ALTER TABLE ONLY everlog.aggregate_type_versions
    ADD CONSTRAINT aggregate_type_versions_pkey PRIMARY KEY (tenant_id, name, version);

ALTER TABLE ONLY everlog.catalogs
    ADD CONSTRAINT catalogs_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY everlog.consumer_events
    ADD CONSTRAINT consumer_events_pkey PRIMARY KEY (tenant_id, consumer_id, "position");

ALTER TABLE ONLY everlog.consumer_instructions
    ADD CONSTRAINT consumer_instructions_pkey PRIMARY KEY (tenant_id, consumer_id, instruction_id);

ALTER TABLE ONLY everlog.consumer_lanes
    ADD CONSTRAINT consumer_lanes_pkey PRIMARY KEY (tenant_id, consumer_id, aggregate_type, aggregate_id);

ALTER TABLE ONLY everlog.consumer_members
    ADD CONSTRAINT consumer_members_pkey PRIMARY KEY (tenant_id, consumer_id, member_id);

ALTER TABLE ONLY everlog.consumer_slots
    ADD CONSTRAINT consumer_slots_pkey PRIMARY KEY (tenant_id, consumer_id, slot);

ALTER TABLE ONLY everlog.consumers
    ADD CONSTRAINT consumers_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY everlog.consumers
    ADD CONSTRAINT consumers_tenant_id_consumer_id_key UNIQUE (tenant_id, consumer_id);

ALTER TABLE ONLY everlog.dropped_tenants
    ADD CONSTRAINT dropped_tenants_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY everlog.entities
    ADD CONSTRAINT entities_pkey PRIMARY KEY (tenant_id, generation, kind, id);

ALTER TABLE ONLY everlog.entity_declarations
    ADD CONSTRAINT entity_declarations_pkey PRIMARY KEY (tenant_id, generation, name);

ALTER TABLE ONLY everlog.entity_generations
    ADD CONSTRAINT entity_generations_pkey PRIMARY KEY (tenant_id, generation);

ALTER TABLE ONLY everlog.entity_indexes
    ADD CONSTRAINT entity_indexes_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY everlog.entity_links
    ADD CONSTRAINT entity_links_pkey PRIMARY KEY (tenant_id, generation, kind, id, other_kind, other_id, said);

ALTER TABLE ONLY everlog.entity_mentions
    ADD CONSTRAINT entity_mentions_pkey PRIMARY KEY (tenant_id, generation, kind, id, "position");

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

ALTER TABLE ONLY everlog.projection_builds
    ADD CONSTRAINT projection_builds_pkey PRIMARY KEY (tenant_id, name, build);

ALTER TABLE ONLY everlog.projection_changes
    ADD CONSTRAINT projection_changes_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY everlog.projection_effects
    ADD CONSTRAINT projection_effects_pkey PRIMARY KEY (tenant_id, name, through);

ALTER TABLE ONLY everlog.projection_failures
    ADD CONSTRAINT projection_failures_pkey PRIMARY KEY (tenant_id, name, build, "position");

ALTER TABLE ONLY everlog.projection_leases
    ADD CONSTRAINT projection_leases_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY everlog.projection_leftovers
    ADD CONSTRAINT projection_leftovers_pkey PRIMARY KEY (tenant_id, schema_name);

ALTER TABLE ONLY everlog.projection_skips
    ADD CONSTRAINT projection_skips_pkey PRIMARY KEY (tenant_id, name, build, "position");

ALTER TABLE ONLY everlog.projections
    ADD CONSTRAINT projections_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY everlog.projector_secret
    ADD CONSTRAINT projector_secret_pkey PRIMARY KEY (id);

ALTER TABLE ONLY everlog.projectors
    ADD CONSTRAINT projectors_pkey PRIMARY KEY (projector);

ALTER TABLE ONLY everlog.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY everlog.tenant_changes
    ADD CONSTRAINT tenant_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY everlog.tenant_names
    ADD CONSTRAINT tenant_names_pkey PRIMARY KEY (name);

ALTER TABLE ONLY everlog.tenant_names
    ADD CONSTRAINT tenant_names_tenant_id_key UNIQUE (tenant_id);

ALTER TABLE ONLY everlog.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY everlog.token_changes
    ADD CONSTRAINT token_changes_pkey PRIMARY KEY (is_the_one);

ALTER TABLE ONLY everlog.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (name);

CREATE INDEX consumer_events_aggregate_idx ON everlog.consumer_events USING btree (tenant_id, consumer_id, aggregate_type, aggregate_id, "position");

CREATE INDEX consumer_events_replaying_idx ON everlog.consumer_events USING btree (tenant_id, consumer_id, slot, (
CASE
    WHEN (next_attempt_time IS NULL) THEN '-infinity'::timestamp with time zone
    ELSE next_attempt_time
END), "position") WHERE (state = 'replaying'::text);

CREATE INDEX consumer_events_slot_idx ON everlog.consumer_events USING btree (tenant_id, consumer_id, slot, state, "position") WHERE (state <> 'parked'::text);

CREATE INDEX consumer_events_state_idx ON everlog.consumer_events USING btree (tenant_id, consumer_id, state, "position");

CREATE INDEX consumer_instructions_slot_idx ON everlog.consumer_instructions USING btree (tenant_id, consumer_id, slot, created_time);

CREATE INDEX consumer_lanes_slot_idx ON everlog.consumer_lanes USING btree (tenant_id, consumer_id, slot, "position");

CREATE INDEX event_links_related_event_id_idx ON everlog.event_links USING btree (tenant_id, related_event_id, event_id);

CREATE INDEX event_types_revision_idx ON everlog.event_types USING btree (tenant_id, revision);

CREATE INDEX events_causation_id_idx ON everlog.events USING btree (tenant_id, causation_id, "position") WHERE (causation_id IS NOT NULL);

CREATE INDEX events_correlation_id_idx ON everlog.events USING btree (tenant_id, correlation_id, "position") WHERE (correlation_id IS NOT NULL);

CREATE INDEX events_event_type_idx ON everlog.events USING btree (tenant_id, event_type, "position");

CREATE UNIQUE INDEX events_idempotency_key_key ON everlog.events USING btree (tenant_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX events_user_id_idx ON everlog.events USING btree (tenant_id, user_id, "position") WHERE (user_id IS NOT NULL);

CREATE INDEX projection_changes_by_transaction ON everlog.projection_changes USING btree (transaction_id);

CREATE INDEX projection_failures_waiting ON everlog.projection_failures USING btree (tenant_id, name, build) WHERE (NOT is_parked);

CREATE INDEX projection_leases_by_projector ON everlog.projection_leases USING btree (projector, tenant_id, name);

CREATE INDEX tokens_by_prefix ON everlog.tokens USING btree (prefix);

CREATE TRIGGER beginnings_are_noted AFTER INSERT ON everlog.projection_failures FOR EACH ROW WHEN ((NOT new.is_parked)) EXECUTE FUNCTION everlog.note_projection_change();

CREATE TRIGGER catalogs_are_frozen_with_their_tenant BEFORE INSERT OR UPDATE ON everlog.catalogs FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_frozen();

CREATE TRIGGER changes_are_noted AFTER UPDATE ON everlog.projection_failures FOR EACH ROW WHEN ((NOT (old.is_parked AND new.is_parked))) EXECUTE FUNCTION everlog.note_projection_change();

CREATE TRIGGER changes_are_noted AFTER UPDATE OF epoch ON everlog.projection_leases FOR EACH ROW WHEN (((old.epoch <> new.epoch) AND (old.projector <> ''::text))) EXECUTE FUNCTION everlog.note_projection_change();

CREATE TRIGGER changes_are_noted AFTER DELETE OR UPDATE OF is_paused, live, rebuild ON everlog.projections FOR EACH ROW EXECUTE FUNCTION everlog.note_projection_change();

CREATE TRIGGER consumers_have_a_tenant BEFORE INSERT ON everlog.consumers FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_dropped();

CREATE TRIGGER declarations_are_frozen_with_their_tenant BEFORE INSERT OR UPDATE OF declared ON everlog.entity_indexes FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_frozen();

CREATE TRIGGER ends_are_noted AFTER DELETE ON everlog.projection_failures FOR EACH ROW WHEN ((NOT old.is_parked)) EXECUTE FUNCTION everlog.note_projection_change();

CREATE TRIGGER event_links_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON everlog.event_links FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_change();

CREATE TRIGGER event_links_stay AFTER DELETE ON everlog.event_links REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_deletion();

CREATE TRIGGER events_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON everlog.events FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_change();

CREATE TRIGGER events_stay AFTER DELETE ON everlog.events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION everlog.refuse_deletion();

CREATE TRIGGER projections_have_a_tenant BEFORE INSERT ON everlog.projections FOR EACH ROW EXECUTE FUNCTION everlog.refuse_when_dropped();

CREATE TRIGGER slots_note_their_timeline BEFORE UPDATE OF epoch ON everlog.consumer_slots FOR EACH ROW EXECUTE FUNCTION everlog.note_timeline();

CREATE TRIGGER tenant_names_changed AFTER DELETE OR UPDATE ON everlog.tenant_names FOR EACH STATEMENT EXECUTE FUNCTION everlog.note_tenant_names();

ALTER TABLE everlog.aggregate_type_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.catalogs ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.consumer_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.consumer_instructions ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.consumer_lanes ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.consumer_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.consumer_slots ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.consumers ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.dropped_tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.entities ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.entity_declarations ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.entity_generations ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.entity_indexes ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.entity_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.entity_mentions ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.event_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.event_type_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.event_types ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.events ENABLE ROW LEVEL SECURITY;

CREATE POLICY of_admitted_tenant ON everlog.events AS RESTRICTIVE FOR SELECT TO everlog_projector USING ((tenant_id = ( SELECT everlog.admitted_tenant() AS admitted_tenant)));

CREATE POLICY of_one_tenant ON everlog.aggregate_type_versions FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.catalogs FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.consumer_events FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.consumer_instructions FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.consumer_lanes FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.consumer_members FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.consumer_slots FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.consumers FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.dropped_tenants FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.entities FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.entity_declarations FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.entity_generations FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.entity_indexes FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.entity_links FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.entity_mentions FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.event_links FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.event_type_versions FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.event_types FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.events FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_builds FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_changes FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_effects FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_failures FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_leases FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_leftovers FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projection_skips FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.projections FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.tenant_names FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

CREATE POLICY of_one_tenant ON everlog.tenants FOR SELECT USING ((tenant_id = (NULLIF(current_setting('everlog.tenant_id'::text, true), ''::text))::integer));

ALTER TABLE everlog.projection_builds ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projection_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projection_effects ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projection_failures ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projection_leases ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projection_leftovers ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projection_skips ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.projections ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.tenant_names ENABLE ROW LEVEL SECURITY;

ALTER TABLE everlog.tenants ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA everlog TO everlog_service;
GRANT USAGE ON SCHEMA everlog TO everlog_projector;

REVOKE ALL ON FUNCTION everlog.admit_projector(_tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.admit_projector(_tenant integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.admitted_tenant() FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.admitted_tenant() TO everlog_projector;

REVOKE ALL ON FUNCTION everlog.append(_tenant integer, _epoch bigint, _head bigint, _head_event_id uuid, _checked_keys text[], _checked_event_ids uuid[], _assumed_types text[], _assumed_ids text[], _assumed_sequences bigint[], _record_time timestamp with time zone, _aggregate_types text[], _aggregate_ids text[], _sequences bigint[], _event_ids uuid[], _event_types text[], _occurred_times timestamp with time zone[], _documentables boolean[], _sources text[], _correlation_ids text[], _causation_ids uuid[], _actors text[], _user_ids text[], _idempotency_keys text[], _fingerprints bytea[], _data jsonb[], _metadata jsonb[], _intents jsonb[], _contexts jsonb[], _records bytea[], _link_event_ids uuid[], _link_related_event_ids uuid[], _link_kinds text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.append(_tenant integer, _epoch bigint, _head bigint, _head_event_id uuid, _checked_keys text[], _checked_event_ids uuid[], _assumed_types text[], _assumed_ids text[], _assumed_sequences bigint[], _record_time timestamp with time zone, _aggregate_types text[], _aggregate_ids text[], _sequences bigint[], _event_ids uuid[], _event_types text[], _occurred_times timestamp with time zone[], _documentables boolean[], _sources text[], _correlation_ids text[], _causation_ids uuid[], _actors text[], _user_ids text[], _idempotency_keys text[], _fingerprints bytea[], _data jsonb[], _metadata jsonb[], _intents jsonb[], _contexts jsonb[], _records bytea[], _link_event_ids uuid[], _link_related_event_ids uuid[], _link_kinds text[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.apply_decision(_tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid, _aggregate_type text, _aggregate_id text, _action text, _reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.begin_drop(_name text, _head bigint, OUT outcome text, OUT tenant_id integer, OUT head bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.begin_drop(_name text, _head bigint, OUT outcome text, OUT tenant_id integer, OUT head bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.begin_rebuild(_tenant integer, _name text, _build integer, _schema text, _wanted_schema text, _structure bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.begin_rebuild(_tenant integer, _name text, _build integer, _schema text, _wanted_schema text, _structure bytea) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.cancel_rebuild(_tenant integer, _name text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.cancel_rebuild(_tenant integer, _name text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.change_catalog(_tenant integer, _revision bigint, _is_strict boolean, _names text[], _versions integer[], _definitions bytea[], _deprecated_times timestamp with time zone[], _deprecation_notes text[], _aggregate_names text[], _aggregate_versions integer[], _aggregate_definitions bytea[], _time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.change_catalog(_tenant integer, _revision bigint, _is_strict boolean, _names text[], _versions integer[], _definitions bytea[], _deprecated_times timestamp with time zone[], _deprecation_notes text[], _aggregate_names text[], _aggregate_versions integer[], _aggregate_definitions bytea[], _time timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.changes_for_projector(_projector text, _since bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.changes_for_projector(_projector text, _since bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.claim_projection(_tenant integer, _name text, _projector text, _lease_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.claim_projection(_tenant integer, _name text, _projector text, _lease_seconds double precision) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.claim_projections(_projector text, _limit integer, _lease_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.claim_projections(_projector text, _limit integer, _lease_seconds double precision) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.consumer_beat(_tenant integer, _consumer uuid, _process uuid, _lease_ms integer, _members uuid[], _names text[], _leaving boolean[], _in_flight jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.consumer_beat(_tenant integer, _consumer uuid, _process uuid, _lease_ms integer, _members uuid[], _names text[], _leaving boolean[], _in_flight jsonb) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.consumer_store(_tenant integer, _consumer uuid, _number bigint, _slots smallint[], _epochs bigint[], _checkpoints bigint[], _finished text[], _events jsonb, _gone_slots smallint[], _gone_positions bigint[], _lanes jsonb, _instructions uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.consumer_store(_tenant integer, _consumer uuid, _number bigint, _slots smallint[], _epochs bigint[], _checkpoints bigint[], _finished text[], _events jsonb, _gone_slots smallint[], _gone_positions bigint[], _lanes jsonb, _instructions uuid[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.create_consumer(_tenant integer, _name text, _consumer uuid, _settings bytea, _position bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.create_consumer(_tenant integer, _name text, _consumer uuid, _settings bytea, _position bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.create_projection(_tenant integer, _name text, _schema text, _definition bytea, _structure bytea, _on_failure integer, _attempts_max integer, _backoff double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.create_projection(_tenant integer, _name text, _schema text, _definition bytea, _structure bytea, _on_failure integer, _attempts_max integer, _backoff double precision[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.create_projection_schema(_schema text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.create_projection_schema(_schema text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.create_tenant(_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.create_tenant(_name text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.create_token(_name text, _prefix text, _digest bytea, _roles smallint[], _tenant_ids integer[], _aggregate_types text[], _event_types text[], _own_only boolean, _actor text, _user_id text, _acts_for_others boolean, _events_per_second integer, _calls_per_second integer, _created_time timestamp with time zone, _expire_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.create_token(_name text, _prefix text, _digest bytea, _roles smallint[], _tenant_ids integer[], _aggregate_types text[], _event_types text[], _own_only boolean, _actor text, _user_id text, _acts_for_others boolean, _events_per_second integer, _calls_per_second integer, _created_time timestamp with time zone, _expire_time timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.cut_leases(_tenant integer, _consumer uuid, _lease_ms integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.cut_leases(_tenant integer, _consumer uuid, _lease_ms integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.decide_event(_tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid, _aggregate_type text, _aggregate_id text, _action text, _reason text, _instruction uuid, _again boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.decide_event(_tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid, _aggregate_type text, _aggregate_id text, _action text, _reason text, _instruction uuid, _again boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.declare_entities(_tenant integer, _declared integer, _declarations jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.declare_entities(_tenant integer, _declared integer, _declarations jsonb) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.define_projection_function(_schema text, _is_of_tables boolean, _body text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.define_projection_function(_schema text, _is_of_tables boolean, _body text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.delete_consumer(_tenant integer, _consumer uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.delete_consumer(_tenant integer, _consumer uuid) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.delete_projection(_tenant integer, _name text, _keeps_tables boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.delete_projection(_tenant integer, _name text, _keeps_tables boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.drop_piece(_tenant integer, _rows_max bigint, OUT events bigint, OUT is_done boolean, OUT blocked_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.drop_piece(_tenant integer, _rows_max bigint, OUT events bigint, OUT is_done boolean, OUT blocked_by text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.drop_projection_schema(_tenant integer, _schema text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.drop_projection_schema(_tenant integer, _schema text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.entity_id(_id text, _ignore_case boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.entity_id(_id text, _ignore_case boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.entity_id_of_kind(_tenant integer, _generation integer, _kind text, _id text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.entity_id_of_kind(_tenant integer, _generation integer, _kind text, _id text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.entity_index_state(_tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.entity_index_state(_tenant integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.entity_text(_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.follow_entities(_tenant integer, _events_max bigint, _removed_rows_max bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.follow_entities(_tenant integer, _events_max bigint, _removed_rows_max bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.forget_failure(_tenant integer, _name text, _build integer, _position bigint, _handler integer, _statement integer, _sqlstate text, _message text, _detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.free_projections(_limit bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.freeze_tenant(_name text, _undo boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.freeze_tenant(_name text, _undo boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.grant_projection(_schema text, _readers text[], _former text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.grant_projection(_schema text, _readers text[], _former text[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.index_entities(_tenant integer, _generation integer, _events_max bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.is_lease(_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.is_lease(_until timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.join_consumer(_tenant integer, _consumer uuid, _member uuid, _name text, _process uuid, _lease_ms integer, _members_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.join_consumer(_tenant integer, _consumer uuid, _member uuid, _name text, _process uuid, _lease_ms integer, _members_max integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.last_attempts(_history jsonb, _failed jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.leave_consumer(_tenant integer, _consumer uuid, _members uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.leave_consumer(_tenant integer, _consumer uuid, _members uuid[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.list_tenants(_name text, _after text, _limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.list_tenants(_name text, _after text, _limit bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.lock_head(_tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.lock_head(_tenant integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.log_ends() FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.log_ends() TO everlog_service;

REVOKE ALL ON FUNCTION everlog.log_heads(_tenants integer[], _positions bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.log_heads(_tenants integer[], _positions bigint[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.move_parked(_tenant integer, _consumer uuid, _is_ordered boolean, _positions bigint[], _action text, _all_or_nothing boolean, OUT moved bigint, OUT asked uuid[], OUT missing bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.move_parked(_tenant integer, _consumer uuid, _is_ordered boolean, _positions bigint[], _action text, _all_or_nothing boolean, OUT moved bigint, OUT asked uuid[], OUT missing bigint[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.names_of_tenants(_tenants integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.names_of_tenants(_tenants integer[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.note_failure(_tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _position bigint, _handler integer, _statement integer, _sqlstate text, _message text, _detail text, _random double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.note_failure(_tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _position bigint, _handler integer, _statement integer, _sqlstate text, _message text, _detail text, _random double precision) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.note_projection_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.note_tenant_names() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.note_timeline() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.note_tokens_used(_names text[], _used_times timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.note_tokens_used(_names text[], _used_times timestamp with time zone[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.note_window(_tenant integer, _name text, _build integer, _through bigint, _last_time timestamp with time zone, _positions bigint[], _offsets integer[], _rows integer[], _lease_seconds double precision, _kept_positions bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.number_rebuild(_tenant integer, _name text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.number_rebuild(_tenant integer, _name text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.pause_projection(_tenant integer, _name text, _is_paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.pause_projection(_tenant integer, _name text, _is_paused boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.position_before(_tenant integer, _time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.position_before(_tenant integer, _time timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.project_parked(_tenant integer, _name text, _position bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.project_parked(_tenant integer, _name text, _position bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.project_window(_tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _until bigint, _events_max integer, _positions_max bigint, _lease_seconds double precision, _kept_positions bigint, OUT outcome text, OUT checkpoint bigint, OUT target bigint, OUT events integer, OUT wait_seconds double precision, OUT failed_position bigint, OUT failed_handler integer, OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.project_window(_tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _until bigint, _events_max integer, _positions_max bigint, _lease_seconds double precision, _kept_positions bigint, OUT outcome text, OUT checkpoint bigint, OUT target bigint, OUT events integer, OUT wait_seconds double precision, OUT failed_position bigint, OUT failed_handler integer, OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.projection_dependents(_schema text) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.projections_as_run(_tenants integer[], _names text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.projections_as_run(_tenants integer[], _names text[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.projections_of_projector(_projector text, _after_tenant integer, _after_name text, _limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.projections_of_projector(_projector text, _after_tenant integer, _after_name text, _limit bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.projections_to_run(_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.projections_to_run(_limit bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.projector_admission(_tenant integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.raise_epoch(_tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.raise_epoch(_tenant integer) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.refuse_deletion() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.refuse_when_dropped() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.refuse_when_frozen() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.release_projector(_projector text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.release_projector(_projector text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.release_slots(_tenant integer, _consumer uuid, _slots smallint[], _epochs bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.release_slots(_tenant integer, _consumer uuid, _slots smallint[], _epochs bigint[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.remove_entities(_tenant integer, _generation integer, _rows_max bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.rename_tenant(_name text, _new_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.rename_tenant(_name text, _new_name text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.renew_projections(_tenant integer, _names text[], _epochs bigint[], _rates double precision[], _lease_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.renew_projections(_tenant integer, _names text[], _epochs bigint[], _rates double precision[], _lease_seconds double precision) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.renew_projector(_projector text, _lease_seconds double precision, _tenants integer[], _names text[], _epochs bigint[], _rates double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.renew_projector(_projector text, _lease_seconds double precision, _tenants integer[], _names text[], _epochs bigint[], _rates double precision[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.reset_consumer(_tenant integer, _consumer uuid, _position bigint, _discard_parked boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.reset_consumer(_tenant integer, _consumer uuid, _position bigint, _discard_parked boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.retire_build(_tenant integer, _name text, _build integer, _leaves_schema boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.retry_projection(_tenant integer, _name text, _position bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.retry_projection(_tenant integer, _name text, _position bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.revoke_token(_name text, _revoked_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.revoke_token(_name text, _revoked_time timestamp with time zone) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.run_projection(_schema text, _tenant integer, _after bigint, _through bigint, _events_max integer, _skipped bigint[], _recorded boolean, OUT through bigint, OUT events integer, OUT last_time timestamp with time zone, OUT positions bigint[], OUT offsets integer[], OUT rows integer[], OUT failed_position bigint, OUT failed_handler integer, OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.run_projection_tables(_schema text) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.same_entity(_tenant integer, _generation integer, _kind text, _id text, _max bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.same_entity(_tenant integer, _generation integer, _kind text, _id text, _max bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.schemas_to_drop(_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.schemas_to_drop(_limit bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.seal_projection() FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.seal_projection() TO everlog_service;

REVOKE ALL ON FUNCTION everlog.search_text(_event_type text, _aggregate_id text, _data jsonb, _metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.search_text(_event_type text, _aggregate_id text, _data jsonb, _metadata jsonb) TO everlog_service;
GRANT ALL ON FUNCTION everlog.search_text(_event_type text, _aggregate_id text, _data jsonb, _metadata jsonb) TO everlog_projector;

REVOKE ALL ON FUNCTION everlog.seize_slot(_tenant integer, _consumer uuid, _slot smallint) FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.sequence_through(_tenant integer, _aggregate_type text, _aggregate_id text, _position bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.sequence_through(_tenant integer, _aggregate_type text, _aggregate_id text, _position bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.skip_projection(_tenant integer, _name text, _position bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.skip_projection(_tenant integer, _name text, _position bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.switch_projection(_tenant integer, _name text, _epoch bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.switch_projection(_tenant integer, _name text, _epoch bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.tenant_of_name(_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.tenant_of_name(_name text) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.tenants_to_index(_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.tenants_to_index(_limit bigint) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.timeline() FROM PUBLIC;

REVOKE ALL ON FUNCTION everlog.update_consumer(_tenant integer, _consumer uuid, _settings bytea, _expected bigint, OUT version bigint, OUT is_updated boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.update_consumer(_tenant integer, _consumer uuid, _settings bytea, _expected bigint, OUT version bigint, OUT is_updated boolean) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.update_projection(_tenant integer, _name text, _seen bytea, _definition bytea, _on_failure integer, _attempts_max integer, _backoff double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION everlog.update_projection(_tenant integer, _name text, _seen bytea, _definition bytea, _on_failure integer, _attempts_max integer, _backoff double precision[]) TO everlog_service;

REVOKE ALL ON FUNCTION everlog.values_at(_value jsonb, _steps text[]) FROM PUBLIC;

GRANT SELECT ON TABLE everlog.aggregate_type_versions TO everlog_service;

GRANT SELECT ON TABLE everlog.catalogs TO everlog_service;

GRANT SELECT ON TABLE everlog.consumer_events TO everlog_service;

GRANT SELECT ON TABLE everlog.consumer_instructions TO everlog_service;

GRANT SELECT ON TABLE everlog.consumer_lanes TO everlog_service;

GRANT SELECT ON TABLE everlog.consumer_members TO everlog_service;

GRANT SELECT ON TABLE everlog.consumer_slots TO everlog_service;

GRANT SELECT ON TABLE everlog.consumers TO everlog_service;

GRANT SELECT ON TABLE everlog.entities TO everlog_service;

GRANT SELECT ON TABLE everlog.entity_declarations TO everlog_service;

GRANT SELECT ON TABLE everlog.entity_generations TO everlog_service;

GRANT SELECT ON TABLE everlog.entity_indexes TO everlog_service;

GRANT SELECT ON TABLE everlog.entity_links TO everlog_service;

GRANT SELECT ON TABLE everlog.entity_mentions TO everlog_service;

GRANT SELECT ON TABLE everlog.event_links TO everlog_service;

GRANT SELECT ON TABLE everlog.events TO everlog_service;
GRANT SELECT ON TABLE everlog.events TO everlog_projector;

GRANT SELECT ON TABLE everlog.tenant_names TO everlog_service;

GRANT SELECT ON TABLE everlog.event_stream TO everlog_service;

GRANT SELECT ON TABLE everlog.event_type_versions TO everlog_service;

GRANT SELECT ON TABLE everlog.event_types TO everlog_service;

GRANT SELECT ON TABLE everlog.projection_builds TO everlog_service;

GRANT SELECT ON TABLE everlog.projection_effects TO everlog_service;

GRANT SELECT ON TABLE everlog.projection_failures TO everlog_service;

GRANT SELECT ON TABLE everlog.projection_leases TO everlog_service;

GRANT SELECT ON TABLE everlog.projection_leftovers TO everlog_service;

GRANT SELECT ON TABLE everlog.projection_skips TO everlog_service;

GRANT SELECT ON TABLE everlog.projections TO everlog_service;

GRANT SELECT ON TABLE everlog.projectors TO everlog_service;

GRANT SELECT ON TABLE everlog.schema_migrations TO everlog_service;

GRANT SELECT ON TABLE everlog.tenant_changes TO everlog_service;

GRANT SELECT ON TABLE everlog.tenants TO everlog_service;

GRANT SELECT ON TABLE everlog.token_changes TO everlog_service;

GRANT SELECT ON TABLE everlog.tokens TO everlog_service;
