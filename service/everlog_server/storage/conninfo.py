"""Connection strings: as whom we connect, within which time limits, with which signs of life.

Every connection acts as the role `everlog_service`, which owns nothing and may change nothing but
through the functions of migrations/0001_event_log.sql.
"""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from everlog_server.settings import StorageSettings

SERVICE_ROLE = "everlog_service"
TENANT_SETTING = "everlog.tenant_id"
"""Whose rows a connection shows: see migrations/0007_tenants.sql. Not set: nobody's."""

# A connection for reading makes its session read-only by itself. libpq would look at that: it would
# find no host fit for `read-write`, and any for `read-only`. What is meant is which server it is.
_SERVERS_OF_SESSIONS = {"read-write": "primary", "read-only": "standby"}


def service_conninfo(dsn: str, settings: StorageSettings, **server_settings: str) -> str:
    """A connection string for the service: its role, time limits, and signs of life.

    `server_settings` are further PostgreSQL settings, such as `enable_seqscan="off"`.
    """
    statement_ms = int(settings.statement_timeout_seconds * 1000)
    lock_ms = int(settings.lock_timeout_seconds * 1000)
    given = conninfo_to_dict(dsn)
    wanted = {
        "role": SERVICE_ROLE,
        # The fence relies on it: statements after the lock must see what its last holder committed.
        "default_transaction_isolation": r"read\ committed",
        "statement_timeout": str(statement_ms),
        "lock_timeout": str(lock_ms),
        "idle_in_transaction_session_timeout": str(statement_ms + lock_ms),
        "timezone": "UTC",
        **server_settings,
    }
    ours = [f"-c {name}={value}" for name, value in wanted.items()]
    options = " ".join([str(given.get("options", "")), *ours]).strip()
    merged = {
        # A peer that vanished is noticed within half a minute, also while bytes are unacknowledged.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "connect_timeout": max(2, round(settings.connect_timeout_seconds)),
        "application_name": "everlog",
        **given,
        "client_encoding": "UTF8",  # what is packed for it by hand, whatever PGCLIENTENCODING says
        "options": options,
    }
    asked = merged.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
    if asked in _SERVERS_OF_SESSIONS:
        merged["target_session_attrs"] = _SERVERS_OF_SESSIONS[asked]
    return make_conninfo("", **merged)


def with_settings(conninfo: str, **server_settings: str) -> str:
    """A connection string with further PostgreSQL settings."""
    given = conninfo_to_dict(conninfo).get("options", "")
    ours = [f"-c {name}={value}" for name, value in server_settings.items()]
    return make_conninfo(conninfo, options=" ".join([str(given), *ours]).strip())
