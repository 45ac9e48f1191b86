"""The help: quick, complete, with an example everywhere."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from flashback.cli.commands import COMMANDS, flashback
from flashback.cli.house import Command
from flashback.resources import example_settings

HEAVY = ("sqlalchemy", "jinja2", "premailer", "asyncio", "lxml", "smtplib", "mjml", "markdown_it")


def every_command() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(flashback)
    for name in COMMANDS:
        command = flashback.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", c) for sub, c in command.commands.items())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--lang", "fr", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """``--help`` must not wait for SQLAlchemy, Jinja2, premailer or asyncio."""
    program = (
        "import sys; from flashback.cli import main; main(sys.argv[1:]);"
        "print(*[m for m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("COV")},
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded.intersection(HEAVY)
    assert "flashback" in loaded


@pytest.mark.parametrize("arguments", [["theme", "check"], ["subscribers", "list"]])
def test_the_end_is_quick(tmp_path: Path, arguments: list[str]) -> None:
    """Nothing is looked through for garbage."""
    shutil.copy(example_settings(), tmp_path)
    program = (
        "import gc, sys; from flashback.cli import run; before = gc.get_freeze_count()\n"
        "try: run()\n"
        "finally: print(gc.get_freeze_count() > before, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stderr.split()[-1] == "True"


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=str)
def test_every_command_has_help_and_an_example(name: str, command: click.Command) -> None:
    """Help says what a command does, and shows how it is typed; the example really parses."""
    assert isinstance(command, Command)
    assert command.help
    assert command.example.startswith(f"flashback {name}")
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
    if "|" not in command.example and ">" not in command.example:
        words = shlex.split(command.example)[1 + len(name.split()) :]
        if not isinstance(command, click.Group):
            command.make_context(name, words, resilient_parsing=True)
