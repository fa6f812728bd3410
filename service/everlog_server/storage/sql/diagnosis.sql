-- What `everlog doctor` asks PostgreSQL. Each reads catalogs and statistics, or one row a tenant; none
-- reads events but by the end of an index.

-- name: identity
-- Who we are there, and what it is.
SELECT
    current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS version_number,
    session_user::text AS login,
    (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS login_is_superuser,
    quote_ident(current_database()) AS database,
    pg_is_in_recovery() AS is_standby,
    has_table_privilege('pg_catalog.pg_authid', 'SELECT')
        OR pg_has_role(session_user, 'pg_read_all_stats', 'MEMBER') AS sees_all_activity

-- name: settings
-- Settings as they hold for this login and database.
SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY(%(names)s)

-- name: connections
-- How many there may be, and who has some now.
SELECT
    current_setting('max_connections')::integer AS most,
    current_setting('superuser_reserved_connections')::integer AS reserved,
    count(*) FILTER (WHERE application_name = 'everlog') AS ours,
    count(*) FILTER (WHERE application_name <> 'everlog') AS others
FROM pg_stat_activity
WHERE backend_type = 'client backend'

-- name: service_role
-- What the service's role may do beside what it is granted.
SELECT
    rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
    pg_has_role(session_user, oid, 'MEMBER') AS login_is_member,
    ARRAY(
        SELECT c.oid::regclass::text
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'everlog' AND c.relowner = r.oid AND c.relkind IN ('r', 'p', 'v', 'm')
        ORDER BY 1
    ) AS owned
FROM pg_roles AS r
WHERE rolname = 'everlog_service'

-- name: schema_statements
-- The schema's indexes that can be used, its triggers that are enabled, its row-level security, and what the
-- service's role is granted, each with the statement that would make it so.
SELECT
    'index' AS kind, c.relname::text AS name,
    -- In one line: CASE is written in several.
    regexp_replace(pg_get_indexdef(i.indexrelid), '\s+', ' ', 'g') AS statement
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'everlog' AND i.indisvalid AND i.indisready
UNION ALL
SELECT
    'trigger', t.tgname::text,
    format('ALTER TABLE %%s ENABLE TRIGGER %%I', t.tgrelid::regclass, t.tgname)
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'everlog' AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
UNION ALL
SELECT
    'wall', 'row-level security of ' || c.oid::regclass,
    format('ALTER TABLE %%s ENABLE ROW LEVEL SECURITY', c.oid::regclass)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'everlog' AND c.relrowsecurity
UNION ALL
SELECT
    'wall', format('policy %%s of %%I.%%I', p.policyname, p.schemaname, p.tablename),
    format(
        'CREATE POLICY %%I ON %%I.%%I AS %%s FOR %%s TO %%s USING (%%s)', p.policyname, p.schemaname,
        p.tablename, p.permissive, p.cmd, array_to_string(p.roles, ', '),
        regexp_replace(p.qual, '\s+', ' ', 'g')
    )
FROM pg_policies AS p
WHERE p.schemaname = 'everlog'
UNION ALL
SELECT
    'grant', p.privilege || ' ON ' || c.oid::regclass,
    format('GRANT %%s ON %%s TO everlog_service', p.privilege, c.oid::regclass)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS r ON r.rolname = 'everlog_service'
CROSS JOIN unnest(
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
) AS p (privilege)
WHERE n.nspname = 'everlog' AND c.relkind IN ('r', 'p', 'v', 'm')
    AND has_table_privilege(r.oid, c.oid, p.privilege)
UNION ALL
SELECT
    'grant', 'EXECUTE ON FUNCTION ' || f.oid::regprocedure,
    format('GRANT EXECUTE ON FUNCTION %%s TO everlog_service', f.oid::regprocedure)
FROM pg_proc AS f
JOIN pg_namespace AS n ON n.oid = f.pronamespace
JOIN pg_roles AS r ON r.rolname = 'everlog_service'
WHERE n.nspname = 'everlog' AND has_function_privilege(r.oid, f.oid, 'EXECUTE')
ORDER BY 1, 2

-- name: invalid_indexes
-- Left behind by a CREATE INDEX CONCURRENTLY that failed, or still being built.
SELECT c.relname::text AS name, i.indrelid::regclass::text AS "table"
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'everlog' AND NOT (i.indisvalid AND i.indisready)

-- name: tables
-- What autovacuum has left to do, and how many updates stayed on their page.
SELECT
    relname::text AS name, n_live_tup AS live, n_dead_tup AS dead,
    n_tup_upd AS updates, n_tup_hot_upd AS hot_updates
FROM pg_stat_user_tables
WHERE schemaname = 'everlog'

-- name: long_transactions
-- Open for longer than so many seconds, in the whole cluster: each keeps dead rows everywhere.
SELECT
    pid, coalesce(usename::text, '') AS "user", coalesce(state, '') AS state,
    coalesce(application_name, '') AS application,
    extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY xact_start

-- name: prepared_transactions
-- Forgotten by a transaction manager: they outlive connections, and restarts.
SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 AS seconds
FROM pg_prepared_xacts
WHERE prepared < clock_timestamp() - make_interval(secs => %(seconds)s)

-- name: inactive_slots
-- Nobody reads from them, and all WAL since is kept for them.
SELECT
    slot_name::text AS name, coalesce(wal_status, '') AS wal_status,
    CASE WHEN pg_is_in_recovery() THEN 0
        ELSE coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) END::bigint AS kept_bytes
FROM pg_replication_slots
WHERE NOT active

-- name: clock
-- What time it is there.
SELECT extract(epoch FROM clock_timestamp())::float8 AS seconds

-- name: logs
-- Where each log says that it ends, where its events end, and how far its clock is ahead.
SELECT tenant, head, last_position, first_position, ahead_seconds FROM everlog.log_ends()

-- name: transaction_ids
-- How far the oldest row is from where PostgreSQL refuses to write: 2,000 million.
SELECT
    age(datfrozenxid)::bigint AS age,
    current_setting('autovacuum_freeze_max_age')::bigint AS freeze_age
FROM pg_database
WHERE datname = current_database()

-- name: sizes
-- How much disk is in use.
SELECT
    pg_database_size(current_database()) AS database_bytes,
    coalesce((
        SELECT sum(pg_total_relation_size(c.oid))
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'everlog' AND c.relkind IN ('r', 'p', 'm')
    ), 0)::bigint AS schema_bytes
