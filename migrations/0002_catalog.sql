-- The catalogue of each tenant: event types with all their versions, aggregate types, a policy.
--
-- Why a revision: every server judges by a copy in memory. It asks for the revision, and then only for
-- what has changed since. Changes are decided on such a copy, so change_catalog() takes them only while
-- the catalogue is still at the revision that they were decided on. Nothing is ever deleted.

CREATE TABLE everlog.catalogs (
    tenant_id integer PRIMARY KEY,
    revision bigint NOT NULL CHECK (revision > 0),
    is_strict boolean NOT NULL
);

-- The newest version of each event type. `definition` is a serialized EventTypeDefinition.
CREATE TABLE everlog.event_types (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Of the catalogue, when the row was last changed.
    revision bigint NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    created_time timestamptz NOT NULL,
    definition bytea NOT NULL,
    deprecated_time timestamptz,
    deprecation_note text NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
CREATE INDEX event_types_revision_idx ON everlog.event_types (tenant_id, revision);

-- All versions, the newest among them.
CREATE TABLE everlog.event_type_versions (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    created_time timestamptz NOT NULL,
    definition bytea NOT NULL,
    PRIMARY KEY (tenant_id, name, version)
);

-- All versions of the aggregate types. `definition` is a serialized AggregateTypeDefinition.
CREATE TABLE everlog.aggregate_type_versions (
    tenant_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    created_time timestamptz NOT NULL,
    definition bytea NOT NULL,
    PRIMARY KEY (tenant_id, name, version)
);

-- Changes a catalogue that is at a revision (0: there is none yet); returns its new revision, or null
-- when it is at another one: then nothing has changed.
--
-- The lock: the catalogue's row, against other changes to it; held to the end of the transaction. The
-- insert is what makes two first changes wait for each other.
CREATE FUNCTION everlog.change_catalog(
    _tenant integer,
    _revision bigint,
    -- Null: as it is.
    _is_strict boolean,
    -- Event types as they will be, one element each. A version that is new is kept as such.
    _names text[],
    _versions integer[],
    _definitions bytea[],
    -- One element each; null where it is not deprecated.
    _deprecated_times timestamptz[],
    _deprecation_notes text[],
    -- Aggregate types, all of them new versions.
    _aggregate_names text[],
    _aggregate_versions integer[],
    _aggregate_definitions bytea[],
    _time timestamptz
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF _revision = 0 THEN
        INSERT INTO everlog.catalogs (tenant_id, revision, is_strict)
        SELECT t.tenant_id, 1, coalesce(_is_strict, false)
        FROM everlog.tenants AS t WHERE t.tenant_id = _tenant
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE everlog.catalogs AS c
        SET revision = c.revision + 1, is_strict = coalesce(_is_strict, c.is_strict)
        WHERE c.tenant_id = _tenant AND c.revision = _revision;
    END IF;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    INSERT INTO everlog.event_type_versions (tenant_id, name, version, created_time, definition)
    SELECT _tenant, n.name, n.version, _time, n.definition
    FROM unnest(_names, _versions, _definitions) AS n (name, version, definition)
    ON CONFLICT DO NOTHING;

    INSERT INTO everlog.event_types AS t (
        tenant_id, name, revision, version, created_time, definition, deprecated_time,
        deprecation_note
    )
    SELECT
        _tenant, n.name, _revision + 1, n.version, _time, n.definition, n.deprecated_time,
        n.deprecation_note
    FROM unnest(_names, _versions, _definitions, _deprecated_times, _deprecation_notes)
        AS n (name, version, definition, deprecated_time, deprecation_note)
    ON CONFLICT (tenant_id, name) DO UPDATE SET
        revision = excluded.revision,
        version = excluded.version,
        created_time = CASE
            WHEN t.version = excluded.version THEN t.created_time ELSE excluded.created_time
        END,
        definition = excluded.definition,
        deprecated_time = excluded.deprecated_time,
        deprecation_note = excluded.deprecation_note;

    INSERT INTO everlog.aggregate_type_versions (
        tenant_id, name, version, created_time, definition
    )
    SELECT _tenant, n.name, n.version, _time, n.definition
    FROM unnest(_aggregate_names, _aggregate_versions, _aggregate_definitions)
        AS n (name, version, definition);
    RETURN _revision + 1;
END
$$;

REVOKE ALL ON FUNCTION everlog.change_catalog FROM PUBLIC;
GRANT SELECT ON everlog.catalogs, everlog.event_types, everlog.event_type_versions,
    everlog.aggregate_type_versions TO everlog_service;
GRANT EXECUTE ON FUNCTION everlog.change_catalog TO everlog_service;
