-- How PostgreSQL finds what consumers have in a state of their own (docs/plans.md).
--
-- serves-from: 0007

-- What processes of consumers ask is planned once, for whichever consumer. PostgreSQL reckons with the average one
-- then: among 1,000 consumers it has a thousandth of the rows, and any index that leads to the consumer seems as
-- good as the one that leads to the row. For one that has parked 100,000 events, each beat read all of them. So
-- nobody reckons with the average: a consumer may have all rows there are. Takes effect with ANALYZE.
ALTER TABLE everlog.consumer_events ALTER COLUMN consumer_id SET (n_distinct = 1);
ALTER TABLE everlog.consumer_lanes ALTER COLUMN consumer_id SET (n_distinct = 1);
ALTER TABLE everlog.consumer_instructions ALTER COLUMN consumer_id SET (n_distinct = 1);

-- As in 0005, but as CASE. Behind row-level security (0007) an index finds rows only by what can't tell of other
-- tenants' rows. PostgreSQL does not know that of COALESCE: of each slot, all replays were read to find those due.
DROP INDEX everlog.consumer_events_replaying_idx;
CREATE INDEX consumer_events_replaying_idx ON everlog.consumer_events (
    tenant_id, consumer_id, slot,
    (CASE WHEN next_attempt_time IS NULL THEN '-infinity'::timestamptz ELSE next_attempt_time END), position
)
    WHERE state = 'replaying';

-- Not where there is nothing yet: of a table that is known to be empty PostgreSQL plans worse than of one that it
-- knows nothing of.
DO $$
DECLARE
    _table regclass;
    _has_rows boolean;
BEGIN
    FOREACH _table IN ARRAY ARRAY[
        'everlog.consumer_events', 'everlog.consumer_lanes', 'everlog.consumer_instructions'
    ]::regclass[] LOOP
        EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %s)', _table) INTO _has_rows;
        IF _has_rows THEN
            EXECUTE pg_catalog.format('ANALYZE %s', _table);
        END IF;
    END LOOP;
END
$$;
