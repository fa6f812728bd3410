-- What the plans are shown over: see filling.py. By the owner, straight into the tables: through the service it
-- would take an hour. Everything is made by arithmetic from a number, so that cases.py knows what is there.

-- piece: ids
CREATE FUNCTION pg_temp.event_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.other_id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(kind || n)::uuid
$$;
-- Between 0 and 1, in no order.
CREATE FUNCTION pg_temp.spread(n bigint, factor bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT (n * factor % 1000003) / 1000003.0::double precision
$$;

-- piece: tenants
-- Beside the one that is there.
INSERT INTO everlog.tenant_names (name, tenant_id)
SELECT 'tenant-' || lpad(n::text, 4, '0'), n FROM generate_series(2, 1000) AS n;
INSERT INTO everlog.tenants (tenant_id) SELECT n FROM generate_series(2, 1000) AS n;

-- piece: drawn
-- 20,000 aggregates, the first ones with thousands of events; outcomes, narratives and links of entities.
CREATE TEMP TABLE drawn AS
SELECT
    d.*, row_number() OVER (PARTITION BY d.aggregate_type, d.aggregate_id ORDER BY d.position) AS sequence
FROM (
    SELECT
        n AS position,
        k.kind,
        CASE k.kind
            WHEN 'event' THEN (ARRAY['order', 'customer', 'invoice', 'shipment', 'device'])[a.number % 5 + 1]
            WHEN 'entity' THEN 'entity' WHEN 'narrative' THEN 'narrative' ELSE 'outcome'
        END COLLATE "C" AS aggregate_type,
        CASE k.kind
            WHEN 'event' THEN
                (ARRAY['order', 'customer', 'invoice', 'shipment', 'device'])[a.number % 5 + 1] || '-' || a.number
            WHEN 'entity' THEN 'customer:c-' || n
            WHEN 'narrative' THEN pg_temp.event_id(n - 20)::text
            WHEN 'outcome' THEN pg_temp.event_id(n - 5)::text
            -- One event has 5,000 of them.
            ELSE pg_temp.event_id(1000)::text
        END COLLATE "C" AS aggregate_id,
        -- 40 types, some of them often.
        CASE k.kind
            WHEN 'event' THEN
                (ARRAY['order', 'customer', 'invoice', 'shipment', 'device'])[a.number % 5 + 1] || '.'
                || (ARRAY['created', 'changed', 'paid', 'sent', 'seen', 'closed', 'reopened', 'audited'])[
                    floor(8 * pg_temp.spread(n, 611953) ^ 3)::integer + 1
                ]
            WHEN 'entity' THEN 'entity.linked' WHEN 'narrative' THEN 'narrative.saved' ELSE 'outcome.recorded'
        END COLLATE "C" AS event_type,
        floor(50000 * pg_temp.spread(n, 104729) ^ 3)::integer AS customer
    FROM generate_series(1, 1000000) AS n
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN n % 50 = 7 THEN 'outcome'
            WHEN n % 200 = 9 THEN 'hot outcome'
            WHEN n % 100 = 33 THEN 'narrative'
            WHEN n % 1000 = 500 THEN 'entity'
            ELSE 'event'
        END AS kind
    ) AS k
    CROSS JOIN LATERAL (SELECT floor(20000 * pg_temp.spread(n, 7919) ^ 2)::integer AS number) AS a
) AS d;
CREATE INDEX ON drawn (position);
ANALYZE drawn;

-- piece: events
-- Pieces of work are 20 events near each other, and one of 50,000; one event has caused 20,000 others.
INSERT INTO everlog.events (
    tenant_id, position, sequence, record_time, occurred_time, event_id, causation_id, documentable,
    aggregate_type, aggregate_id, event_type, source, correlation_id, actor, user_id, idempotency_key, data,
    metadata, record
)
SELECT
    1, d.position, d.sequence, t.time, t.time, pg_temp.event_id(d.position),
    CASE
        WHEN d.position > 500 AND d.position % 50 = 11 THEN pg_temp.event_id(500)
        WHEN d.position % 5 IN (1, 3) THEN pg_temp.event_id(d.position - 1 - d.position % 17)
    END,
    d.position % 100 = 1, d.aggregate_type, d.aggregate_id, d.event_type, 'source-' || d.position % 10,
    CASE WHEN d.position % 20 = 4 THEN 'hot' WHEN d.position % 2 = 0 THEN 'work-' || d.position / 40 END,
    'actor-' || d.position * 31 % 200,
    CASE WHEN d.position % 5 = 0 THEN 'user-' || d.position * 37 % 5000 END,
    CASE WHEN d.position % 10 IN (1, 2, 3) THEN 'key-' || d.position END,
    CASE d.kind
        WHEN 'event' THEN jsonb_build_object(
            'customer_id', 'c-' || d.customer, 'amount', d.position % 1000, 'note', 'parcel red lamp garden'
        )
        WHEN 'narrative' THEN jsonb_build_object('summary', 'What it was about', 'narrative', repeat('word ', 40))
        WHEN 'entity' THEN jsonb_build_object(
            'entity', jsonb_build_object('kind', 'customer', 'id', 'c-' || d.position),
            'same_as', jsonb_build_object('kind', 'email', 'id', 'm-' || d.position)
        )
        ELSE jsonb_build_object('outcome', 'it worked', 'impact_metric', '12 %')
    END,
    jsonb_build_object('region', d.position % 7),
    decode(repeat('00', 220), 'hex')
FROM drawn AS d
-- Some ninety days, up to now.
CROSS JOIN LATERAL (SELECT now() - (1000000 - d.position) * interval '7.776 seconds' AS time) AS t
ORDER BY d.position;
UPDATE everlog.tenants SET
    head = 1000000, head_event_id = pg_temp.event_id(1000000), last_record_time = now()
WHERE tenant_id = 1;

-- piece: other_events
-- 100 of each other tenant.
INSERT INTO everlog.events (
    tenant_id, position, sequence, record_time, occurred_time, event_id, documentable, aggregate_type,
    aggregate_id, event_type, data, record
)
SELECT
    t, n, n, now(), now(), pg_temp.event_id(t * 1000000::bigint + n), false, 'order', 'order-0', 'order.created',
    '{"customer_id": "c-0"}', decode(repeat('00', 220), 'hex')
FROM generate_series(2, 1000) AS t
CROSS JOIN generate_series(1, 100) AS n;
UPDATE everlog.tenants SET
    head = 100, head_event_id = pg_temp.event_id(tenant_id * 1000000::bigint + 100), last_record_time = now()
WHERE tenant_id > 1;

-- piece: event_links
-- 100,000, and 20,000 that all name one event.
INSERT INTO everlog.event_links (tenant_id, event_id, related_event_id, kind)
SELECT 1, pg_temp.event_id(n), pg_temp.event_id(CASE WHEN n % 50 = 21 THEN 2000 ELSE n - 3 END), 'related'
FROM generate_series(1, 1000000) AS n
WHERE n % 10 = 5 OR n % 50 = 21;

-- piece: entities
-- 50,000 customers, some with thousands of events; each has an e-mail address, and one has 2,000 devices.
INSERT INTO everlog.entity_indexes (tenant_id, declared, current) VALUES (1, 1, 1);
INSERT INTO everlog.entity_generations (tenant_id, generation, position) VALUES (1, 1, 999000);
INSERT INTO everlog.entity_indexes (tenant_id, declared, current) SELECT t, 1, 1 FROM generate_series(2, 1000) AS t;
INSERT INTO everlog.entity_generations (tenant_id, generation, position)
SELECT t, 1, 100 FROM generate_series(2, 1000) AS t;
INSERT INTO everlog.entity_declarations (
    tenant_id, generation, name, event_types, event_type_prefixes, pointer, path, steps, kind, subject, ignore_case
)
SELECT t, 1, 'customers', '{}', '{}', '/customer_id', '{customer_id}', '{}', 'customer', '', false
FROM generate_series(1, 1000) AS t;
INSERT INTO everlog.entity_mentions (tenant_id, generation, kind, id, position)
SELECT 1, 1, 'customer', 'c-' || d.customer, d.position FROM drawn AS d
WHERE d.kind = 'event' AND d.position <= 999000
UNION ALL
SELECT 1, 1, 'email', 'm-' || d.customer, d.position FROM drawn AS d
WHERE d.kind = 'event' AND d.position <= 999000 AND d.position % 4 = 0;
INSERT INTO everlog.entities (tenant_id, generation, kind, id, events, last_position, last_record_time)
SELECT 1, 1, m.kind, m.id, count(*), max(m.position), now() FROM everlog.entity_mentions AS m
GROUP BY m.kind, m.id;
INSERT INTO everlog.entities (tenant_id, generation, kind, id, events, last_position)
SELECT 1, 1, 'device', 'd-' || n, 0, 0 FROM generate_series(1, 2000) AS n;
INSERT INTO everlog.entity_links (tenant_id, generation, kind, id, other_kind, other_id, said)
SELECT 1, 1, 'customer', 'c-' || n, 'email', 'm-' || n, false FROM generate_series(0, 49999) AS n
UNION ALL
SELECT 1, 1, 'email', 'm-' || n, 'customer', 'c-' || n, false FROM generate_series(0, 49999) AS n
UNION ALL
SELECT 1, 1, 'customer', 'c-1', 'device', 'd-' || n, true FROM generate_series(1, 2000) AS n
UNION ALL
SELECT 1, 1, 'device', 'd-' || n, 'customer', 'c-1', true FROM generate_series(1, 2000) AS n;

-- piece: catalogs
INSERT INTO everlog.catalogs (tenant_id, revision, is_strict) VALUES (1, 6000, false);
INSERT INTO everlog.event_types (
    tenant_id, name, revision, version, created_time, definition, deprecation_note
)
SELECT 1, 'type.number' || n, 3 * n, 3, now(), decode(repeat('00', 400), 'hex'), ''
FROM generate_series(1, 2000) AS n;
INSERT INTO everlog.event_type_versions (tenant_id, name, version, created_time, definition)
SELECT 1, 'type.number' || n, v, now(), decode(repeat('00', 400), 'hex')
FROM generate_series(1, 2000) AS n CROSS JOIN generate_series(1, 3) AS v;
INSERT INTO everlog.aggregate_type_versions (tenant_id, name, version, created_time, definition)
SELECT 1, 'aggregate-' || n, v, now(), decode(repeat('00', 400), 'hex')
FROM generate_series(1, 500) AS n CROSS JOIN generate_series(1, 20) AS v;

-- piece: consumers
-- 1,000 of them. The first has 64 members, the others two; all live for a day.
INSERT INTO everlog.consumers (tenant_id, name, consumer_id, settings, start_position)
SELECT
    1, 'consumer-' || lpad(n::text, 4, '0'), pg_temp.other_id('consumer', n), decode(repeat('00', 150), 'hex'), 0
FROM generate_series(1, 1000) AS n;
INSERT INTO everlog.consumer_members (
    tenant_id, consumer_id, member_id, name, process_id, lease_until, in_flight
)
SELECT
    1, pg_temp.other_id('consumer', n), pg_temp.other_id('member', n * 100 + m), 'member', pg_temp.other_id('process', m),
    now() + interval '1 day', ARRAY(SELECT 999000 + m * 10 + i FROM generate_series(1, 8) AS i)
FROM generate_series(1, 1000) AS n
CROSS JOIN generate_series(0, CASE n WHEN 1 THEN 63 ELSE 1 END) AS m;
INSERT INTO everlog.consumer_slots (tenant_id, consumer_id, slot, epoch, member_id, checkpoint, finished)
SELECT
    1, pg_temp.other_id('consumer', n), s, 1,
    pg_temp.other_id('member', n * 100 + CASE n WHEN 1 THEN s ELSE s % 2 END), 990000 + s,
    ARRAY(SELECT 990100 + s + i * 64 FROM generate_series(1, 10) AS i)
FROM generate_series(1, 1000) AS n
CROSS JOIN generate_series(0, 63) AS s;

-- piece: consumer_events
-- 200,000: 160,000 of the first consumer, four fifths of them parked.
INSERT INTO everlog.consumer_events (
    tenant_id, consumer_id, position, slot, event_id, aggregate_type, aggregate_id, state, attempts,
    next_attempt_time, last_error, history, parked_time
)
SELECT
    1, pg_temp.other_id('consumer', n.consumer), d.position, hashtext(d.aggregate_id) & 63,
    pg_temp.event_id(d.position), d.aggregate_type, d.aggregate_id, n.state, 3,
    CASE WHEN n.state IN ('retrying', 'replaying') THEN now() + d.position % 100 * interval '1 minute' END,
    'it did not answer', '[{"attempt": 1, "failed_time": 1, "member": "m", "error": "it did not answer"}]',
    CASE WHEN n.state IN ('parked', 'blocking') THEN now() END
FROM (
    SELECT
        1 AS consumer, i * 6 AS position,
        CASE
            WHEN i % 100 < 80 THEN 'parked' WHEN i % 100 < 87 THEN 'retrying' WHEN i % 100 < 94 THEN 'blocking'
            WHEN i % 100 < 99 THEN 'replaying' ELSE 'skipped'
        END AS state
    FROM generate_series(1, 160000) AS i
    UNION ALL
    SELECT c, c * 40 + i, (ARRAY['parked', 'parked', 'retrying', 'blocking'])[i % 4 + 1]
    FROM generate_series(2, 1000) AS c
    CROSS JOIN generate_series(1, 40) AS i
) AS n
JOIN drawn AS d ON d.position = n.position;
INSERT INTO everlog.consumer_lanes (tenant_id, consumer_id, aggregate_type, aggregate_id, slot, position)
SELECT 1, e.consumer_id, e.aggregate_type, e.aggregate_id, min(e.slot), min(e.position)
FROM everlog.consumer_events AS e
WHERE e.state IN ('retrying', 'blocking')
GROUP BY 2, 3, 4;
INSERT INTO everlog.consumer_instructions (
    tenant_id, consumer_id, instruction_id, slot, position, event_id, aggregate_type, aggregate_id, action
)
SELECT
    1, pg_temp.other_id('consumer', 1), pg_temp.other_id('instruction', n), n % 64, n * 6, pg_temp.event_id(n * 6),
    'order', 'order-0', 'retry'
FROM generate_series(1, 5000) AS n;

-- piece: projections
-- 100 of them. The first has 50,000 parked events, 10,000 skipped ones and remembers 10,000 windows.
INSERT INTO everlog.projections (
    tenant_id, name, definition, on_failure, attempts_max, initial_seconds, multiplier, max_seconds, jitter, rebuild
)
SELECT
    1, 'projection-' || lpad(n::text, 3, '0'), decode(repeat('00', 500), 'hex'), 3, 3, 1, 2, 60, 0.1,
    CASE WHEN n % 10 = 1 THEN 2 END
FROM generate_series(1, 100) AS n;
INSERT INTO everlog.projection_leases (tenant_id, name, epoch, projector, lease_until)
SELECT p.tenant_id, p.name, 1, 'somebody', now() + interval '1 day' FROM everlog.projections AS p;
INSERT INTO everlog.projectors (projector, lease_until) VALUES ('somebody', now() + interval '1 day');
INSERT INTO everlog.projection_builds (
    tenant_id, name, build, schema_name, checkpoint, checkpoint_time, wanted_schema_name, structure
)
SELECT
    p.tenant_id, p.name, b, replace(p.name, '-', '_'), CASE b WHEN 1 THEN 999000 ELSE 500000 END, now(),
    replace(p.name, '-', '_'), decode(repeat('00', 300), 'hex')
FROM everlog.projections AS p
CROSS JOIN generate_series(1, CASE WHEN p.rebuild IS NULL THEN 1 ELSE 2 END) AS b;
INSERT INTO everlog.projection_failures (
    tenant_id, name, build, position, is_parked, handler, statement, sqlstate, message, detail, attempts,
    failed_time
)
SELECT
    1, p.name, b.build, n.n * 19, true, 0, 0, '23505', 'duplicate key value violates unique constraint', '', 3, now()
FROM everlog.projections AS p
JOIN everlog.projection_builds AS b ON b.tenant_id = p.tenant_id AND b.name = p.name
CROSS JOIN LATERAL generate_series(
    1, CASE WHEN b.build = 2 THEN 500 WHEN p.name = 'projection-001' THEN 50000 ELSE 250 END
) AS n (n);
INSERT INTO everlog.projection_failures (
    tenant_id, name, build, position, is_parked, handler, statement, sqlstate, message, detail, attempts,
    failed_time, next_attempt_time
)
SELECT 1, p.name, 1, 999001, false, 0, 0, '23505', 'duplicate key', '', 1, now(), now() + interval '1 day'
FROM everlog.projections AS p
WHERE p.name > 'projection-050';
INSERT INTO everlog.projection_skips (tenant_id, name, build, position)
SELECT 1, 'projection-001', 1, n * 99 FROM generate_series(1, 10100) AS n WHERE n * 99 <= 1000000;
INSERT INTO everlog.projection_effects (
    tenant_id, name, through, transaction_id, committed_time, positions, offsets, rows
)
SELECT
    1, p.name, 899000 + n.n * 10, n.n, now(),
    ARRAY(SELECT 899000 + n.n * 10 - 9 + i FROM generate_series(0, 9) AS i),
    ARRAY(SELECT i FROM generate_series(0, 9) AS i), ARRAY(SELECT 1 FROM generate_series(0, 9) AS i)
FROM everlog.projections AS p
CROSS JOIN LATERAL generate_series(1, CASE p.name WHEN 'projection-001' THEN 10000 ELSE 200 END) AS n (n);
INSERT INTO everlog.projection_leftovers (tenant_id, schema_name)
SELECT 1, 'left_' || n FROM generate_series(1, 20) AS n;

-- piece: run
-- A projection that only counts its window, as the role that those run as: what is around it is what is shown.
CREATE SCHEMA projection_002 AUTHORIZATION everlog_projector;
CREATE FUNCTION projection_002.everlog_run(
    _tenant integer, _after bigint, _through bigint, _events_max integer, _skipped bigint[], _recorded boolean,
    OUT through bigint, OUT events integer, OUT last_time timestamptz, OUT positions bigint[],
    OUT offsets integer[], OUT rows integer[], OUT failed_position bigint, OUT failed_handler integer,
    OUT failed_statement integer, OUT is_of_window boolean, OUT sqlstate text, OUT message text, OUT detail text
)
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    SELECT _through, count(*), max(e.record_time) INTO through, events, last_time FROM everlog.events AS e
    WHERE e.tenant_id = _tenant AND e.position > _after AND e.position <= _through;
    positions := ARRAY[_through];
    offsets := ARRAY[0];
    rows := ARRAY[1];
END
$$;
ALTER FUNCTION projection_002.everlog_run OWNER TO everlog_projector;
CREATE SCHEMA projection_001 AUTHORIZATION everlog_projector;
DO $$
BEGIN
    EXECUTE replace(
        pg_get_functiondef('projection_002.everlog_run'::regproc), 'projection_002.', 'projection_001.'
    );
    ALTER FUNCTION projection_001.everlog_run OWNER TO everlog_projector;
END
$$;
GRANT USAGE ON SCHEMA projection_001, projection_002 TO everlog_service;

-- piece: tokens
INSERT INTO everlog.tokens (
    name, prefix, digest, roles, tenant_ids, aggregate_types, event_types, own_only, actor, user_id,
    acts_for_others, events_per_second, calls_per_second
)
SELECT
    'token-' || lpad(n::text, 5, '0'), 'evl_' || left(md5(n::text), 8), sha256(n::text::bytea), '{1,2}',
    ARRAY[1 + n % 1000, 1 + (n + 7) % 1000], '{}', '{}', false, '', '', false, 0, 0
FROM generate_series(1, 10000) AS n;
