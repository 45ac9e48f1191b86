"""``status`` and ``report``: how mailings stand, and what became of every copy."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.running import as_object
from flashback.model import Delivery, DeliveryState, MailingState
from flashback.sentences import tr
from flashback.workspace import Workspace, mailroom

_TROUBLED = (
    DeliveryState.REFUSED,
    DeliveryState.BOUNCED,
    DeliveryState.IN_DOUBT,
    DeliveryState.DEFERRED,
    DeliveryState.SKIPPED,
)
_LISTED = 20


@command(name="status", example="flashback status")
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def status(folder: str, as_json: bool) -> None:
    """Show the last mailings, newest first, and where their copies stand."""
    ledger = Workspace.at(Path(folder)).ledger
    rows = []
    for mailing in ledger.mailings(limit=20):
        counts = ledger.account(mailing.id)
        if as_json:
            click.echo(json.dumps({**as_object(mailing, counts), "state": mailing.state.value}))
            continue
        finished = mailing.state is MailingState.FINISHED
        word = show.told(tr("finished") if finished else tr("open"))
        opened = mailing.opened_at.astimezone().strftime("%Y-%m-%d %H:%M")
        parts = [
            f"{counts[state]:,} {show.told(name)}"
            for state, name in show.STATE_WORDS.items()
            if counts[state]
        ]
        rows.append(
            (str(mailing.id), f"{mailing.title} {mailing.issue_number}", opened, word,
             f"{counts.audience:,}", ", ".join(parts))
        )  # fmt: skip
    if as_json:
        return
    if not rows:
        show.say(tr("Nothing was ever sent from here."))
        return
    head = [tr("no."), tr("issue"), tr("opened"), tr("state"), tr("audience"), tr("copies")]
    show.table([show.told(word) for word in head], rows)


@command(name="report", example="flashback report 12 --csv > mailing-12.csv")
@click.argument("mailing", type=int, required=False)
@option("--csv", "as_csv", is_flag=True, help=mark("Every copy, one a line, as CSV."))
@option("--json", "as_json", is_flag=True, help=mark("The account as one JSON object."))
@click.pass_obj
def report(folder: str, mailing: int | None, as_csv: bool, as_json: bool) -> None:
    """Say what became of every copy: the sum, the reasons, and who is concerned."""
    workspace = Workspace.at(Path(folder))
    ledger = workspace.ledger
    found = mailroom.mailing_or_last(workspace, mailing)
    counts = ledger.account(found.id)
    if as_csv:
        _write_csv(workspace, found.id)
    elif as_json:
        click.echo(json.dumps({**as_object(found, counts), "state": found.state.value}))
    else:
        show.say(
            tr("Mailing {number}: {title} no. {issue}", number=found.id, title=found.title,
               issue=found.issue_number),
            bold=True,
        )  # fmt: skip
        show.account(counts, found.audience)
        for state in _TROUBLED:
            if counts[state]:
                _section(list(ledger.deliveries(found.id, state=state)), state)
        if counts.open or counts[DeliveryState.IN_DOUBT]:
            click.echo()
            show.say(tr("Not finished. Go on with: flashback resume {number}", number=found.id))


def _section(deliveries: list[Delivery], state: DeliveryState) -> None:
    """Reasons with their counts, then who."""
    click.secho(f"\n{show.told(show.STATE_WORDS[state])}", bold=True)
    for reason, count in Counter(d.reply or d.reason for d in deliveries).most_common():
        click.echo(f"  {count:>6,} × {reason}")
    for delivery in deliveries[:_LISTED]:
        click.echo(f"    {delivery.address}")
    if len(deliveries) > _LISTED:
        show.say(tr("    … and {count} more: --csv", count=len(deliveries) - _LISTED))


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
