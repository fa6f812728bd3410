-- Consumers whose log went back under them: a failover to a standby that lacks the last events, a restore.
--
-- A process goes on with what it knows: slots, under epochs that the new primary has as well, and checkpoints
-- that may be of events which there are no more. Stored there, others that get the same positions would be
-- skipped, for ever and silently. Whether that is so could only be told by comparing events, and a checkpoint
-- has none. PostgreSQL itself tells: what has been promoted, or recovered to a point in time, writes another
-- timeline of its log, and what is stored in the database can't undo that. So a slot remembers on which one it
-- was claimed, and nothing is stored for it on another: it is claimed anew, from where the database has it.
-- Where nothing was lost, this costs that what is in flight is delivered once more.
--
-- serves-from: 0007

-- The timeline that PostgreSQL writes now, as in the names of its log's files.
CREATE FUNCTION everlog.timeline() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN left(pg_walfile_name(pg_current_wal_lsn()), 8);

ALTER TABLE everlog.consumer_slots ADD COLUMN timeline text NOT NULL DEFAULT everlog.timeline();

-- Whoever raises an epoch claims anew.
CREATE FUNCTION everlog.note_timeline() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.timeline := everlog.timeline();
    RETURN NEW;
END
$$;
CREATE TRIGGER slots_note_their_timeline
BEFORE UPDATE OF epoch ON everlog.consumer_slots
FOR EACH ROW EXECUTE FUNCTION everlog.note_timeline();

REVOKE ALL ON FUNCTION everlog.timeline, everlog.note_timeline FROM PUBLIC;

-- As in 0005, but for slots of another timeline.
CREATE OR REPLACE FUNCTION everlog.consumer_beat(
    _tenant integer,
    _consumer uuid,
    _process uuid,
    _lease_ms integer,
    _members uuid[],
    _names text[],
    _leaving boolean[],
    -- Of each, the positions that it has in flight.
    _in_flight jsonb
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- As in 0005, but for slots of another timeline: they count as lost.
CREATE OR REPLACE FUNCTION everlog.consumer_store(
    _tenant integer,
    _consumer uuid,
    _number bigint,
    -- Each slot with what is known of it now; `_finished` are arrays as text: `{5,7}`.
    _slots smallint[],
    _epochs bigint[],
    _checkpoints bigint[],
    _finished text[],
    -- An array of rows of consumer_events, with `failed`, the attempts to be added to the history. Times are
    -- microseconds since 1970.
    _events jsonb,
    -- Events that have no row from now on.
    _gone_slots smallint[],
    _gone_positions bigint[],
    -- An array of rows of consumer_lanes; one without a position is dissolved.
    _lanes jsonb,
    -- What has been done of consumer_instructions.
    _instructions uuid[]
) RETURNS smallint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
