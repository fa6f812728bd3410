-- Who names an event, oldest first: the graph around an event follows links against their direction too.
--
-- An event that 100,000 others name must not cost 100,000 look-ups. Ids made by the server grow with time,
-- so by this index the first links of an event are the oldest, and only as many are read as are wanted. The
-- index that it replaces had no order among them. It costs only events that have links.
CREATE INDEX event_links_related_event_id_idx
    ON everlog.event_links (tenant_id, related_event_id, event_id);
DROP INDEX everlog.event_links_related_idx;
