-- Tokens. See migrations/0008_identity.sql.

-- fragment: columns
t.name, t.prefix, t.digest, t.roles,
-- One that is dropped keeps its place, by what is no name: else the next one, or all, would take it.
ARRAY(
    SELECT coalesce(n.name, '#' || g.tenant_id)
    FROM unnest(t.tenant_ids) WITH ORDINALITY AS g (tenant_id, place)
    LEFT JOIN everlog.tenant_names AS n ON n.tenant_id = g.tenant_id
    ORDER BY g.place
) AS tenants,
t.aggregate_types, t.event_types, t.own_only, t.actor, t.user_id, t.acts_for_others, t.events_per_second,
t.calls_per_second, t.created_time, t.expire_time, t.revoked_time, t.last_used_time

-- name: by_prefix
-- The tokens whose secrets begin so: one, as a rule.
SELECT {columns} FROM everlog.tokens AS t WHERE t.prefix = %(prefix)s::text LIMIT 100;

-- name: by_names
-- The tokens of these names, as far as they exist.
SELECT {columns} FROM everlog.tokens AS t WHERE t.name = ANY (%(names)s::text[]);

-- name: after
-- The tokens whose names follow one.
SELECT {columns} FROM everlog.tokens AS t WHERE t.name > %(after)s::text ORDER BY t.name LIMIT %(limit)s::integer;

-- name: version
-- Raised when what was read of tokens may not hold any more.
SELECT c.version FROM everlog.token_changes AS c;

-- name: tenant_ids
-- The ids of tenants, by name.
SELECT n.name, n.tenant_id FROM everlog.tenant_names AS n WHERE n.name = ANY (%(names)s::text[]);

-- name: create
-- Creates a token; false: there is, or was, one of this name.
SELECT everlog.create_token(
    %(name)s::text, %(prefix)s::text, %(digest)s::bytea, %(roles)s::smallint[], %(tenant_ids)s::integer[],
    %(aggregate_types)s::text[], %(event_types)s::text[], %(own_only)s::boolean, %(actor)s::text,
    %(user_id)s::text, %(acts_for_others)s::boolean, %(events_per_second)s::integer,
    %(calls_per_second)s::integer, %(created_time)s::timestamptz, %(expire_time)s::timestamptz
);

-- name: revoke
-- Revokes a token; false: there is none.
SELECT everlog.revoke_token(%(name)s::text, %(revoked_time)s::timestamptz);

-- name: note_used
-- Notes when tokens were used last.
SELECT everlog.note_tokens_used(%(names)s::text[], %(used_times)s::timestamptz[]);
