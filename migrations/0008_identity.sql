-- Tokens: by what a caller proves who it is, and what it may do.
--
-- A token's secret is 256 random bits. Nobody can try those through, so what is kept of it is a plain SHA-256:
-- a slow hash, as passwords need, would only slow down the server. Its first characters are kept as they are,
-- so that a secret that turns up somewhere can be told, and so that its row is found without a search by the
-- digest, whose time could tell something of it.
--
-- Tokens belong to the server, not to one tenant: small, read by all, a reference table when the rest is
-- distributed. Tenants are named by their ids: a name may come to mean another tenant.
--
-- serves-from: 0007

CREATE TABLE everlog.tokens (
    -- Never given again, not even after a revocation: events carry it as their actor.
    name text COLLATE "C" PRIMARY KEY,
    prefix text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    -- 1 emit, 2 read, 3 consume, 4 admin, 5 operator.
    roles smallint[] NOT NULL,
    -- In the order in which they were granted. Empty, for operators only: all.
    tenant_ids integer[] NOT NULL,
    aggregate_types text[] NOT NULL,
    event_types text[] NOT NULL,
    own_only boolean NOT NULL,
    actor text NOT NULL,
    user_id text NOT NULL,
    acts_for_others boolean NOT NULL,
    events_per_second integer NOT NULL,
    calls_per_second integer NOT NULL,
    created_time timestamptz NOT NULL DEFAULT now(),
    expire_time timestamptz,
    revoked_time timestamptz,
    last_used_time timestamptz,
    CONSTRAINT tokens_digest_check CHECK (octet_length(digest) = 32),
    CONSTRAINT tokens_tenants_check CHECK (cardinality(tenant_ids) > 0 OR 5 = ANY (roles))
);

CREATE INDEX tokens_by_prefix ON everlog.tokens (prefix);

-- Raised whenever something that processes may have remembered of tokens does not hold any more. One row.
CREATE TABLE everlog.token_changes (
    is_the_one boolean PRIMARY KEY DEFAULT true,
    version bigint NOT NULL,
    CONSTRAINT token_changes_one_check CHECK (is_the_one)
) WITH (fillfactor = 10);

INSERT INTO everlog.token_changes (version) VALUES (1);

-- Creates a token; false: there is, or was, one of this name.
CREATE FUNCTION everlog.create_token(
    _name text, _prefix text, _digest bytea, _roles smallint[], _tenant_ids integer[],
    _aggregate_types text[], _event_types text[], _own_only boolean, _actor text, _user_id text,
    _acts_for_others boolean, _events_per_second integer, _calls_per_second integer,
    _created_time timestamptz, _expire_time timestamptz
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO everlog.tokens (
        name, prefix, digest, roles, tenant_ids, aggregate_types, event_types, own_only, actor, user_id,
        acts_for_others, events_per_second, calls_per_second, created_time, expire_time
    )
    VALUES (
        _name, _prefix, _digest, _roles, _tenant_ids, _aggregate_types, _event_types, _own_only, _actor,
        _user_id, _acts_for_others, _events_per_second, _calls_per_second, _created_time, _expire_time
    )
    ON CONFLICT (name) DO NOTHING;
    RETURN FOUND;
END
$$;

-- Revokes a token, for good; false: there is none. Once it is revoked, that stays its time.
CREATE FUNCTION everlog.revoke_token(_name text, _revoked_time timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE everlog.tokens AS t SET revoked_time = _revoked_time
    WHERE t.name = _name AND t.revoked_time IS NULL;
    IF FOUND THEN
        UPDATE everlog.token_changes SET version = version + 1;
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM everlog.tokens AS t WHERE t.name = _name);
END
$$;

-- Notes when tokens were used last. Never back: processes note it in any order. By name, so that two that
-- note the same ones don't wait for each other in a circle.
CREATE FUNCTION everlog.note_tokens_used(_names text[], _used_times timestamptz[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM everlog.tokens AS t WHERE t.name = ANY (_names) ORDER BY t.name FOR NO KEY UPDATE;
    UPDATE everlog.tokens AS t SET last_used_time = u.used_time
    FROM unnest(_names, _used_times) AS u (name, used_time)
    WHERE t.name = u.name AND (t.last_used_time IS NULL OR t.last_used_time < u.used_time);
END
$$;

-- The names of tenants, in their order. One that is dropped keeps its place, by what is no name: else the next
-- one, or all, would take it.
CREATE FUNCTION everlog.names_of_tenants(_tenants integer[]) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(
        SELECT coalesce(n.name, '#' || g.tenant_id)
        FROM unnest(_tenants) WITH ORDINALITY AS g (tenant_id, place)
        LEFT JOIN everlog.tenant_names AS n ON n.tenant_id = g.tenant_id
        ORDER BY g.place
    )
$$;

-- A tenant of another name, or none: what processes remember of tokens names tenants.
CREATE FUNCTION everlog.note_tenant_names()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE everlog.token_changes SET version = version + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER tenant_names_changed
AFTER UPDATE OR DELETE ON everlog.tenant_names
FOR EACH STATEMENT EXECUTE FUNCTION everlog.note_tenant_names();

REVOKE ALL ON FUNCTION everlog.create_token, everlog.revoke_token, everlog.note_tokens_used,
    everlog.names_of_tenants, everlog.note_tenant_names FROM PUBLIC;
GRANT SELECT ON everlog.tokens, everlog.token_changes TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.create_token, everlog.revoke_token, everlog.note_tokens_used,
    everlog.names_of_tenants TO everlog_service;
