"""Groups of commands, such as `everlog tenants`."""

from __future__ import annotations

import click

_CHARACTERS_MAX = 1_000


class CommandGroup(click.Group):
    """A group whose help shows the first sentence of each command whole.

    click cuts it to what fits beside the name, and so leaves out what tells two commands apart.
    """

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by name, each sentence in as many lines as it takes."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(limit=_CHARACTERS_MAX))
                    for name, command in commands
                    if command is not None and not command.hidden
                ]
            )
