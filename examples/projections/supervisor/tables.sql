CREATE TABLE instances (
    instance_id text PRIMARY KEY,
    project text NOT NULL,
    instance_type text NOT NULL,
    host text,
    version text,
    resumed_from text,
    context_percent numeric NOT NULL DEFAULT 0,
    current_epic text,
    registered_time timestamptz NOT NULL,
    -- Its last sign of life: registered, or a heartbeat.
    seen_time timestamptz NOT NULL,
    -- Somebody emitted that it is stale, and nothing was heard of it since.
    reported_stale_time timestamptz
);

-- Whether an instance lives is a matter of the time at which one asks, and silence is no event: so it
-- is not kept but worked out.
CREATE VIEW liveness AS
SELECT
    instance_id,
    project,
    seen_time,
    CASE WHEN now() - seen_time > interval '120 seconds' THEN 'stale' ELSE 'active' END AS status,
    reported_stale_time IS NOT NULL AS is_reported
FROM instances;

-- Epics are numbered in each project. Several instances may work on one, one after the other.
CREATE TABLE epics (
    project text NOT NULL,
    epic_id text NOT NULL,
    feature_name text,
    status text NOT NULL,
    estimated_hours numeric,
    actual_hours numeric,
    -- What was reached, or why it was given up.
    remark text,
    planned_time timestamptz,
    started_time timestamptz,
    ended_time timestamptz,
    -- Who had it last.
    instance_id text NOT NULL,
    PRIMARY KEY (project, epic_id)
);

CREATE TABLE deployments (
    deployment_id text PRIMARY KEY,
    environment text NOT NULL,
    service text,
    version text,
    status text NOT NULL,
    duration_seconds numeric,
    reason text,
    is_rolled_back boolean NOT NULL DEFAULT false,
    started_time timestamptz,
    ended_time timestamptz,
    instance_id text NOT NULL
);
CREATE INDEX ON deployments (environment, ended_time);

-- What runs where: the last deployment that succeeded.
CREATE VIEW deployed AS
SELECT DISTINCT ON (environment, service) environment, service, version, deployment_id, ended_time
FROM deployments
WHERE status = 'completed'
ORDER BY environment, service, ended_time DESC;
