"""A mailing in front of staff: the bar, the account, what to do next, and the exit code."""

import datetime as dt
import json
import os
import signal
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

from flashback.cli import show
from flashback.cli.trouble import explain
from flashback.errors import Exit, FlashbackError, LeaseLostError, StoreError
from flashback.model import Account, DeliveryState, Mailing, MailingState
from flashback.sentences import Sentence, tr
from flashback.workspace import Workspace, hours, line, mailroom

_LISTED = 10
_FINISHING = tr("Finishing what is on the wire, then stopping; Ctrl-C again breaks off.")


def run_mailing(
    workspace: Workspace,
    mailing: Mailing,
    *,
    limit: int | None,
    as_json: bool,
    wait: bool = False,
) -> int:
    """Dispatch with a progress bar; then the account, what to do next, and the exit code."""
    done = mailing.audience - workspace.ledger.account(mailing.id).open
    trouble: FlashbackError | KeyboardInterrupt | None = None
    closed: dt.datetime | None = None
    progress = show.Progress(mailing.audience, done)
    with polite_stop(_FINISHING) as stop, progress.shown():
        try:
            closed = line.dispatch(
                workspace,
                mailing.id,
                limit=limit,
                wait=wait,
                tell=progress.tell,
                warn=lambda sentence: show.say(sentence, err=True, fg="yellow"),
                word=show.told,
                stop=stop,
            )
        except (FlashbackError, KeyboardInterrupt) as error:
            trouble = error
    if trouble is not None:
        explain(trouble)
    try:
        mailing = workspace.ledger.mailing(mailing.id)
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
    if closed is not None and counts[DeliveryState.PLANNED]:
        show.say(
            tr(
                "Quiet hours, or the day's allowance is spent: nothing leaves before {time}.",
                time=hours.shown(closed, workspace.config.sending.zone),
            ),
            err=as_json,
        )
    return _exit_code(mailing, counts, trouble)


def _say_stopped(mailing: Mailing, *, err: bool) -> None:
    """Who or what ended it from outside, as far as that is known."""
    reason = mailing.reason.rstrip(".") or "–"
    match mailing.state:
        case MailingState.PAUSED:
            told = tr("Mailing {number} was paused: {reason}.", number=mailing.id, reason=reason)
        case MailingState.CANCELLED:
            told = tr(
                "Mailing {number} was called off: {reason}.", number=mailing.id, reason=reason
            )
        case _:
            return
    show.say(told, err=err, fg="yellow")


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
    _say_stopped(mailing, err=as_json)
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
    if due is not None and mailing.state is MailingState.OPEN:
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
    # What this sender had to leave to another one, the other one has finished.
    if isinstance(trouble, FlashbackError) and not isinstance(trouble, LeaseLostError):
        return trouble.exit_code
    if mailing.state is MailingState.CANCELLED:
        return Exit.REFUSALS
    troubled = (DeliveryState.REFUSED, DeliveryState.IN_DOUBT)
    return Exit.REFUSALS if any(counts[state] for state in troubled) else Exit.DONE


@contextmanager
def polite_stop(sentence: Sentence) -> Iterator["_Stop"]:
    """Turn the first Ctrl-C or SIGTERM into a question the work asks; the second interrupts.

    ``sentence`` answers the first one.
    """
    stop = _Stop(sentence)
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1)
        numbers.append(signal.SIGHUP)
    kept = {number: signal.signal(number, stop.heard) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


class _Stop:
    def __init__(self, sentence: Sentence) -> None:
        self._sentence = sentence
        self._asked = False

    def __call__(self) -> bool:
        return self._asked

    def heard(self, _signal: int, _frame: types.FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        # Not through Click: a handler may run in the middle of a write.
        with suppress(OSError):  # The terminal may be gone.
            os.write(2, f"\n{show.told(self._sentence)}\n".encode())
