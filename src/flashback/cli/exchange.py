"""``subscribers import`` and ``subscribers export``: people come in, and go out unharmed."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import Exit
from flashback.model import Entry, SubscriberStatus
from flashback.sentences import Sentence, tr
from flashback.workspace import Workspace, book

if TYPE_CHECKING:
    from flashback.store import Change, ImportPlan

_SHOWN = 20
_KINDS: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}
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
    reviewed = book.plan_import(
        workspace,
        file,
        consent=consent,
        status=SubscriberStatus(status) if status else None,
        system=system or "",
        encoding=encoding,
        watch=show.octets,
    )
    plan = reviewed.plan
    nothing = not (plan.new or plan.changed)
    wanted = not (dry_run or nothing) and (yes or not as_json)
    if not as_json:
        _show_sheets(reviewed)
        _show(plan)
    if wanted and not yes and not show.ask(tr("Do it?")):
        wanted = False
    if wanted:
        plan = book.apply_import(workspace, plan)
    if as_json:
        click.echo(json.dumps(_as_object(plan, done=wanted), ensure_ascii=False))
    elif wanted:
        words = tr(
            "{new} people added, {changed} changed.", new=len(plan.new), changed=len(plan.changed)
        )
        show.say(words, fg="green")
    else:
        show.say(tr("Nothing was changed."))
    if rejects or (wanted and plan.refused):
        _write_rejects(rejects or _beside(file, reviewed), reviewed, quiet=as_json)
    return Exit.REFUSALS if plan.refused else Exit.DONE


def _beside(file: Path, reviewed: book.Reviewed) -> Path:
    lone = len(reviewed.sheets) == 1
    suffix = ".csv" if lone and file.suffix.lower() in {".xlsx", ".zip"} else file.suffix
    return file.with_name(f"{file.stem}.refused{suffix}")


def _write_rejects(path: Path, reviewed: book.Reviewed, *, quiet: bool) -> None:
    count = book.write_rejects(path, reviewed, show.told)
    if count and not quiet:
        show.say(tr("The refused rows are in {path}: mend them there and import it.", path=path))


def _as_object(plan: "ImportPlan", *, done: bool) -> dict[str, object]:
    """What an import did, or would do, for programs."""
    return {
        "done": done,
        **{name: len(getattr(plan, name)) for name in _GROUPS},
        "changes": [
            {"address": change.before.address.mailbox, "row": change.entry.row}
            | {name: [before, after] for name, before, after in _differences(change)}
            for change in plan.changed
        ],
        "refusals": [
            {"sheet": refusal.sheet, "row": refusal.row, "reason": show.told(refusal.reason)}
            for refusal in plan.refused
        ],
    }


_GROUPS: Final = ("new", "changed", "unchanged", "left_alone", "refused")


def _differences(change: "Change") -> list[tuple[str, str, str]]:
    """Field by field: its name, what it was, what it becomes."""
    found = []
    for name in ("name", "language", "organisation", "status", "suppressed", "tags"):
        before, after = getattr(change.before, name), getattr(change.after, name)
        if before != after:
            found.append((name, _words(before), _words(after)))
    old, new = change.before.fields, change.after.fields
    found += [
        (f"field.{name}", old.get(name, ""), new.get(name, ""))
        for name in sorted({*old, *new})
        if old.get(name, "") != new.get(name, "")
    ]
    return found


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def _show_sheets(reviewed: book.Reviewed) -> None:
    for sheet in reviewed.sheets:
        title = show.told(sheet.title)
        known = f"{title}, {sheet.encoding}" if sheet.encoding else title
        click.echo(f"  {sheet.name + ': ' if sheet.name else ''}{known}")


_CONFIRMED: Final = tr("– of them confirmed: they get mail")
_UNCONFIRMED: Final = tr("– of them unconfirmed")
_GONE: Final = tr("– of them unsubscribed: they get none, whatever another list says")
_FORBIDDEN: Final = tr("– of them addresses to which mail is forbidden")
_KINDS_OF_NEW: Final = (_CONFIRMED, _UNCONFIRMED, _GONE, _FORBIDDEN)
_KIND_BY_STATUS: Final = {
    U.CONFIRMED: _CONFIRMED,
    U.UNCONFIRMED: _UNCONFIRMED,
    U.UNSUBSCRIBED: _GONE,
}


def _kind_of(entry: Entry) -> Sentence:
    if entry.suppression is not None or entry.status is None:
        return _FORBIDDEN
    return _KIND_BY_STATUS[entry.status]


def _show(plan: "ImportPlan") -> None:
    kinds = Counter(_kind_of(entry).source for entry in plan.new)
    for count, sentence in (
        (len(plan.new), tr("new")),
        *((kinds[kind.source], kind) for kind in _KINDS_OF_NEW),
        (len(plan.changed), tr("changed")),
        (len(plan.unchanged), tr("unchanged")),
        (len(plan.left_alone), tr("left alone: they had left, or mail to them is forbidden")),
        (len(plan.refused), tr("refused")),
    ):
        if count:
            click.echo(f"  {count:>7,}  {show.told(sentence)}")
    if silent := kinds[_UNCONFIRMED.source]:
        show.say(
            tr(
                "  {count} of the new ones are unconfirmed and get no mail. If they agreed, say to "
                "what: --consent “...”",
                count=silent,
            ),
            fg="yellow",
        )
    for change in plan.changed[:_SHOWN]:
        for name, before, after in _differences(change):
            click.echo(f"    {change.before.address}: {name}: {before or '–'} → {after or '–'}")
    for refusal in plan.refused[:_SHOWN]:
        line = tr("row {number}: {reason}", number=refusal.row, reason=refusal.reason)
        sheet = f"{refusal.sheet}, " if refusal.sheet else ""
        click.secho(f"    {sheet}{show.told(line)}", fg="red")
    if len(plan.refused) > _SHOWN:
        show.say(tr("    … and {count} more rows.", count=len(plan.refused) - _SHOWN))


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
    help=mark("Default: by the file's name, else CSV."),
)
@click.pass_obj
def export(folder: str, file: Path, kind: str | None) -> None:
    """Write a file that ``import`` takes back unharmed; "-" is the screen or a pipe."""
    workspace = Workspace.at(Path(folder))
    kind = kind or _KINDS.get(file.suffix.lower(), "csv")
    if str(file) == "-":
        # Whatever the terminal speaks, the file is UTF-8.
        book.export(workspace, sys.stdout.buffer, kind=kind)
        sys.stdout.buffer.flush()
        return
    count = book.export_file(workspace, file, kind=kind)
    show.say(tr("{count} lines written to {path}, readable only by you.", count=count, path=file))
