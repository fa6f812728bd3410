"""compose.yaml and the Kubernetes manifests: against their schemas, and against one another."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from everlog_server.settings import ServerSettings, unknown_variables
from tests.deployment import dockerfile

FOLDER = dockerfile.ROOT / "docs" / "operations" / "kubernetes"
COMPOSE = yaml.safe_load((dockerfile.ROOT / "compose.yaml").read_text())
MANIFESTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))
}


def containers(name: str) -> list[dict[str, Any]]:
    pod = MANIFESTS[name]["spec"]["template"]["spec"]
    return list(pod["containers"])


def the(name: str) -> dict[str, Any]:
    (container,) = containers(name)
    return container


def test_compose_follows_its_specification(tmp_path: Path) -> None:
    """By the schema that comes with check-jsonschema."""
    wrong = tmp_path / "compose.yaml"
    wrong.write_text("services: {everlog: {imag: everlog}}")
    for file, status in ((dockerfile.ROOT / "compose.yaml", 0), (wrong, 1)):
        command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
        check = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, check=False
        )
        assert check.returncode == status, check.stdout + check.stderr


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_follows_the_schema_of_kubernetes(name: str) -> None:
    for version in ("1.30", "1.34"):
        kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_every_setting_in_them_is_one() -> None:
    *_, image = dockerfile.read()
    named = {
        *image.environment,
        *COMPOSE["services"]["everlog"]["environment"],
        *(
            each["name"]
            for each in chain.from_iterable(
                container["env"]
                for container in (the("deployment.yaml"), the("migration-job.yaml"))
            )
        ),
    }
    assert "EVERLOG_DATABASE_URL" in named
    assert not unknown_variables(dict.fromkeys(named, "x"))


def test_compose_publishes_to_this_machine_only() -> None:
    for service in COMPOSE["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_no_password_stands_in_them() -> None:
    (secret,) = COMPOSE["secrets"].values()
    assert set(secret) == {"file"}
    assert "PASSWORD=" not in json.dumps(COMPOSE)
    for name in ("deployment.yaml", "migration-job.yaml"):
        for variable in the(name)["env"]:
            if variable["name"] == "EVERLOG_DATABASE_URL":
                assert "secretKeyRef" in variable["valueFrom"]
    assert MANIFESTS["secret.example.yaml"]["stringData"]["serving-password"] == "replace-me"


def test_everything_is_selected_that_is_meant() -> None:
    deployment = MANIFESTS["deployment.yaml"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert MANIFESTS["service.yaml"]["spec"]["selector"].items() <= labels.items()
    budget = MANIFESTS["disruption-budget.yaml"]["spec"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    (expression,) = MANIFESTS["network-policy.yaml"]["spec"]["podSelector"]["matchExpressions"]
    job = MANIFESTS["migration-job.yaml"]["spec"]["template"]["metadata"]["labels"]
    for pod in (labels, job):
        assert pod[expression["key"]] in expression["values"]
    # Else a Job's pod would take calls.
    assert not MANIFESTS["service.yaml"]["spec"]["selector"].items() <= job.items()


def test_ports_and_secrets_are_those_that_there_are() -> None:
    ports = {each["name"]: each["containerPort"] for each in the("deployment.yaml")["ports"]}
    assert ports["grpc"] == ServerSettings().port
    service = MANIFESTS["service.yaml"]["spec"]["ports"]
    assert {each["targetPort"] for each in service} <= ports.keys()
    opened = {
        port["port"]
        for rule in MANIFESTS["network-policy.yaml"]["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert opened == set(ports.values())
    secret = MANIFESTS["secret.example.yaml"]
    for name in ("deployment.yaml", "migration-job.yaml"):
        pod = MANIFESTS[name]["spec"]["template"]["spec"]
        (mounted,) = (each["secret"] for each in pod["volumes"] if "secret" in each)
        assert mounted["secretName"] == secret["metadata"]["name"]
        assert {item["key"] for item in mounted["items"]} <= secret["stringData"].keys()
        for variable in the(name)["env"]:
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["name"] == secret["metadata"]["name"]
                assert reference["key"] in secret["stringData"]


def test_a_pod_is_given_the_time_to_drain() -> None:
    deployment = the("deployment.yaml")
    grace = MANIFESTS["deployment.yaml"]["spec"]["template"]["spec"]
    _, seconds = deployment["lifecycle"]["preStop"]["exec"]["command"]
    drain = ServerSettings().drain_grace_seconds
    assert grace["terminationGracePeriodSeconds"] >= float(seconds) + 2 * drain
    # Endpoints must forget it before it stops.
    probe = deployment["readinessProbe"]
    assert float(seconds) > 0
    assert probe["periodSeconds"] * probe["failureThreshold"] <= drain
    compose_grace = COMPOSE["services"]["everlog"]["stop_grace_period"]
    assert float(compose_grace.removesuffix("s")) > drain


@pytest.mark.parametrize("name", ["deployment.yaml", "migration-job.yaml"])
def test_a_pod_may_nothing_that_it_need_not(name: str) -> None:
    pod = MANIFESTS[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == (
        dockerfile.read()[-1].last("USER").text
    )
    assert not pod["automountServiceAccountToken"]
    own = the(name)["securityContext"]
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert set(the(name)["resources"]) == {"requests", "limits"}


def test_servers_do_not_migrate_where_a_job_does() -> None:
    environment = {each["name"]: each.get("value") for each in the("deployment.yaml")["env"]}
    assert environment["EVERLOG_MIGRATE_AT_START"] == "false"
    assert the("migration-job.yaml")["args"] == ["migrate"]
    assert the("migration-job.yaml")["image"] == the("deployment.yaml")["image"]
