"""A mailing as it goes on: its account, its speed and the time it still takes, again and again."""

import json
import shutil
import sys
import time
from collections.abc import Sequence

import click

from flashback.cli import show
from flashback.cli.running import as_object
from flashback.errors import Exit
from flashback.model import DeliveryState, Mailing, MailingState
from flashback.reporting import Watch, Watched, words
from flashback.sentences import Sentence, tr
from flashback.workspace import Workspace, hours, mailroom

_BAR = 30


def watch(workspace: Workspace, number: int | None, *, every: float, as_json: bool) -> int:
    """Look every so many seconds until the mailing is finished, paused or called off.

    Without a number: the newest that is under way, or the newest. Ctrl-C ends the looking, and
    nothing else.
    """
    mailing = _chosen(workspace, number)
    progress, drawn = Watch(), 0
    in_place = sys.stdout.isatty() and not as_json
    try:
        while True:
            now = workspace.clock.now()
            mailing = workspace.ledger.mailing(mailing.id)
            seen = progress.seen(mailing, workspace.ledger.account(mailing.id), now)
            if as_json:
                click.echo(json.dumps(_as_tick(seen)))
            else:
                lines = _lines(workspace, seen)
                back = f"\x1b[{drawn}F\x1b[J" if in_place and drawn else ""
                click.echo(back + "\n".join(lines))
                drawn = _rows(lines)
            sys.stdout.flush()
            if not seen.moving:
                return Exit.DONE
            time.sleep(every)
    except KeyboardInterrupt:
        return Exit.DONE


def _rows(lines: Sequence[str]) -> int:
    """How many rows of the terminal these lines take; long ones are folded."""
    columns = shutil.get_terminal_size().columns
    return sum(max(1, -(-show.width(click.unstyle(line)) // columns)) for line in lines)


def _chosen(workspace: Workspace, number: int | None) -> Mailing:
    if number is None:
        for mailing in mailroom.waiting(workspace):
            if mailing.state in {MailingState.OPEN, MailingState.SCHEDULED}:
                return mailing
    return mailroom.mailing_or_last(workspace, number)


def _as_tick(seen: Watched) -> dict[str, object]:
    """One look, for programs."""
    return {
        **as_object(seen.mailing, seen.account),
        "state": seen.mailing.state.value,
        "at": seen.at.isoformat(timespec="milliseconds"),
        "per_minute": None if seen.per_minute is None else round(seen.per_minute, 1),
        "seconds_left": None if seen.left is None else round(seen.left.total_seconds()),
    }


def _lines(workspace: Workspace, seen: Watched) -> list[str]:
    """One look, for people: who, how far, where the copies stand, how fast."""
    mailing, counts = seen.mailing, seen.account
    head = tr("Mailing {number}: {title} no. {issue}", number=mailing.id, title=mailing.title,
              issue=mailing.issue_number)  # fmt: skip
    full = int(_BAR * seen.share)
    share = int(100 * seen.share)
    bar = click.style("█" * full, fg="green") + "░" * (_BAR - full)
    parts = [
        f"{counts[state]:,} {show.told(word)}"
        for state, word in words.DELIVERY.items()
        if counts[state] or state is DeliveryState.ACCEPTED
    ]
    audience = f"{mailing.audience:,} {show.told(tr('audience'))}"
    state = show.told(words.MAILING[mailing.state])
    return [
        f"{click.style(show.told(head), bold=True)}  {state}",
        f"  {bar} {share} %",
        f"  {', '.join(parts)} / {audience}",
        f"  {show.told(_speed(workspace, seen))}",
    ]


def _speed(workspace: Workspace, seen: Watched) -> Sentence:
    """How fast it goes, and what it waits for."""
    if not seen.moving:
        return _ended(seen.mailing)
    zone = workspace.config.sending.zone
    if seen.mailing.not_before is not None and (wait := hours.until(seen.mailing, seen.at)):
        return tr("leaves at {time}, in {left}", left=show.span(wait),
                  time=hours.shown(seen.mailing.not_before, zone))  # fmt: skip
    if seen.per_minute is None:
        return tr("looking …")
    if seen.left is not None:
        return tr("{count} a minute, about {left} left", left=show.span(seen.left),
                  count=f"{seen.per_minute:,.0f}")  # fmt: skip
    due = mailroom.next_due(workspace, seen.mailing.id)
    if due is not None and not seen.waiting:
        return tr("only deferred copies are left; the first is due at {time}",
                  time=hours.shown(due, zone))  # fmt: skip
    return tr("nothing moves; if no sender is at work: flashback resume {number}",
              number=seen.mailing.id)  # fmt: skip


def _ended(mailing: Mailing) -> Sentence:
    reason = mailing.reason.rstrip(".") or "–"
    match mailing.state:
        case MailingState.PAUSED:
            return tr("paused: {reason}. Go on with: flashback resume {number}", reason=reason,
                      number=mailing.id)  # fmt: skip
        case MailingState.CANCELLED:
            return tr("called off: {reason}", reason=reason)
        case _:
            return tr("finished")
