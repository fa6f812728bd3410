-- Consumers whose leases lie too far ahead: PostgreSQL's clock was set back.
--
-- A lease is a time by PostgreSQL's clock, and holds while that is in the future. Set back by an hour, the clock
-- leaves leases of an hour and five seconds. Who lives gives another sign of life within a second, which sets its
-- lease right. Who has died just before keeps its share for an hour: nobody else is given its events, and what is
-- decided by hand waits for it. So whoever is about to look at leases first cuts those that nobody can have been
-- given: they count from now. That takes nothing from who lives, and leaves who is dead no more than a lease.
--
-- serves-from: 0007

-- Cuts a consumer's leases that end later than one given now would. What takes the consumer's lock afterwards, in
-- the same transaction, finds them cut.
CREATE FUNCTION everlog.cut_leases(_tenant integer, _consumer uuid, _lease_ms integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

REVOKE ALL ON FUNCTION everlog.cut_leases FROM PUBLIC;
GRANT EXECUTE ON FUNCTION everlog.cut_leases TO everlog_service;
