"""Everything that can be set: what there is, what it is called, and where its value comes from.

A setting comes from a flag, else from the environment, else from a TOML file, else its default
holds. Its names follow from its place: `append.batch_events_max` is `batch_events_max` under
`[append]` in the file, `EVERLOG_APPEND_BATCH_EVENTS_MAX` in the environment, and the flag
`--append-batch-events-max`. Those of `server` and `storage` go without the section: `--port`.

Byte counts may be written as `8MiB`. An unknown name in the file is an error, a wrong value always.
"""

from everlog_server.settings.loading import (
    check_exposure,
    from_json,
    load,
    redact,
    redacted,
    to_json,
    unknown_variables,
)
from everlog_server.settings.options import Option, SettingsError, options
from everlog_server.settings.tree import (
    AppendSettings,
    IdentitySettings,
    LimitSettings,
    LogSettings,
    MetricsSettings,
    NarratorSettings,
    ServerSettings,
    Settings,
    StorageSettings,
    SubscriptionSettings,
)

__all__ = [
    "AppendSettings",
    "IdentitySettings",
    "LimitSettings",
    "LogSettings",
    "MetricsSettings",
    "NarratorSettings",
    "Option",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "StorageSettings",
    "SubscriptionSettings",
    "check_exposure",
    "from_json",
    "load",
    "options",
    "redact",
    "redacted",
    "to_json",
    "unknown_variables",
]
