-- Durable consumers: what each has finished, who has which part of it, and what failed.
--
-- A consumer's events are split into 64 slots, by a hash of their aggregate (ORDERING_NONE: by their
-- position). A slot has at most one member at a time; whoever claims it raises its epoch, and nothing is
-- written for a slot but under the epoch that it was claimed with. A slot's lease is that of its member,
-- which its process renews: so a beat writes a row a member, not a row a slot.
--
-- What is known of a slot. Of all events that the filter matches, and that belong to the slot:
--   * those with a row in consumer_events are as its state says;
--   * of an aggregate with a row in consumer_lanes, those before the lane's position are finished, the
--     others are not: they wait for each other there, and hold up nothing else;
--   * of all others, those up to the checkpoint, and those in `finished`, are finished, the others are not.
-- So a failing aggregate holds back neither the checkpoint nor what lies beyond it.
--
-- Every key leads with tenant_id, every statement touches one tenant and one consumer. Locks are taken in
-- one order: the consumer, then its slots by their number, then the rest.

CREATE TABLE everlog.consumers (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Whoever creates a consumer of the same name again creates another one.
    consumer_id uuid NOT NULL,
    -- A serialized ConsumerSettings in which every default is filled in.
    settings bytea NOT NULL,
    -- How often the settings were changed, and one.
    version bigint NOT NULL DEFAULT 1,
    -- Raised by whatever makes void what processes have in memory: new settings, a reset. A reset also
    -- raises the epochs of the slots: what was answered before must not be stored after it.
    generation bigint NOT NULL DEFAULT 1,
    -- Where it was started, or reset to: nothing up to here was ever asked about.
    start_position bigint NOT NULL,
    created_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, name),
    UNIQUE (tenant_id, consumer_id)
);

-- Updated with each flush of answers: see everlog.tenants for its storage settings.
CREATE TABLE everlog.consumer_slots (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    slot smallint NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    -- Who has it; nobody when there is no such member (any more).
    member_id uuid,
    checkpoint bigint NOT NULL,
    -- Positions after the checkpoint.
    finished bigint[] NOT NULL DEFAULT '{}',
    -- The number of the last call that has stored anything of it, under this epoch. A call that is made
    -- again, or that arrives late, must not undo what happened since.
    stored bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, consumer_id, slot)
) WITH (
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000
);

-- Who consumes: one row a Consume stream. Whoever is not seen for its lease is gone.
CREATE TABLE everlog.consumer_members (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Of a server: all members that it has are renewed together.
    process_id uuid NOT NULL,
    joined_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz NOT NULL,
    -- It finishes what it has, and gets no share.
    is_leaving boolean NOT NULL DEFAULT false,
    -- Positions of its deliveries without an answer, as of the last beat.
    in_flight bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, consumer_id, member_id)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000
);

-- Aggregates that have left the line: an event of theirs failed, and they have not caught up since.
CREATE TABLE everlog.consumer_lanes (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    -- Where it goes on. Its event need not be here: then it is the next one of the aggregate.
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, consumer_id, aggregate_type, aggregate_id)
);
CREATE INDEX consumer_lanes_slot_idx ON everlog.consumer_lanes (tenant_id, consumer_id, slot, position);

-- Events that are not simply finished or not.
CREATE TABLE everlog.consumer_events (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    position bigint NOT NULL,
    slot smallint NOT NULL,
    event_id uuid NOT NULL,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    -- retrying   failed, and waits for its next attempt; of an ordered consumer, its lane's position is its
    -- blocking   parked, and its lane stands still at it
    -- replaying  was parked, or finished, and is delivered again by itself
    -- parked     counts as finished until somebody decides otherwise
    -- skipped    finished by hand before its lane, or the checkpoint, had come to it; goes when they pass
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('retrying', 'blocking', 'replaying', 'parked', 'skipped')),
    -- How many failed since it was delivered first, or replayed last.
    attempts integer NOT NULL DEFAULT 0,
    -- Whether it was parked before it came to this.
    is_replayed boolean NOT NULL DEFAULT false,
    -- Null: at once, or never.
    next_attempt_time timestamptz,
    last_error text NOT NULL DEFAULT '',
    -- The last 20 failed attempts, oldest first: attempt, failed_time (microseconds since 1970), member, error.
    history jsonb NOT NULL DEFAULT '[]',
    parked_time timestamptz,
    PRIMARY KEY (tenant_id, consumer_id, position)
);
CREATE INDEX consumer_events_state_idx ON everlog.consumer_events (tenant_id, consumer_id, state, position);
-- Not of those that are parked: they may be many, and their slot has no work with them.
CREATE INDEX consumer_events_slot_idx ON everlog.consumer_events (tenant_id, consumer_id, slot, state, position)
    WHERE state <> 'parked';
-- Replays, by when they are due: of very many only the next ones are in a member's memory.
CREATE INDEX consumer_events_replaying_idx ON everlog.consumer_events
    (tenant_id, consumer_id, slot, coalesce(next_attempt_time, '-infinity'), position)
    WHERE state = 'replaying';
CREATE INDEX consumer_events_aggregate_idx
    ON everlog.consumer_events (tenant_id, consumer_id, aggregate_type, aggregate_id, position);

-- What was decided by hand, until the member that has the slot has done it; then the row is gone.
CREATE TABLE everlog.consumer_instructions (
    tenant_id integer NOT NULL,
    consumer_id uuid NOT NULL,
    instruction_id uuid NOT NULL,
    slot smallint NOT NULL,
    position bigint NOT NULL,
    event_id uuid NOT NULL,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    -- Of an event in whatever state:
    -- ack     it counts as finished
    -- retry   it is tried at once, its attempts counted anew; one that was finished or parked is replayed
    -- park    it is parked, and its aggregate goes on
    action text COLLATE "C" NOT NULL CHECK (action IN ('ack', 'retry', 'park')),
    reason text NOT NULL DEFAULT '',
    created_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, consumer_id, instruction_id)
);
CREATE INDEX consumer_instructions_slot_idx
    ON everlog.consumer_instructions (tenant_id, consumer_id, slot, created_time);

-- Creates a consumer that begins after a position; false: there is one of this name.
CREATE FUNCTION everlog.create_consumer(
    _tenant integer, _name text, _consumer uuid, _settings bytea, _position bigint
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Adds a member: `joined`, `full` (there are _members_max that live), or `missing` (no such consumer).
CREATE FUNCTION everlog.join_consumer(
    _tenant integer, _consumer uuid, _member uuid, _name text, _process uuid, _lease_ms integer,
    _members_max integer
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Takes members away; their slots are nobody's from then on. What they did is stored before, or is lost.
CREATE FUNCTION everlog.leave_consumer(_tenant integer, _consumer uuid, _members uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM everlog.consumer_members AS m
    WHERE m.tenant_id = _tenant AND m.consumer_id = _consumer AND m.member_id = ANY (_members)
$$;

-- Gives slots back that are still held under these epochs.
CREATE FUNCTION everlog.release_slots(
    _tenant integer, _consumer uuid, _slots smallint[], _epochs bigint[]
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- A process's sign of life for its members: renews their leases, buries members that gave none for
-- theirs, and claims for its own members what is free, up to the share of each. Null: there is no such
-- consumer.
--
-- A share is 64 by the number of members, of whom the 64 that joined first count; what is left over goes to
-- those who have most already: so as little as possible moves. Who has more than its share gives back by
-- itself, when nothing of it is in flight.
--
-- Tells, as one document: generation; version; members: of each that was asked for, its share (`target`);
-- slots: [slot, epoch, member] of all that these members have; instructions for those slots, at most 1,000;
-- replaying: which of those slots have events that are to be replayed.
CREATE FUNCTION everlog.consumer_beat(
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

-- Stores what became of events, for those of the given slots that are still held under their epochs; tells
-- which these are. What belongs to another slot, or to one whose epoch is not that any more, is not written.
--
-- May be repeated under the same number: it then changes nothing, also where events that it parked were
-- replayed, or discarded, in between. The numbers of a process rise.
CREATE FUNCTION everlog.consumer_store(
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

-- Failed attempts with more behind them, those that are new; the last 20.
CREATE FUNCTION everlog.last_attempts(_history jsonb, _failed jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
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

REVOKE ALL ON FUNCTION everlog.create_consumer, everlog.join_consumer, everlog.leave_consumer,
    everlog.release_slots, everlog.consumer_beat, everlog.consumer_store, everlog.last_attempts FROM PUBLIC;
GRANT SELECT ON everlog.consumers, everlog.consumer_slots, everlog.consumer_members, everlog.consumer_lanes,
    everlog.consumer_events, everlog.consumer_instructions TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.create_consumer, everlog.join_consumer, everlog.leave_consumer,
    everlog.release_slots, everlog.consumer_beat, everlog.consumer_store TO everlog_service;

-- What people and programs decide about consumers, from outside their streams.

-- Gives a consumer other settings, if it is at version _expected (0: whichever it is). Tells the version
-- that it then has, or that it is at instead; null: there is no such consumer.
CREATE FUNCTION everlog.update_consumer(
    _tenant integer, _consumer uuid, _settings bytea, _expected bigint, OUT version bigint, OUT is_updated boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Lets a consumer go on after a position. What is parked stays so, and counts as finished there, unless it
-- is to be discarded; all else that is known of events is forgotten. False: there is no such consumer.
CREATE FUNCTION everlog.reset_consumer(
    _tenant integer, _consumer uuid, _position bigint, _discard_parked boolean
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Deletes a consumer, with all that is known of it. Whoever has many parked events discards them before:
-- this is one statement a table. False: there is no such consumer.
CREATE FUNCTION everlog.delete_consumer(_tenant integer, _consumer uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Takes a slot from a member that is gone: true. False: it has one that lives, and must be asked. The
-- caller holds the consumer's lock; the slot is locked from then on.
CREATE FUNCTION everlog.seize_slot(_tenant integer, _consumer uuid, _slot smallint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
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

-- Does with one event what consumer_instructions say of the action, in a slot that nobody has. False: it is
-- finished already, and nothing is done. The caller has seized the slot.
CREATE FUNCTION everlog.apply_decision(
    _tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid,
    _aggregate_type text, _aggregate_id text, _action text, _reason text
) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
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

-- Decides about one event by hand: `done`, or `finished` (it was so already, and nothing is done), `asked`
-- (a member has its slot, and finds an instruction of this id), `missing` (there is no such consumer).
-- Whoever was told `asked` may look again with _again: `asked` is then told while it is not done.
CREATE FUNCTION everlog.decide_event(
    _tenant integer, _consumer uuid, _is_ordered boolean, _slot smallint, _position bigint, _event uuid,
    _aggregate_type text, _aggregate_id text, _action text, _reason text, _instruction uuid, _again boolean
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Replays (`retry`) or discards (`ack`) parked events by their positions; those that are not parked are
-- passed over, or, with _all_or_nothing, told as `missing`, and nothing is done. Tells how many were moved,
-- and the ids of the instructions that the members of their slots find (`asked`): for those that block an
-- aggregate. All null: there is no such consumer.
CREATE FUNCTION everlog.move_parked(
    _tenant integer, _consumer uuid, _is_ordered boolean, _positions bigint[], _action text,
    _all_or_nothing boolean,
    OUT moved bigint, OUT asked uuid[], OUT missing bigint[]
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

REVOKE ALL ON FUNCTION everlog.update_consumer, everlog.reset_consumer, everlog.delete_consumer,
    everlog.seize_slot, everlog.apply_decision, everlog.decide_event, everlog.move_parked FROM PUBLIC;
GRANT EXECUTE ON FUNCTION everlog.update_consumer, everlog.reset_consumer, everlog.delete_consumer,
    everlog.decide_event, everlog.move_parked TO everlog_service;
