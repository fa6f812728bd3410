"""Flags made from the settings' own descriptions: written once, there."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from everlog_server import settings
from everlog_server.settings import Option, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 1024 * 1024


def settings_options(*sections: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the flags of these sections; it gets the settings in force as `loaded`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        offered = [
            option
            for option in settings.options()
            if option.section in sections and not option.secret
        ]

        @wraps(command)
        def run(*, config: Path | None, **given: Any) -> None:
            flags = {option.name: given.pop(_parameter(option)) for option in offered}
            try:
                loaded: Settings = settings.load(flags, file=config)
            except SettingsError as error:
                raise click.UsageError(error.message) from None
            command(loaded=loaded, **given)

        with_flags: Callable[..., None] = run
        for option in reversed(offered):
            with_flags = _flag(option)(with_flags)
        return click.option(
            "--config",
            type=click.Path(path_type=Path),
            help="TOML file with settings.  [EVERLOG_CONFIG]",
        )(with_flags)

    return decorate


def _parameter(option: Option) -> str:
    return option.name.replace(".", "__")


def _flag(option: Option) -> Callable[[Callable[..., None]], Callable[..., None]]:
    # Without defaults and types of click's own: None says that the flag was not given, and a wrong
    # value meets the same check and message whatever its source.
    help_text = f"{option.doc}  [{option.variable}{_default(option)}]"
    if option.type is bool:
        negation = f"/--no-{option.flag.removeprefix('--')}"
        return click.option(
            option.flag + negation, _parameter(option), default=None, help=help_text
        )
    metavar = "|".join(option.choices) or option.type.__name__.upper()
    return click.option(option.flag, _parameter(option), metavar=metavar, help=help_text)


def _default(option: Option) -> str:
    value = option.default
    if value is None:
        return ""
    if option.type is bool:
        return "; default: yes" if value else "; default: no"
    if option.key.endswith("_bytes_max") and value % _MIB == 0:
        return f"; default: {value // _MIB}MiB"
    return f"; default: {value}"
