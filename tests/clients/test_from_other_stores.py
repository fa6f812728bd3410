"""The table of counterparts names what exists: RPCs, commands, methods, errors."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import everlog
import everlog.emitters
from everlog.v1 import (
    aggregates_pb2,
    catalog_pb2,
    consumers_pb2,
    entities_pb2,
    errors_pb2,
    event_store_pb2,
    narratives_pb2,
    projections_pb2,
)
from everlog_server.cli import everlog as everlog_command

TEXT = (Path(__file__).parents[2] / "docs" / "from-other-stores.md").read_text(encoding="utf-8")
_PROTOS = (
    aggregates_pb2,
    catalog_pb2,
    consumers_pb2,
    entities_pb2,
    event_store_pb2,
    narratives_pb2,
    projections_pb2,
)
RPCS = {
    method.name
    for proto in _PROTOS
    for service in proto.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def rows() -> list[list[str]]:
    """The cells of each row of a table that has a column of RPCs."""
    found = []
    columns = 0
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        if not line.startswith("|"):
            columns = 0
        elif "RPC" in cells:
            columns = len(cells)
        elif columns and not line.startswith("|---"):
            assert len(cells) == columns, line
            found.append(cells)
    return found


def test_every_rpc_of_the_tables_exists() -> None:
    named = [name for row in rows() for name in re.findall(r"`(\w+)`", row[1])]
    assert len(named) > 70
    assert not set(named) - RPCS


def test_every_method_of_the_client_exists() -> None:
    named = set(re.findall(r"client\.(\w+)\(", TEXT))
    assert len(named) > 15
    assert [name for name in named if not hasattr(everlog.Client, name)] == []
    assert [name for name in named if not hasattr(everlog.SyncClient, name)] == []
    in_python = {name for row in rows() for name in re.findall(r"`(\w+)\(", row[3])}
    assert in_python <= set(everlog.__all__) | set(everlog.emitters.__all__)


def test_every_command_and_flag_exists() -> None:
    commands = re.findall(r"`everlog ([a-z][^`]*)`", TEXT)
    assert len(commands) > 45
    for text in commands:
        command: click.Command | None = everlog_command
        words = text.split()
        while isinstance(command, click.Group) and words:
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None, text
        if command.name == "serve":  # its flags are made of the settings
            continue
        flags = {flag for option in command.params for flag in option.opts}
        assert {word for word in words if word.startswith("--")} <= flags, text


@pytest.mark.parametrize("name", sorted(set(re.findall(r"everlog\.([A-Z]\w+)`", TEXT))))
def test_every_class_exists(name: str) -> None:
    assert hasattr(everlog, name)


def test_every_reason_exists() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", TEXT))
    known = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118
    assert len(named) > 4
    assert not named - known
