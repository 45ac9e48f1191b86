"""``report``: what became of every copy, in the terminal, as a page, as CSV or JSON."""

import csv
import itertools
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.running import as_object
from flashback.model import DeliveryState
from flashback.reporting import Domain, Figures, drawn, words
from flashback.sentences import tr
from flashback.workspace import Workspace, mailroom, reports

_LISTED = 20
_REASONS = 10
_DOMAINS = 5
_CHART_HEIGHT = 8
_WIDEST_CHART = 100


@command(name="report", example="flashback report 12 --html mailing-12.html")
@click.argument("mailing", type=int, required=False)
@option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help=mark("Write a page to look at, print or send on; no reader's address stands in it."),
)
@option("--csv", "as_csv", is_flag=True, help=mark("Every copy, one a line, as CSV."))
@option("--json", "as_json", is_flag=True, help=mark("The account as one JSON object."))
@click.pass_obj
def report(
    folder: str, mailing: int | None, page: Path | None, as_csv: bool, as_json: bool
) -> None:
    """Say what became of every copy: the sum, the speed, the reasons, and who is concerned."""
    workspace = Workspace.at(Path(folder))
    found = mailroom.mailing_or_last(workspace, mailing)
    if page is not None:
        shown = reports.figures(workspace, found)
        reports.write_page(shown, page, language=show.language())
        show.say(tr("The report is in {file}; open it in a browser.", file=page), err=as_json)
    if as_csv:
        _write_csv(workspace, found.id)
    elif as_json:
        counts = workspace.ledger.account(found.id)
        click.echo(json.dumps({**as_object(found, counts), "state": found.state.value}))
    elif page is None:
        _tell(workspace, reports.figures(workspace, found))


def _tell(workspace: Workspace, shown: Figures) -> None:
    mailing, counts = shown.mailing, shown.account
    show.say(
        tr("Mailing {number}: {title} no. {issue}", number=mailing.id, title=mailing.title,
           issue=mailing.issue_number),
        bold=True,
    )  # fmt: skip
    if mailing.reason:
        state = show.told(words.MAILING[mailing.state])
        click.secho(f"  {state}: {mailing.reason}", fg="yellow")
    show.account(counts, mailing.audience)
    _chart(shown)
    _domains(shown.domains[:_DOMAINS])
    for state in words.TROUBLED:
        if counts[state]:
            _section(workspace, shown, state)
    if counts.open or counts[DeliveryState.IN_DOUBT]:
        click.echo()
        show.say(tr("Not finished. Go on with: flashback resume {number}", number=mailing.id))


def _chart(shown: Figures) -> None:
    width = min(shutil.get_terminal_size().columns, _WIDEST_CHART)
    lines = drawn(shown.pace, width=width, height=_CHART_HEIGHT, zone=shown.zone)
    if len(shown.pace) > 1 and lines:
        click.secho(f"\n{show.told(tr('Accepted per minute'))}", bold=True)
        click.echo("\n".join(lines))


def _domains(domains: Sequence[Domain]) -> None:
    if len(domains) < 2:  # noqa: PLR2004 - one domain is not slower than the others
        return
    click.secho(f"\n{show.told(tr('Slowest domains'))}", bold=True)
    head = [tr("domain"), tr("from opening to acceptance"), tr("copies"), tr("accepted"),
            tr("waiting")]  # fmt: skip
    rows = [
        (f"  {d.name}", show.seconds(d.seconds), f"{d.copies:,}", f"{d.accepted:,}", f"{d.open:,}")
        for d in domains
    ]
    show.table([f"  {show.told(head[0])}", *(show.told(word) for word in head[1:])], rows)


def _section(workspace: Workspace, shown: Figures, state: DeliveryState) -> None:
    """Reasons with their counts, then who."""
    click.secho(f"\n{show.told(words.DELIVERY[state])}", bold=True)
    reasons = shown.reasons.get(state, ())
    for reason in reasons[:_REASONS]:
        click.echo(f"  {reason.count:>6,} × {show.harmless(reason.text)}")
    if len(reasons) > _REASONS:
        show.say(tr("    … and {count} other reasons", count=len(reasons) - _REASONS))
    concerned = workspace.ledger.deliveries(shown.mailing.id, state=state)
    for delivery in itertools.islice(concerned, _LISTED):
        click.echo(f"    {delivery.address}")
    if (more := shown.account[state] - _LISTED) > 0:
        show.say(tr("    … and {count} more: --csv", count=more))


def _write_csv(workspace: Workspace, mailing_id: int) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(
        ["delivery", "address", "language", "state", "attempts", "changed_at", "due_at", "reply",
         "queue_id", "reason"]
    )  # fmt: skip
    for d in workspace.ledger.deliveries(mailing_id):
        row = [d.id, d.address, d.language, d.state.value, d.attempts, d.changed_at.isoformat(),
               d.due_at.isoformat() if d.due_at else "", d.reply, d.queue_id, d.reason]  # fmt: skip
        writer.writerow([_defused(str(cell)) for cell in row])


def _defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
