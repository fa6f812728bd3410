-- Projectors of tens of thousands of projections: what a projector asks each second is bounded by what has
-- changed, not by how many projections there are.
--
-- serves-from: 0007

-- Who works on projections, and how long it is known to live: a projector renews this row, and with it all that it
-- holds. A lease is held until its own time, which claims and windows set, and beyond that while its projector lives.
CREATE TABLE everlog.projectors (
    projector text PRIMARY KEY,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Whether a lease holds. One that lies further ahead than any is given for is none: it was given before PostgreSQL's
-- clock was set back. Who lives gives another within a second.
CREATE FUNCTION everlog.is_lease(_until timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE
RETURN _until BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 minute';

-- What each projector holds; what the dead ones held is free.
CREATE INDEX projection_leases_by_projector ON everlog.projection_leases (projector, tenant_id, name);

-- Which projections have changed otherwise than by their windows: who holds one looks at it then. Kept for some
-- minutes. Written by whoever holds the projection's lock, so that nobody waits for each other.
CREATE TABLE everlog.projection_changes (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- The transaction that changed it. What a look does not see yet is not older than what its snapshot calls xmin.
    transaction_id bigint NOT NULL,
    changed_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX projection_changes_by_transaction ON everlog.projection_changes (transaction_id);
ALTER TABLE everlog.projection_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_one_tenant ON everlog.projection_changes FOR SELECT
    USING (tenant_id = NULLIF(current_setting('everlog.tenant_id', true), '')::integer);

-- Triggers, and not the functions that change something: those of earlier versions are noted, too.
CREATE FUNCTION everlog.note_projection_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
CREATE TRIGGER changes_are_noted
    AFTER DELETE OR UPDATE OF is_paused, live, rebuild ON everlog.projections
    FOR EACH ROW EXECUTE FUNCTION everlog.note_projection_change();
-- A projector that was thought dead, and is not, has to hear of it.
CREATE TRIGGER changes_are_noted
    AFTER UPDATE OF epoch ON everlog.projection_leases
    FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch AND OLD.projector <> '')
    EXECUTE FUNCTION everlog.note_projection_change();
CREATE TRIGGER beginnings_are_noted
    AFTER INSERT ON everlog.projection_failures
    FOR EACH ROW WHEN (NOT NEW.is_parked)
    EXECUTE FUNCTION everlog.note_projection_change();
CREATE TRIGGER changes_are_noted
    AFTER UPDATE ON everlog.projection_failures
    FOR EACH ROW WHEN (NOT (OLD.is_parked AND NEW.is_parked))
    EXECUTE FUNCTION everlog.note_projection_change();
CREATE TRIGGER ends_are_noted
    AFTER DELETE ON everlog.projection_failures
    FOR EACH ROW WHEN (NOT OLD.is_parked)
    EXECUTE FUNCTION everlog.note_projection_change();

-- Some projections as a projector looks for work: parallel arrays of their tenants and names. No row: there is none.
--
-- Without scans, here and below: until the next ANALYZE PostgreSQL may think that there are but a few.
CREATE FUNCTION everlog.projections_as_run(_tenants integer[], _names text[])
RETURNS TABLE (
    tenant_id integer, name text, epoch bigint, has_work boolean, tenant text, checkpoint bigint, head bigint,
    rebuild_checkpoint bigint, state text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
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

-- As in 0007: but what a living projector holds is held. Servers of before ask it.
CREATE OR REPLACE FUNCTION everlog.projections_to_run(_limit bigint)
RETURNS TABLE (
    tenant_id integer, name text, epoch bigint, projector text, is_held boolean, has_work boolean,
    tenant text, checkpoint bigint, head bigint, rebuild_checkpoint bigint, state text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- As in 0006, with the same difference.
CREATE OR REPLACE FUNCTION everlog.claim_projection(
    _tenant integer, _name text, _projector text, _lease_seconds double precision
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- What nobody holds, at most so many.
CREATE FUNCTION everlog.free_projections(_limit bigint) RETURNS TABLE (tenant_id integer, name text, epoch bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
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

-- Takes some of what nobody holds, at random: at most half of what it finds, since others want some, too, and it
-- finds at most twice the limit. What is locked is at work, or being taken. Answers with what it has taken.
CREATE FUNCTION everlog.claim_projections(_projector text, _limit integer, _lease_seconds double precision)
RETURNS TABLE (
    tenant_id integer, name text, epoch bigint, has_work boolean, tenant text, checkpoint bigint, head bigint,
    rebuild_checkpoint bigint, state text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
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

-- The next projections that a projector holds, by tenant and name: those after one.
CREATE FUNCTION everlog.projections_of_projector(
    _projector text, _after_tenant integer, _after_name text, _limit bigint
)
RETURNS TABLE (
    tenant_id integer, name text, epoch bigint, has_work boolean, tenant text, checkpoint bigint, head bigint,
    rebuild_checkpoint bigint, state text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
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

-- Whether anything is free, and what has changed since a look: logs that have grown of which the projector holds
-- something, and projections, whoever holds them. `mark` is what the next look names as `_since`.
--
-- Transactions tell: what was not committed at a snapshot is of one that is not older than the snapshot's xmin. That
-- is exact, whatever the clocks say and in whatever order transactions are committed. Logs are a row each, so all
-- are looked at; an index would cost each append. Null, or a mark of another PostgreSQL, is ever so long ago.
CREATE FUNCTION everlog.changes_for_projector(_projector text, _since bigint)
RETURNS TABLE (
    has_free boolean, mark bigint, grown_tenants integer[], grown_heads bigint[], changed_tenants integer[], changed_names text[]
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off
SET enable_mergejoin = off
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

-- Says that a projector lives, and how many events a second some of its projections take; and forgets what is long
-- over. What is locked is at work, and waited for by nobody.
CREATE FUNCTION everlog.renew_projector(
    _projector text, _lease_seconds double precision, _tenants integer[], _names text[], _epochs bigint[],
    _rates double precision[]
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
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

-- Gives back all that a projector holds.
CREATE FUNCTION everlog.release_projector(_projector text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
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

REVOKE ALL ON FUNCTION everlog.is_lease, everlog.note_projection_change, everlog.projections_as_run,
    everlog.free_projections, everlog.claim_projections,
    everlog.projections_of_projector, everlog.changes_for_projector, everlog.renew_projector,
    everlog.release_projector FROM PUBLIC;
GRANT SELECT ON everlog.projectors TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.is_lease, everlog.projections_as_run, everlog.claim_projections,
    everlog.projections_of_projector,
    everlog.changes_for_projector, everlog.renew_projector, everlog.release_projector TO everlog_service;
