-- Who names an event, oldest first: the graph around an event follows links against their direction too.
--
-- An event that 100,000 others name must not cost 100,000 look-ups. Ids made by the server grow with time,
-- so by this index the first links of an event are the oldest, and only as many are read as are wanted. The
-- index that it replaces had no order among them. It costs only events that have links.
CREATE INDEX event_links_related_event_id_idx
    ON everlog.event_links (tenant_id, related_event_id, event_id);
DROP INDEX everlog.event_links_related_idx;

-- The latest outcome of an event, if it has any: an `outcome.recorded` on the aggregate `outcome` / its id.
--
-- Anybody may emit such events by hand: what is not understood is passed over, among the last 16. Planned once
-- a session: readers plan anew for each statement, and for the look-up beside a Get that cost more than
-- both look-ups. By the index, also when the plan was made while the table was empty.
CREATE FUNCTION everlog.latest_outcome(_tenant integer, _event_id uuid)
RETURNS TABLE (
    event_id uuid, sequence bigint, record_time timestamptz, actor text, outcome text, impact_metric text
)
LANGUAGE plpgsql STABLE SECURITY INVOKER ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT
        o.event_id, o.sequence, o.record_time, coalesce(o.actor, ''), o.data ->> 'outcome',
        CASE
            WHEN jsonb_typeof(o.data -> 'impact_metric') = 'string'
                AND octet_length(o.data ->> 'impact_metric') <= 16384
                THEN o.data ->> 'impact_metric'
            ELSE ''
        END
    FROM (
        SELECT e.event_id, e.sequence, e.event_type, e.record_time, e.actor, e.data FROM everlog.events AS e
        WHERE e.tenant_id = _tenant
            AND e.aggregate_type = 'outcome'
            AND e.aggregate_id = _event_id::text
        ORDER BY e.sequence DESC
        LIMIT 16
    ) AS o
    WHERE CASE
        -- By size first, which is known without the value.
        WHEN o.event_type <> 'outcome.recorded' OR pg_column_size(o.data) > 100000 THEN false
        WHEN jsonb_typeof(o.data -> 'outcome') = 'string'
            THEN octet_length(o.data ->> 'outcome') BETWEEN 1 AND 16384
        ELSE false
    END
    ORDER BY o.sequence DESC
    LIMIT 1;
END
$$;

REVOKE ALL ON FUNCTION everlog.latest_outcome FROM PUBLIC;
GRANT EXECUTE ON FUNCTION everlog.latest_outcome TO everlog_service;
