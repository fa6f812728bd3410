-- Which tenants there are, and what becomes of them. About all tenants, so by functions, but for what is asked of
-- one tenant's log: see migrations/0007_tenants.sql.

-- name: tenant_id
-- The id of a tenant.
SELECT everlog.tenant_of_name(%(name)s::text);

-- name: changes
-- How often a name has changed its meaning.
SELECT c.version FROM everlog.tenant_changes AS c;

-- name: tenants
-- Tenants by name: one, or those after a name.
SELECT
    t.name, (extract(epoch FROM t.created_time) * 1000000)::bigint,
    (extract(epoch FROM t.frozen_time) * 1000000)::bigint, t.head, t.is_dropping
FROM everlog.list_tenants(%(name)s::text, %(after)s::text, %(limit)s::bigint) AS t;

-- name: create
-- Creates a tenant.
SELECT everlog.create_tenant(%(name)s::text);

-- name: rename
-- Gives a tenant another name.
SELECT everlog.rename_tenant(%(name)s::text, %(new_name)s::text);

-- name: freeze
-- Lets a tenant take no events, or take them again.
SELECT everlog.freeze_tenant(%(name)s::text, %(undo)s::boolean);

-- name: begin_drop
-- Begins to remove a tenant, or goes on with it.
SELECT d.outcome, d.tenant_id, d.head FROM everlog.begin_drop(%(name)s::text, %(head)s::bigint) AS d;

-- name: drop_piece
-- Removes a piece of a tenant that is being dropped.
SELECT p.events, p.is_done, p.blocked_by FROM everlog.drop_piece(%(tenant)s::integer, %(rows_max)s::bigint) AS p;

-- name: first_position
-- Where the log of a tenant begins by now whose events are removed; no row: none is left.
SELECT e.position FROM everlog.events AS e
WHERE e.tenant_id = %(tenant_id)s::integer
ORDER BY e.position
LIMIT 1;
