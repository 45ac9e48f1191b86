"""``status``: how the mailings stand, once or while one runs."""

import json
import sys
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.running import as_object
from flashback.cli.watching import watch
from flashback.errors import Exit
from flashback.model import Account, Mailing
from flashback.reporting import metrics, words
from flashback.sentences import tr
from flashback.workspace import Workspace, hours

_SHOWN = 20


@command(name="status", example="flashback status --watch")
@click.argument("mailing", type=int, required=False)
@option("--watch", "watching", is_flag=True, help=mark("Stay, and show how a mailing goes on."))
@option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=1.0,
    help=mark("Seconds between two looks, with --watch (default: 1)."),
)
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@option("--prometheus", is_flag=True, help=mark("Counts as Prometheus' text format."))
@click.pass_obj
def status(
    folder: str,
    mailing: int | None,
    watching: bool,
    every: float,
    as_json: bool,
    prometheus: bool,
) -> int:
    """Show the last mailings, newest first, and where their copies stand; or one of them."""
    workspace = Workspace.at(Path(folder))
    if watching:
        return watch(workspace, mailing, every=every, as_json=as_json)
    ledger = workspace.ledger
    found = ledger.mailings(limit=_SHOWN) if mailing is None else [ledger.mailing(mailing)]
    counted = [(each, ledger.account(each.id)) for each in found]
    if prometheus:
        sys.stdout.write(metrics(counted))
    elif as_json:
        for each, counts in counted:
            click.echo(json.dumps({**as_object(each, counts), "state": each.state.value}))
    elif not counted:
        show.say(tr("Nothing was ever sent from here."))
    else:
        head = [tr("no."), tr("issue"), tr("opened"), tr("state"), tr("audience"), tr("copies")]
        rows = [_row(workspace, each, counts) for each, counts in counted]
        show.table([show.told(word) for word in head], rows)
    return Exit.DONE


def _row(workspace: Workspace, mailing: Mailing, counts: Account) -> tuple[str, ...]:
    parts = [
        f"{counts[state]:,} {show.told(word)}"
        for state, word in words.DELIVERY.items()
        if counts[state]
    ]
    return (
        str(mailing.id),
        f"{mailing.title} {mailing.issue_number}",
        hours.shown(mailing.opened_at, workspace.config.sending.zone),
        show.told(words.MAILING[mailing.state]),
        f"{counts.audience:,}",
        ", ".join(parts),
    )
