"""How the service connects: what a configured URL says, and what is added to it."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from everlog_server.settings import StorageSettings
from everlog_server.storage.conninfo import service_conninfo

HOSTS = "postgresql://me@db-0,db-1/everlog"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("read-write", "primary"),
        ("read-only", "standby"),
        ("prefer-standby", "prefer-standby"),
        ("primary", "primary"),
        ("any", "any"),
    ],
)
def test_the_session_that_is_asked_for_means_a_server(
    asked: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections for reading are read-only by our own setting, on the primary, too."""
    monkeypatch.delenv("PGTARGETSESSIONATTRS", raising=False)
    by_url = service_conninfo(f"{HOSTS}?target_session_attrs={asked}", StorageSettings())
    assert conninfo_to_dict(by_url)["target_session_attrs"] == wanted
    monkeypatch.setenv("PGTARGETSESSIONATTRS", asked)
    by_variable = conninfo_to_dict(service_conninfo(HOSTS, StorageSettings()))
    assert by_variable.get("target_session_attrs", asked) == wanted


def test_nothing_is_asked_for_where_nothing_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGTARGETSESSIONATTRS", raising=False)
    assert "target_session_attrs" not in conninfo_to_dict(
        service_conninfo(HOSTS, StorageSettings())
    )
