"""``init`` and ``new``: a folder for a newsletter, and its next issue."""

import datetime as dt
from pathlib import Path

import click

from flashback import founding
from flashback.cli import show
from flashback.cli.house import Day, command, mark, option, words
from flashback.config import FILENAME
from flashback.sentences import tr


@command(name="init", example='flashback init revue --name "Flash-back" --from flash@example.org')
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@option("--name", help=mark("Name readers will see."))
@option("--from", "sender", help=mark("Address it comes from."))
@option(
    "--language",
    type=click.Choice(["fr", "ar", "en"]),
    default=None,
    help=mark("Language most readers read (default: the one spoken to you)."),
)
def init(folder: Path, name: str | None, sender: str | None, language: str | None) -> None:
    """Fill an empty folder; in an existing workspace, add only what is missing."""
    text = ""
    if not (folder / FILENAME).exists():
        text = founding.settings(
            name=name or click.prompt(words(mark("Name of the newsletter"))),
            sender=sender or click.prompt(words(mark("Sender's address"))),
            language=language or show.language(),
        )
    made = founding.found(folder, text)
    for path in made:
        click.echo(f"  {path}")
    if not made:
        show.say(tr("Everything was already there; nothing was changed."))
        return
    show.say(
        tr("Now write your settings into {file}, then begin: flashback -C {folder} new",
           file=folder / "flashback.toml", folder=folder)
    )  # fmt: skip


@command(name="new", example="flashback new 36 --date 2011-09-09")
@click.argument("number", required=False)
@option(
    "--date",
    type=Day(),
    help=mark("Date of the issue (default: the next day of the week that the last one had)."),
)
@click.pass_obj
def new(folder: str, number: str | None, date: dt.datetime | None) -> None:
    """Make the file of the next issue, with the sections of the last one."""
    from flashback.workspace import Workspace, desk

    workspace = Workspace.at(Path(folder))
    made = desk.begin_issue(workspace, number, date.date() if date else None)
    for path in made:
        click.echo(f"  {path}")
    show.say(tr("Write it in your text editor, then: flashback check {name}", name=made[0].parent))
