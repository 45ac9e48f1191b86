"""``backup``, ``restore`` and ``store check``: the people and the accounts, kept safe."""

import json
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import Group, command, mark, option
from flashback.errors import Exit, StoreError
from flashback.sentences import tr
from flashback.workspace import Workspace, safekeeping


@command(
    name="backup",
    example="flashback backup backups/monday.db",
    help=mark("Copy the store into one file, also while a mailing runs."),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@option("--force", is_flag=True, help=mark("Overwrite the file."))
@click.pass_obj
def backup(folder: str, file: Path, force: bool) -> None:
    """Write a file that ``restore`` takes; in it, what was open is paused."""
    workspace = Workspace.at(Path(folder))
    if file.exists() and not force:
        raise StoreError(
            tr("{path} is there already.", path=file),
            hint=tr("Give another name, or add --force."),
        )
    with show.stages(tr("Copying")) as told:
        done = safekeeping.backup(workspace, file, told)
    show.say(
        tr(
            "{people} people and {mailings} mailings are in {path}, readable only by you.",
            people=done.people,
            mailings=done.mailings,
            path=file,
        ),
        fg="green",
    )


@command(
    name="restore",
    example="flashback restore backups/monday.db",
    help=mark("Put a backup in the place of the store; who left since stays away."),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--yes", is_flag=True, help=mark("Do not ask."))
@click.pass_obj
def restore(folder: str, file: Path, yes: bool) -> int:
    """Put a backup back. The store as it was is kept beside it."""
    workspace = Workspace.at(Path(folder))
    question = tr("Put {path} in the place of the store?", path=file)
    if not yes and not show.ask(question):
        show.say(tr("Nothing was changed."))
        return Exit.DONE
    with show.stages(tr("Copying")) as told:
        done = safekeeping.restore(workspace, file, told)
    show.say(
        tr(
            "{people} people and {mailings} mailings are back.",
            people=done.copied.people,
            mailings=done.copied.mailings,
        ),
        fg="green",
    )
    for count, sentence in (
        (done.left, tr("had left since the backup, and stay away")),
        (done.suppressed, tr("addresses were forbidden since, and still are")),
        (done.erased, tr("were erased since, and are again")),
        (done.lost, tr("came since the backup, and are missing now")),
    ):
        if count:
            click.echo(f"  {count:>7,}  {show.told(sentence)}")
    if not done.readable:
        words = tr("The store could not be read: who left since the backup is not known.")
        show.say(words, fg="yellow")
        advice = tr("Look into your mailbox and the relay's log for who left before you send.")
        show.say(advice, fg="yellow")
    if done.before is not None:
        show.say(tr("The store as it was: {path}", path=done.before))
    show.say(tr("No mailing goes on by itself. See how they stand: flashback status"), fg="yellow")
    return Exit.DONE


@click.group(name="store", cls=Group, example="flashback store check")
def store() -> None:
    """Look after the store."""


@store.command(name="check", example="flashback store check")
@option("--json", "as_json", is_flag=True, help=mark("One JSON object."))
@click.pass_obj
def check(folder: str, as_json: bool) -> int:
    """Say whether the store is whole: its file, its references, its accounts, its consents."""
    workspace = Workspace.at(Path(folder))
    wrong = safekeeping.check(workspace)
    if as_json:
        told = [show.told(sentence) for sentence in wrong]
        click.echo(json.dumps({"sound": not wrong, "wrong": told}, ensure_ascii=False))
    elif not wrong:
        show.say(tr("The store is sound."), fg="green")
    else:
        for sentence in wrong:
            show.say(sentence, fg="red")
        show.say(tr("Put your last backup back: flashback restore FILE"))
    return Exit.FAILED if wrong else Exit.DONE
