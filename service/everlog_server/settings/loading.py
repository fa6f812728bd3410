"""Where settings come from, which source wins, and how they are shown without their secrets."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from everlog_server.settings.options import SettingsError, options
from everlog_server.settings.tree import ServerSettings, Settings, is_loopback

# `://user:…@` of a URL; `password=…` among its parameters, or of a string of keywords.
_URL_PASSWORD = re.compile(r"(://[^:/?#@\s]*:)[^/?#\s]*@")
_KEYWORD_PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s]+)", re.IGNORECASE)

_VARIABLES_OF_CLIENTS = {
    "EVERLOG_CA",
    "EVERLOG_CLIENT_CERTIFICATE",
    "EVERLOG_CLIENT_KEY",
    "EVERLOG_CONFIG",
    "EVERLOG_TENANT",
    "EVERLOG_TOKEN",
    "EVERLOG_URL",
}


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Settings:
    """The settings in force. Raises SettingsError, which names setting, value and source.

    `flags`: values by dotted name, None for those not given. `file`: TOML; None: the one that
    EVERLOG_CONFIG names, if any. An empty variable is as good as none.
    """
    file = file or (
        Path(environment["EVERLOG_CONFIG"]) if environment.get("EVERLOG_CONFIG") else None
    )
    tables = _read(file) if file else {}
    sections: dict[str, dict[str, Any]] = {}
    for option in options():
        candidates = (
            ((flags or {}).get(option.name), option.flag),
            (environment.get(option.variable) or None, option.variable),
            (tables.get(option.section, {}).get(option.key), str(file)),
        )
        values = sections.setdefault(option.section, {})
        for raw, source in candidates:
            if raw is not None:
                values[option.key] = option.parse(raw, source=source)
                break
    _choose_database(sections["storage"], environment)
    types = get_type_hints(Settings)
    settings = Settings(**{name: types[name](**values) for name, values in sections.items()})
    if settings.limits.event_bytes_max > settings.limits.request_bytes_max:
        raise SettingsError("limits.event_bytes_max must not exceed limits.request_bytes_max")
    if settings.narrator.api_key and settings.narrator.api_key_file:
        raise SettingsError("narrator.api_key and narrator.api_key_file contradict each other")
    _check_tls(settings.server)
    _check_identity(settings)
    return settings


def check_exposure(settings: Settings) -> None:
    """Refuses to let everybody in from beyond this machine, unless that is meant."""
    server = settings.server
    if settings.identity.mode == "required" or settings.listens_on_loopback or server.insecure:
        return
    raise SettingsError(
        f"server.host is {server.host}, which others can reach, and identity.mode is open: each of"
        " them could read and write everything. Either require tokens: make the first one with"
        " `everlog tokens create NAME --role operator --database-url …`, then serve with"
        " --identity-mode required (EVERLOG_IDENTITY_MODE=required). Or, where only programs that"
        " you trust can reach the port, as in a network of containers or for a demo, say so by"
        " --insecure (EVERLOG_INSECURE=true). See docs/security.md"
    )


def _check_tls(server: ServerSettings) -> None:
    if (server.tls_certificate is None) != (server.tls_key is None):
        raise SettingsError("server.tls_certificate and server.tls_key go together")
    if server.tls_client_ca is not None and server.tls_certificate is None:
        raise SettingsError("server.tls_client_ca needs server.tls_certificate and server.tls_key")


def _check_identity(settings: Settings) -> None:
    identity = settings.identity
    if identity.jwt_keys_file is not None and identity.jwt_keys_url is not None:
        raise SettingsError(
            "identity.jwt_keys_file and identity.jwt_keys_url contradict each other"
        )
    if identity.jwt_keys_url is not None:
        _check_keys_url(identity.jwt_keys_url)
    for name, is_given in (
        ("identity.tls_grants_file", identity.tls_grants_file is not None),
        ("identity.jwt_keys_file", identity.jwt_keys_file is not None),
        ("identity.jwt_keys_url", identity.jwt_keys_url is not None),
    ):
        # Who says one means that it is asked for.
        if is_given and identity.mode != "required":
            raise SettingsError(f"{name} is given, but identity.mode is open: it must be required")
    if identity.has_jwts:
        for name in ("jwt_issuer", "jwt_audience"):
            if not getattr(identity, name):
                raise SettingsError(
                    f"identity.{name} must be given: else JWTs that were meant for others are taken"
                )
    if identity.tls_grants_file is not None and settings.server.tls_client_ca is None:
        raise SettingsError(
            "identity.tls_grants_file needs server.tls_client_ca: without, no client shows a"
            " certificate"
        )


def _check_keys_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise SettingsError(f"identity.jwt_keys_url can't be understood: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise SettingsError("identity.jwt_keys_url must not have a password: keys are public")
    if not host or parts.scheme not in {"https", "http"}:
        raise SettingsError(f"identity.jwt_keys_url is {url!r}, but must be https://…")
    # Whoever can answer in its stead makes everybody anybody.
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(f"identity.jwt_keys_url is {url!r}: http is for loopback only")


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file; raises SettingsError for a name that is no setting."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} can't be read: {error}") from None
    known = {option.name for option in options()}
    for section, table in tables.items():
        names = [f"{section}.{key}" for key in table] if isinstance(table, dict) else [section]
        for name in names:
            if name not in known:
                raise SettingsError(f"{name} in {file} is not a setting")
    return tables


def _choose_database(storage: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Refuses contradictions; prefers libpq's variables to an embedded PostgreSQL by default."""
    asked = [name for name in ("database_url", "data_dir", "ephemeral") if storage.get(name)]
    if len(asked) > 1:
        raise SettingsError(f"storage.{asked[0]} and storage.{asked[1]} contradict each other")
    if storage.get("database_password_file") and asked not in ([], ["database_url"]):
        raise SettingsError(
            f"storage.database_password_file and storage.{asked[0]} contradict each other"
        )
    if not asked and any(environment.get(name) for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE")):
        storage["database_url"] = ""


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The variables that begin with EVERLOG_ and mean nothing: misspelt, most likely."""
    known = _VARIABLES_OF_CLIENTS | {option.variable for option in options()}
    return sorted(name for name in environment if name.startswith("EVERLOG_") and name not in known)


def to_json(settings: Settings) -> str:
    """Every value, secrets included: for a process of ours."""
    values = {option.name: option.value_in(settings) for option in options()}
    return json.dumps(values, default=str)


def from_json(text: str) -> Settings:
    """The settings that to_json() wrote."""
    return load(json.loads(text), environment={})


def redacted(settings: Settings) -> dict[str, Any]:
    """Every value under its dotted name, secrets removed: for the log."""
    values = {
        option.name: "***"
        if option.secret and option.value_in(settings)
        else option.value_in(settings)
        for option in options()
    }
    return {
        name: redact(value) if isinstance(value, str) else value for name, value in values.items()
    }


def redact(text: str) -> str:
    """A database URL, a string of keywords, or a message that holds one, without its passwords."""
    return _KEYWORD_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1***@", text))
