"""A mailing in front of staff: the bar, the account, what to do next, and the exit code."""

import datetime as dt
import json
import os
import signal
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from flashback.cli import show
from flashback.cli.trouble import explain
from flashback.errors import Exit, FlashbackError, StoreError
from flashback.model import Account, DeliveryState, Mailing
from flashback.sentences import tr
from flashback.workspace import Workspace, mailroom

_LISTED = 10


def run_mailing(workspace: Workspace, mailing: Mailing, *, limit: int | None, as_json: bool) -> int:
    """Dispatch with a progress bar; then the account, what to do next, and the exit code."""
    done = mailing.audience - workspace.ledger.account(mailing.id).open
    trouble: FlashbackError | KeyboardInterrupt | None = None
    progress = show.Progress(mailing.audience, done)
    with _polite_stop() as stop, progress.shown():
        try:
            mailroom.dispatch(
                workspace,
                mailing.id,
                limit=limit,
                tell=progress.tell,
                warn=lambda sentence: show.say(sentence, err=True, fg="yellow"),
                stop=stop,
            )
        except (FlashbackError, KeyboardInterrupt) as error:
            trouble = error
    if trouble is not None:
        explain(trouble)
    try:
        counts = workspace.ledger.account(mailing.id)
        due = mailroom.next_due(workspace, mailing.id)
        doubtful = mailroom.in_doubt(workspace, mailing.id, limit=_LISTED)
    except StoreError as error:
        if not isinstance(trouble, StoreError):
            explain(error)
        _say_go_on(mailing, as_json=as_json)
        if as_json:
            click.echo(json.dumps({"mailing": mailing.id, "error": str(error.sentence)}))
        return Exit.UNFINISHED
    _tell(mailing, counts, due, doubtful, as_json=as_json)
    return _exit_code(mailing, counts, trouble)


def _say_go_on(mailing: Mailing, *, as_json: bool) -> None:
    show.say(
        tr("Not finished. Go on with: flashback resume {number}", number=mailing.id),
        err=as_json,
        fg="yellow",
    )


def _tell(
    mailing: Mailing,
    counts: Account,
    due: dt.datetime | None,
    doubtful: Sequence[str],
    *,
    as_json: bool,
) -> None:
    if as_json:
        click.echo(json.dumps(as_object(mailing, counts)))
    else:
        show.say(tr("Mailing {number}", number=mailing.id), bold=True)
        show.account(counts, mailing.audience)
    if counts.open:
        _say_go_on(mailing, as_json=as_json)
    if counts[DeliveryState.CLAIMED]:
        show.say(
            tr(
                "Another sender is at work on {count}. If it is dead, they come free within "
                "15 minutes, or at once where it ran.",
                count=counts[DeliveryState.CLAIMED],
            ),
            err=as_json,
        )
    if due is not None:
        show.say(
            tr(
                "The relay said “not now” to {count}; it is worth trying not before {time}.",
                count=counts[DeliveryState.DEFERRED],
                time=due.astimezone().strftime("%Y-%m-%d %H:%M"),
            ),
            err=as_json,
        )
    if doubtful:
        _tell_doubt(mailing, counts[DeliveryState.IN_DOUBT], doubtful, as_json=as_json)


def _tell_doubt(mailing: Mailing, count: int, doubtful: Sequence[str], *, as_json: bool) -> None:
    show.say(
        tr(
            "{count} in doubt: past the final dot when the line broke, and nobody knows. Decide: "
            "flashback resume {number} --in-doubt resend (or accept)",
            count=count,
            number=mailing.id,
        ),
        err=as_json,
        fg="magenta",
    )
    for address in doubtful:
        click.echo(f"    {address}", err=as_json)
    if count > len(doubtful):
        show.say(tr("    … and {count} more: --csv", count=count - len(doubtful)), err=as_json)


def as_object(mailing: Mailing | None, counts: Account) -> dict[str, int | None]:
    """The account for programs: one count per state, which add up to the audience."""
    return {
        "mailing": mailing.id if mailing else None,
        "audience": mailing.audience if mailing else counts.audience,
        **{state.value: counts[state] for state in DeliveryState},
    }


def _exit_code(
    mailing: Mailing, counts: Account, trouble: FlashbackError | KeyboardInterrupt | None
) -> Exit:
    if counts.audience != mailing.audience:
        return Exit.FAILED
    if counts.open:
        return Exit.UNFINISHED
    if isinstance(trouble, FlashbackError):
        return trouble.exit_code
    troubled = (DeliveryState.REFUSED, DeliveryState.IN_DOUBT)
    return Exit.REFUSALS if any(counts[state] for state in troubled) else Exit.DONE


@contextmanager
def _polite_stop() -> Iterator["_Stop"]:
    """Turn the first Ctrl-C or SIGTERM into a question the line asks; the second one interrupts."""
    stop = _Stop()
    kept = {number: signal.signal(number, stop.heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


class _Stop:
    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        return self._asked

    def heard(self, _signal: int, _frame: types.FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        # Not through Click: a handler may run in the middle of a write.
        sentence = tr("Finishing the message on the wire, then stopping; Ctrl-C again breaks off.")
        os.write(2, f"\n{show.told(sentence)}\n".encode())
