-- Projections: tables that the log keeps up to date, each set in a schema of its own.
--
-- A definition is SQL of somebody's. It is compiled into one function in the projection's schema, which takes
-- a window of the log and runs what it says for each event; the effects and the projection's place in the log
-- are committed together, by project_window() below.
--
-- That SQL runs as the role everlog_projector, which owns the projections' schemas, may read events, and may
-- do nothing else. What it could try in order to become somebody else, and what stands against it:
--   SET ROLE, SET SESSION AUTHORIZATION   refused by PostgreSQL inside of a SECURITY DEFINER function, and it
--                                         only ever runs inside of run_projection()
--   ALTER FUNCTION … SECURITY INVOKER     it owns its own function: run_projection() looks each time, and is
--                                         owned by a role that could not do harm either
--   deferred triggers, cursors WITH HOLD  would run at the commit, when nothing above holds any more:
--                                         seal_projection() refuses the ones and closes the others
--   SET search_path, with operators       outlives the function. What follows it in the transaction is
--                                         qualified, or has a search path of its own; the caller does
--                                         RESET ALL before anything else

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'everlog_projector') THEN
        CREATE ROLE everlog_projector NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Who migrates makes the schemas, and gives them away: that takes a member. See 0001_event_log.sql.
DO $$
DECLARE
    _right text := CASE
        WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN 'SET'
        ELSE 'MEMBER'
    END;
BEGIN
    IF NOT pg_catalog.pg_has_role(current_user, 'everlog_projector', _right) THEN
        EXECUTE pg_catalog.format('GRANT everlog_projector TO %I', current_user);
    END IF;
END
$$;

-- What was applied.
CREATE TABLE everlog.projections (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- A serialized ProjectionDefinition, the last one applied.
    definition bytea NOT NULL,
    -- Of it: 1 stop, 2 retry, 3 park.
    on_failure smallint NOT NULL,
    attempts_max integer NOT NULL,
    initial_seconds double precision NOT NULL,
    multiplier double precision NOT NULL,
    max_seconds double precision NOT NULL,
    jitter double precision NOT NULL,
    is_paused boolean NOT NULL DEFAULT false,
    -- The build that is read, the one that is to take its place, and the last number given.
    live integer NOT NULL DEFAULT 1,
    rebuild integer,
    last_build integer NOT NULL DEFAULT 1,
    created_time timestamptz NOT NULL DEFAULT now(),
    applied_time timestamptz NOT NULL DEFAULT now(),
    built_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name)
);

-- Which process works on a projection. The row is also the lock of the projection: whoever changes anything of
-- it locks this row first, to the end of the transaction. Updated all the time: see everlog.tenants.
CREATE TABLE everlog.projection_leases (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Raised with each change of hands: what the last holder still sends is refused.
    epoch bigint NOT NULL DEFAULT 0,
    projector text NOT NULL DEFAULT '',
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    events_per_second double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, name)
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The tables of a projection, made by one definition from the start of the log on.
CREATE TABLE everlog.projection_builds (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    build integer NOT NULL,
    schema_name text NOT NULL,
    checkpoint bigint NOT NULL DEFAULT 0,
    -- The record time of the last event that took effect.
    checkpoint_time timestamptz,
    started_time timestamptz NOT NULL DEFAULT now(),
    blocked_by text NOT NULL DEFAULT '',
    -- The schema that it takes when it takes the live one's place.
    wanted_schema_name text NOT NULL,
    -- What of the definition makes the tables, serialized.
    structure bytea NOT NULL,
    PRIMARY KEY (tenant_id, name, build)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Events whose SQL failed: those that are parked, and the one that a build waits for. At position 0: why the
-- build can't run at all, with no event to blame.
CREATE TABLE everlog.projection_failures (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    build integer NOT NULL,
    position bigint NOT NULL,
    is_parked boolean NOT NULL,
    handler integer NOT NULL,
    statement integer NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    detail text NOT NULL,
    attempts integer NOT NULL,
    failed_time timestamptz NOT NULL,
    -- Null: nobody will by himself.
    next_attempt_time timestamptz,
    PRIMARY KEY (tenant_id, name, build, position)
);

-- What is waited for is looked up before each window, however many are parked.
CREATE INDEX projection_failures_waiting ON everlog.projection_failures (tenant_id, name, build) WHERE NOT is_parked;

-- Events that somebody decided to do without.
CREATE TABLE everlog.projection_skips (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    build integer NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, name, build, position)
);

-- What the latest events did: a row a window. The arrays are parallel, but for `rows`: of each statement of
-- each event, from the event's offset on.
CREATE TABLE everlog.projection_effects (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    through bigint NOT NULL,
    transaction_id bigint NOT NULL,
    committed_time timestamptz NOT NULL,
    positions bigint[] NOT NULL,
    offsets integer[] NOT NULL,
    rows integer[] NOT NULL,
    PRIMARY KEY (tenant_id, name, through)
);

-- Schemas that nobody needs any more. Dropped by themselves: that waits for those who still read them.
CREATE TABLE everlog.projection_leftovers (
    tenant_id integer NOT NULL,
    schema_name text NOT NULL,
    PRIMARY KEY (tenant_id, schema_name)
);

-- What a projection's schema has that is not its own: who drops the schema would drop that too, or fail.
CREATE FUNCTION everlog.projection_dependents(_schema text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
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

-- Runs a projection's function: the only place from where the SQL of a definition is reached.
--
-- Owned by everlog_service, see below: it protects by being SECURITY DEFINER, and needs no rights of its own.
-- Everything after the call of it must be qualified, operators too: its SQL may have set a search path.
CREATE FUNCTION everlog.run_projection(
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
    EXECUTE format('SELECT * FROM %s($1, $2, $3, $4, $5, $6)', _name)
        INTO through, events, last_time, positions, offsets, rows, failed_position, failed_handler,
            failed_statement, is_of_window, sqlstate, message, detail
        USING _tenant, _after, _through, _events_max, _skipped, _recorded;
END
$$;

-- The same for the SQL that makes the tables.
CREATE FUNCTION everlog.run_projection_tables(_schema text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- What must be so before a transaction commits in which SQL of a definition ran: nothing of it runs later.
CREATE FUNCTION everlog.seal_projection() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Notes what a window has come to. The caller holds the projection's lock.
CREATE FUNCTION everlog.note_window(
    _tenant integer, _name text, _build integer, _through bigint, _last_time timestamptz, _positions bigint[],
    _offsets integer[], _rows integer[], _lease_seconds double precision, _kept_positions bigint
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Takes a projection one window further: its live build, or the one that is being made anew, which never
-- passes the live one. Effects and checkpoint are committed together.
--
-- Answers with one word:
--   gone      there is no such projection, or no such build
--   lost      somebody else works on it now
--   paused, stopped   it rests until somebody says otherwise
--   waiting   an event is tried again in so many seconds
--   idle      it has come as far as it can
--   advanced  it has come further
--   failed    an event failed; nothing has changed
CREATE FUNCTION everlog.project_window(
    _tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _until bigint, _events_max integer,
    _positions_max bigint, _lease_seconds double precision, _kept_positions bigint,
    OUT outcome text, OUT checkpoint bigint, OUT target bigint, OUT events integer,
    OUT wait_seconds double precision, OUT failed_position bigint, OUT failed_handler integer,
    OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Notes that an event failed, and decides what becomes of it; everything before it must have taken effect.
-- At position 0 the build itself can't run: that is tried again, whatever the policy says of events.
-- False: somebody else works on the projection now.
CREATE FUNCTION everlog.note_failure(
    _tenant integer, _name text, _epoch bigint, _is_rebuild boolean, _position bigint, _handler integer,
    _statement integer, _sqlstate text, _message text, _detail text, _random double precision
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Tries a parked event of the live build again. Answers `applied`, `failed`, or `gone` when it is not parked.
CREATE FUNCTION everlog.project_parked(_tenant integer, _name text, _position bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Takes a parked event off the list, or, when it failed again, notes why.
CREATE FUNCTION everlog.forget_failure(
    _tenant integer, _name text, _build integer, _position bigint, _handler integer, _statement integer,
    _sqlstate text, _message text, _detail text
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Has the event that a build waits for tried again as soon as may be: of the live build and of the one that is
-- being made, or of only one event. False: none waits.
CREATE FUNCTION everlog.retry_projection(_tenant integer, _name text, _position bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Does without an event that failed, in all builds that there are. False: it did not fail.
CREATE FUNCTION everlog.skip_projection(_tenant integer, _name text, _position bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

CREATE FUNCTION everlog.pause_projection(_tenant integer, _name text, _is_paused boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Takes the lease of a projection that nobody holds. Null: somebody does, or is at work on it just now.
CREATE FUNCTION everlog.claim_projection(
    _tenant integer, _name text, _projector text, _lease_seconds double precision
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    _epoch bigint;
BEGIN
    PERFORM FROM everlog.projection_leases AS l
    WHERE l.tenant_id = _tenant AND l.name = _name AND l.lease_until < clock_timestamp()
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
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

-- Renews leases, or gives them back (0 seconds). What is locked is at work, and renews with its commit.
CREATE FUNCTION everlog.renew_projections(
    _tenant integer, _names text[], _epochs bigint[], _rates double precision[],
    _lease_seconds double precision
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- A schema for a build, owned by everlog_projector. Fails if there is one of the name.
CREATE FUNCTION everlog.create_projection_schema(_schema text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I AUTHORIZATION everlog_projector', _schema);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO everlog_service', _schema);
END
$$;

-- A function in such a schema, from its body: what is in it is never run here.
CREATE FUNCTION everlog.define_projection_function(_schema text, _is_of_tables boolean, _body text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Lets roles read all that a projection's schema has, and others not any more.
CREATE FUNCTION everlog.grant_projection(_schema text, _readers text[], _former text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Notes a new projection, whose first build is made already.
CREATE FUNCTION everlog.create_projection(
    _tenant integer, _name text, _schema text, _definition bytea, _structure bytea, _on_failure integer,
    _attempts_max integer, _backoff double precision[]
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Replaces the definition, if it is still the one that the caller saw. False: it is not.
CREATE FUNCTION everlog.update_projection(
    _tenant integer, _name text, _seen bytea, _definition bytea, _on_failure integer, _attempts_max integer,
    _backoff double precision[]
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Drops a schema of a projection, unless something that is not its own depends on it: what that is.
CREATE FUNCTION everlog.drop_projection_schema(_tenant integer, _schema text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Forgets a build, and leaves its schema to be dropped.
CREATE FUNCTION everlog.retire_build(_tenant integer, _name text, _build integer, _leaves_schema boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Gives a new rebuild its number, in place of the one that may run. Null: there is no such projection.
CREATE FUNCTION everlog.number_rebuild(_tenant integer, _name text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Begins the rebuild, whose tables are made already.
CREATE FUNCTION everlog.begin_rebuild(
    _tenant integer, _name text, _build integer, _schema text, _wanted_schema text, _structure bytea
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Stops the rebuild that runs.
CREATE FUNCTION everlog.cancel_rebuild(_tenant integer, _name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Puts the rebuild in the live build's place, if it has come exactly as far. Readers who look up a name see the
-- old tables up to the commit, and the new ones from then on; who reads the old ones goes on reading them.
-- They are dropped later: here, that would have everybody wait behind the slowest reader.
--
-- Answers `switched`, `behind`, `blocked` or `lost`.
CREATE FUNCTION everlog.switch_projection(_tenant integer, _name text, _epoch bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Removes a projection, with its schemas or without. What depends on its schema, and keeps it from that; null:
-- it is removed, or there was none.
CREATE FUNCTION everlog.delete_projection(_tenant integer, _name text, _keeps_tables boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Owned by a role that may do little, and not by who migrates: should the look in them ever be outrun, the SQL
-- would run as that role, and still could become nobody else.
GRANT CREATE ON SCHEMA everlog TO everlog_service;
ALTER FUNCTION everlog.run_projection OWNER TO everlog_service;
ALTER FUNCTION everlog.run_projection_tables OWNER TO everlog_service;
REVOKE CREATE ON SCHEMA everlog FROM everlog_service;

REVOKE ALL ON FUNCTION everlog.projection_dependents, everlog.run_projection, everlog.run_projection_tables,
    everlog.seal_projection, everlog.note_window, everlog.project_window, everlog.note_failure,
    everlog.project_parked, everlog.forget_failure, everlog.retry_projection, everlog.skip_projection,
    everlog.pause_projection, everlog.claim_projection, everlog.renew_projections,
    everlog.create_projection_schema, everlog.define_projection_function, everlog.grant_projection,
    everlog.create_projection, everlog.update_projection, everlog.drop_projection_schema,
    everlog.retire_build, everlog.number_rebuild, everlog.begin_rebuild, everlog.cancel_rebuild,
    everlog.switch_projection, everlog.delete_projection FROM PUBLIC;
GRANT SELECT ON everlog.projections, everlog.projection_leases, everlog.projection_builds,
    everlog.projection_failures, everlog.projection_skips, everlog.projection_effects,
    everlog.projection_leftovers TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.run_projection_tables, everlog.seal_projection, everlog.project_window,
    everlog.note_failure, everlog.project_parked, everlog.retry_projection, everlog.skip_projection,
    everlog.pause_projection, everlog.claim_projection, everlog.renew_projections,
    everlog.create_projection_schema, everlog.define_projection_function, everlog.grant_projection,
    everlog.create_projection, everlog.update_projection, everlog.drop_projection_schema,
    everlog.number_rebuild, everlog.begin_rebuild, everlog.cancel_rebuild, everlog.switch_projection,
    everlog.delete_projection TO everlog_service;

GRANT USAGE ON SCHEMA everlog TO everlog_projector;
GRANT SELECT ON everlog.events TO everlog_projector;
GRANT EXECUTE ON FUNCTION everlog.search_text TO everlog_projector;
