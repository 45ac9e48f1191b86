"""``subscribers import`` and ``subscribers export``: people come in, and go out unharmed."""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import Exit, FlashbackError
from flashback.model import SubscriberStatus
from flashback.sentences import tr
from flashback.workspace import Workspace, book

if TYPE_CHECKING:
    from flashback.store import ImportPlan

_SHOWN = 20
_KINDS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}
U = SubscriberStatus
#: As ``rosters.FORMATS``; that room is loaded only when a file is read.
FORMATS: Final = (
    *("flashback", "addresses", "mailchimp", "listmonk", "substack", "brevo", "phplist"),
    *("mailtrain", "ghost", "beehiiv", "keila", "buttondown", "curated", "mailman"),
)


@command(
    name="import",
    example="flashback subscribers import actors.csv",
    help=mark("Bring people in from a list that any program wrote: first shown, then done."),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--consent", default="", help=mark("What those agreed to whom the file calls confirmed."))
@option(
    "--status",
    type=click.Choice([U.UNCONFIRMED.value, U.UNSUBSCRIBED.value]),
    help=mark("What those are of whom the file does not say it."),
)
@option(
    "--format",
    "system",
    type=click.Choice(FORMATS),
    help=mark("The program that wrote the file (default: seen from the file)."),
)
@option("--encoding", default="", help=mark("Of the letters (default: seen from the file)."))
@option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help=mark("Where refused rows are written (default: beside the file)."),
)
@option("--dry-run", is_flag=True, help=mark("Only show what would happen."))
@option("--yes", is_flag=True, help=mark("Do not ask."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object; asks nothing."))
@click.pass_obj
def import_(
    folder: str,
    file: Path,
    consent: str,
    status: str | None,
    system: str | None,
    encoding: str,
    rejects: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Show what a file would do; do it once confirmed. Who left is never brought back."""
    workspace = Workspace.at(Path(folder))
    with book.arriving(
        workspace,
        file,
        consent=consent,
        status=SubscriberStatus(status) if status else None,
        system=system or "",
        encoding=encoding,
        watch=show.octets,
    ) as arrival:
        plan = arrival.plan
        nothing = not (plan.new or plan.changed)
        serious = not dry_run and (yes or not as_json)
        wanted = serious and not nothing
        if not as_json:
            _show_sheets(arrival)
            _show(arrival)
        if wanted and not yes and not show.ask(tr("Do it?")):
            wanted = False
        if wanted:
            with show.stages(tr("Writing")) as told:
                plan = arrival.list.apply(now=workspace.clock.now(), told=told)
        if as_json:
            _write_object(arrival, plan, done=wanted)
        elif wanted:
            words = tr("{new} people added, {changed} changed.", new=plan.new, changed=plan.changed)
            show.say(words, fg="green")
        else:
            show.say(tr("Nothing was changed."))
        if rejects or ((wanted or (serious and nothing)) and _can_be_mended(arrival)):
            _write_rejects(rejects or _beside(file, arrival), arrival, quiet=as_json)
    return Exit.REFUSALS if plan.refused else Exit.DONE


def _can_be_mended(arrival: book.Arrival) -> bool:
    """Whether a refused row is worth a file: a person who stands there twice is not."""
    return any(refusal.cells for refusal in arrival.list.refusals())


def _beside(file: Path, arrival: book.Arrival) -> Path:
    """A name that no file has: somebody may be mending the rows of another time."""
    lone = len(arrival.sheets) == 1
    suffix = ".csv" if lone and file.suffix.lower() in {".xlsx", ".zip"} else file.suffix
    path, number = file.with_name(f"{file.stem}.refused{suffix}"), 1
    while path.exists():
        number += 1
        path = file.with_name(f"{file.stem}.refused-{number}{suffix}")
    return path


def _write_rejects(path: Path, arrival: book.Arrival, *, quiet: bool) -> None:
    count = book.write_rejects(path, arrival, show.told)
    if count and not quiet:
        show.say(tr("The refused rows are in {path}: mend them there and import it.", path=path))


def _write_object(arrival: book.Arrival, plan: "ImportPlan", *, done: bool) -> None:
    """What an import did, or would do, for programs: one object, however long it is."""
    head = {"done": done} | {name: getattr(plan, name) for name in _GROUPS}
    click.echo(json.dumps(head)[:-1], nl=False)
    changes = (
        {"address": change.mailbox, "row": change.row}
        | {name: [before, after] for name, before, after in change.differences}
        for change in arrival.list.changes()
    )
    refusals = (
        {"sheet": refusal.sheet, "row": refusal.row, "reason": show.told(refusal.reason)}
        for refusal in arrival.list.refusals()
    )
    for name, values in (("changes", changes), ("refusals", refusals)):
        click.echo(f', "{name}": [', nl=False)
        for number, value in enumerate(values):
            click.echo((", " if number else "") + json.dumps(value, ensure_ascii=False), nl=False)
        click.echo("]", nl=False)
    click.echo("}")


_GROUPS: Final = (
    *("new", "confirmed", "unconfirmed", "unsubscribed", "forbidden"),
    *("changed", "unchanged", "left_alone", "refused"),
)


def _show_sheets(arrival: book.Arrival) -> None:
    for sheet in arrival.sheets:
        title = show.told(sheet.title)
        known = f"{title}, {sheet.encoding}" if sheet.encoding else title
        click.echo(f"  {sheet.name + ': ' if sheet.name else ''}{known}")


def _show(arrival: book.Arrival) -> None:
    plan = arrival.plan
    for count, sentence in (
        (plan.new, tr("new")),
        (plan.confirmed, tr("– of them confirmed: they get mail")),
        (plan.unconfirmed, tr("– of them unconfirmed")),
        (
            plan.unsubscribed,
            tr("– of them unsubscribed: they get none, whatever another list says"),
        ),
        (plan.forbidden, tr("– of them addresses to which mail is forbidden")),
        (plan.changed, tr("changed")),
        (plan.unchanged, tr("unchanged")),
        (plan.left_alone, tr("left alone: they had left, or mail to them is forbidden")),
        (plan.refused, tr("refused")),
    ):
        if count:
            click.echo(f"  {count:>7,}  {show.told(sentence)}")
    if plan.unconfirmed:
        show.say(
            tr(
                "  {count} of the new ones are unconfirmed and get no mail. If they agreed, say to "
                "what: --consent “...”",
                count=plan.unconfirmed,
            ),
            fg="yellow",
        )
    for change in islice(arrival.list.changes(), _SHOWN):
        for name, before, after in change.differences:
            click.echo(f"    {change.mailbox}: {name}: {before or '–'} → {after or '–'}")
    for refusal in islice(arrival.list.refusals(), _SHOWN):
        line = tr("row {number}: {reason}", number=refusal.row, reason=refusal.reason)
        sheet = f"{refusal.sheet}, " if refusal.sheet else ""
        click.secho(f"    {sheet}{show.told(line)}", fg="red")
    if plan.refused > _SHOWN:
        show.say(tr("    … and {count} more rows.", count=plan.refused - _SHOWN))


@command(
    name="export",
    example="flashback subscribers export readers.jsonl",
    help=mark("Write every fact about everybody, as CSV, Excel or JSON lines."),
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@option(
    "--format",
    "kind",
    type=click.Choice(["csv", "xlsx", "jsonl"]),
    help=mark("Default: by the file's name."),
)
@option("--force", is_flag=True, help=mark("Replace a file that is there."))
@click.pass_obj
def export(folder: str, file: Path, kind: str | None, force: bool) -> None:
    """Write a file that ``import`` takes back unharmed; "-" is the screen or a pipe."""
    workspace = Workspace.at(Path(folder))
    is_screen = str(file) == "-"
    kind = kind or ("csv" if is_screen else _KINDS.get(file.suffix.lower()))
    if kind is None:
        raise FlashbackError(
            tr("{path} does not say what kind of file it is to be.", path=file),
            hint=tr("End its name in .csv, .xlsx or .jsonl, or say: --format csv"),
        )
    if file.exists() and not (force or is_screen):
        raise FlashbackError(
            tr("{folder} is already there.", folder=file),
            hint=tr("Name another file, or replace it with --force."),
        )
    if is_screen:
        # Whatever the terminal speaks, the file is UTF-8.
        book.export(workspace, sys.stdout.buffer, kind=kind)
        sys.stdout.buffer.flush()
        return
    count = book.export_file(workspace, file, kind=kind)
    show.say(tr("{count} lines written to {path}, readable only by you.", count=count, path=file))
