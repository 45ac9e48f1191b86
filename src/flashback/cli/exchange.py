"""``subscribers import`` and ``subscribers export``: people come in, and go out unharmed."""

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import Exit
from flashback.model import SubscriberStatus
from flashback.sentences import tr
from flashback.workspace import Workspace, book

if TYPE_CHECKING:
    from flashback.store import ImportPlan

_SHOWN = 20


@command(
    name="import",
    example="flashback subscribers import actors.csv",
    help=mark("Bring people in from a CSV or JSON lines file: first shown, then done."),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--consent", default="", help=mark("What everybody marked confirmed there agreed to."))
@option("--dry-run", is_flag=True, help=mark("Only show what would happen."))
@option("--yes", is_flag=True, help=mark("Do not ask."))
@click.pass_obj
def import_(folder: str, file: Path, consent: str, dry_run: bool, yes: bool) -> int:
    """Show what a file would do; do it once confirmed. Who left is never brought back."""
    workspace = Workspace.at(Path(folder))
    plan = book.plan_import(workspace, file, consent=consent)
    _show(plan)
    nothing = not (plan.new or plan.changed)
    if dry_run or nothing:
        show.say(tr("Nothing was changed."))
        return Exit.REFUSALS if plan.refused else Exit.DONE
    if not yes and not show.ask(tr("Do it?")):
        show.say(tr("Nothing was changed."))
        return Exit.DONE
    done = book.apply_import(workspace, plan)
    show.say(
        tr("{new} people added, {changed} changed.", new=len(done.new), changed=len(done.changed)),
        fg="green",
    )
    return Exit.REFUSALS if done.refused else Exit.DONE


def _show(plan: "ImportPlan") -> None:
    for count, sentence in (
        (len(plan.new), tr("new")),
        (len(plan.changed), tr("changed")),
        (len(plan.unchanged), tr("unchanged")),
        (len(plan.left_alone), tr("left alone: they had left, or mail to them is forbidden")),
        (len(plan.refused), tr("refused")),
    ):
        if count:
            click.echo(f"  {count:>7,}  {show.told(sentence)}")
    silent = sum(entry.status is SubscriberStatus.UNCONFIRMED for entry in plan.new)
    if silent:
        show.say(
            tr(
                "  {count} of the new ones are unconfirmed and get no mail. If they agreed, say to "
                "what: --consent “...”",
                count=silent,
            ),
            fg="yellow",
        )
    for change in plan.changed[:_SHOWN]:
        for name in ("name", "language", "organisation", "status", "fields"):
            before, after = getattr(change.before, name), getattr(change.after, name)
            if before != after:
                click.echo(f"    {change.before.address}: {name}: {before!s} → {after!s}")
    for refusal in plan.refused[:_SHOWN]:
        line = tr("row {number}: {reason}", number=refusal.row, reason=refusal.reason)
        click.secho(f"    {show.told(line)}", fg="red")
    if len(plan.refused) > _SHOWN:
        show.say(tr("    … and {count} more rows.", count=len(plan.refused) - _SHOWN))


@command(
    name="export",
    example="flashback subscribers export readers.jsonl",
    help=mark("Write every fact about everybody, as CSV or JSON lines."),
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl"]),
    help=mark("Default: by the file's name, else CSV."),
)
@click.pass_obj
def export(folder: str, file: Path, kind: str | None) -> None:
    """Write a file that ``import`` takes back unharmed; "-" is the screen or a pipe."""
    workspace = Workspace.at(Path(folder))
    kind = kind or ("jsonl" if file.suffix in {".jsonl", ".ndjson"} else "csv")
    if str(file) == "-":
        # Whatever the terminal speaks, the file is UTF-8.
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        book.export(workspace, stream, kind=kind)
        stream.flush()
        stream.detach()
        return
    count = book.export_file(workspace, file, kind=kind)
    show.say(tr("{count} lines written to {path}, readable only by you.", count=count, path=file))
