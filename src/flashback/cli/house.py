"""Click in the manner of the house.

Words are translated when shown, an example stands under every help, and commands are loaded only
when they are asked for.
"""

import datetime as dt
import difflib
import gettext
import importlib
import keyword
from collections.abc import Callable, Mapping
from typing import Any

import click


def mark(source: str) -> str:
    """Mark words for the catalogue; they are translated when they are shown."""
    return source


def words(source: str) -> str:
    """The words in the language now spoken."""
    return gettext.gettext(source) if source else ""


class Day(click.DateTime):
    """A day such as 2026-12-31; any other text is refused in words."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        """Midnight of the day."""
        try:
            day: dt.datetime = super().convert(value, param, ctx)
        except click.BadParameter:
            refusal = words(mark("“{text}” is no date. Write it as 2026-12-31."))
            self.fail(refusal.format(text=value), param, ctx)
        return day


class Option(click.Option):
    """An option whose help is translated when shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Translate, then as Click does."""
        source, self.help = self.help, words(self.help or "")
        try:
            return super().get_help_record(ctx)
        finally:
            self.help = source


class Command(click.Command):
    """A command with a translated help and an example."""

    def __init__(self, *args: Any, example: str = "", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.example = example
        for parameter in self.params:
            if "--help" in parameter.opts:
                parameter.__class__ = Option

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Translate, then as Click does."""
        source, self.help = self.help, words(self.help or "")
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = source

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Close with the example."""
        super().format_epilog(ctx, formatter)
        if self.example:
            with formatter.section(words(mark("Example"))):
                formatter.write(f"  {self.example}\n")


class Group(Command, click.Group):
    """Commands under one noun."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List each command with its first line, translated."""
        rows = [(name, words(command.help or "")) for name, command in self.commands.items()]
        self._write(rows, formatter)

    @staticmethod
    def _write(rows: list[tuple[str, str]], formatter: click.HelpFormatter) -> None:
        with formatter.section(words(mark("Commands"))):
            formatter.write_dl([(name, line.partition("\n")[0]) for name, line in rows])


class LazyGroup(Group):
    """A group that loads a command's module when the command is asked for.

    ``commands_at`` maps a name to its module and its line of help; the command is the attribute of
    that name, and its help begins with that line.
    """

    def __init__(
        self, *args: Any, commands_at: Mapping[str, tuple[str, str]], **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # Click's signature
        """All names, in their own order."""
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one."""
        if cmd_name not in self.commands_at:
            return None
        module, line = self.commands_at[cmd_name]
        # A word of Python, such as "import", has a line behind it.
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(importlib.import_module(module), name)
        command.help = line if not command.help else command.help
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the one that was probably meant."""
        name = args[0]
        if name not in self.commands_at and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.commands_at, n=1)
            if near:
                question = words(mark("There is no command “{name}”. Did you mean “{near}”?"))
                ctx.fail(question.format(name=name, near=near[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List without loading."""
        self._write([(n, words(line)) for n, (_, line) in self.commands_at.items()], formatter)


def option(*names: str, **settings: Any) -> Callable[..., Any]:
    """``click.option`` with translated help."""
    return click.option(*names, cls=Option, **settings)


def command(*, example: str, **settings: Any) -> Callable[..., Any]:
    """``click.command`` with an example."""
    return click.command(cls=Command, example=example, **settings)
