\echo Instances
SELECT i.instance_id, i.project, l.status, l.is_reported AS reported, i.context_percent AS context
FROM supervisor.instances AS i
JOIN supervisor.liveness AS l USING (instance_id)
ORDER BY i.registered_time;

\echo Epics
SELECT project, epic_id, feature_name, status, estimated_hours AS estimated,
    actual_hours AS actual, instance_id, remark
FROM supervisor.epics
ORDER BY project, epic_id;

\echo Deployments
SELECT deployment_id, environment, version, status, duration_seconds AS seconds,
    is_rolled_back AS rolled_back
FROM supervisor.deployments
ORDER BY deployment_id;

\echo What runs where
SELECT environment, service, version FROM supervisor.deployed ORDER BY environment, service;
