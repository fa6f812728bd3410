"""The help of every command: whole sentences, and a word about each option."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import pytest

from everlog_server.cli import everlog


def commands(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """The command and all below it, with what is typed for each."""
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, click.Context(below, info_name=name, parent=context))


ALL = list(commands(everlog, click.Context(everlog, info_name="everlog")))
GROUPS = [
    (path, command, context)
    for path, command, context in ALL
    # It tells of its commands without importing them.
    if isinstance(command, click.Group) and command is not everlog
]


def each(found: Sequence[tuple[str, click.Command, click.Context]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("command", "context"), [one[1:] for one in found], ids=[path for path, *_ in found]
    )


@each(ALL)
def test_a_command_and_each_of_its_options_say_what_they_are_for(
    command: click.Command, context: click.Context
) -> None:
    assert command.help
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.hidden and not one.help] == []


@each(GROUPS)
def test_the_help_of_a_group_says_of_each_command_what_the_command_says(
    command: click.Group, context: click.Context
) -> None:
    shown = " ".join(command.get_help(context).split())
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        assert f" {name} {below.get_short_help_str(limit=1_000)}" in shown


@each(ALL)
def test_who_can_give_a_time_is_told_how(command: click.Command, context: click.Context) -> None:
    takes_time = any(one.type.name == "TIME" for one in command.params)
    assert not takes_time or "how long ago" in " ".join(command.get_help(context).split())
