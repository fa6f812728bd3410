-- Tokens. See migrations/0008_identity.sql.

-- fragment: columns
t.name, t.prefix, t.digest, t.roles,
everlog.names_of_tenants(t.tenant_ids) AS tenants,
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
-- The ids of tenants, by name; null: there is none.
SELECT n.name, everlog.tenant_of_name(n.name) FROM unnest(%(names)s::text[]) AS n (name);

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
