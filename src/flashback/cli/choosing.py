"""Which mailings ``resume`` goes on with when none is named: a job has nobody to ask."""

from collections.abc import Sequence

from flashback.cli import show
from flashback.errors import Exit
from flashback.model import Mailing, MailingState
from flashback.sentences import tr
from flashback.workspace import Workspace, hours, mailroom

#: The exit code of several mailings is the first of these that one of them has.
_WORST = (Exit.FAILED, Exit.UNFINISHED, Exit.REFUSALS)


def sorted_out(workspace: Workspace, *, holds: bool) -> tuple[list[Mailing], list[Mailing]]:
    """The mailings that may go on, oldest first, and the others that wait.

    What staff stopped needs its number. One of which nothing but doubts is left has nothing to
    send while they are held. When nothing is ready, a scheduled mailing is, so that its hour can
    be told or waited for. Who decides about doubts without a number means the newest mailing.
    """
    now = workspace.clock.now()
    waiting = [m for m in mailroom.waiting(workspace) if m.state is not MailingState.CANCELLED]
    ready = [
        mailing
        for mailing in waiting
        if mailing.state is not MailingState.PAUSED and not hours.until(mailing, now)
    ]
    if holds:
        begun = [m for m in ready if workspace.ledger.account(m.id).open]
        chosen = sorted(begun, key=_number) or ready[:1]
    else:
        chosen = ready[:1]
    if not chosen:
        chosen = [m for m in waiting if m.state is MailingState.SCHEDULED][-1:]
    return chosen, [mailing for mailing in waiting if mailing not in chosen]


def _number(mailing: Mailing) -> int:
    return mailing.id


def nothing_to_do(others: Sequence[Mailing], *, as_json: bool) -> int:
    """Say that no mailing goes on by itself, and which ones wait for a person."""
    if not others:
        show.say(tr("No mailing waits to be resumed."), err=as_json)
        return Exit.DONE
    tell_others(others, as_json=as_json)
    return Exit.UNFINISHED


def tell_others(others: Sequence[Mailing], *, as_json: bool) -> None:
    """Name the mailings that wait, and how each goes on."""
    for other in others:
        if other.state is MailingState.PAUSED:
            sentence = tr(
                "Mailing {number} is paused: {reason}. Go on with: flashback resume {number}",
                number=other.id,
                reason=other.reason.rstrip(".") or "–",
            )
        else:
            sentence = tr("Another mailing waits: flashback resume {number}", number=other.id)
        show.say(sentence, err=as_json)


def worst(codes: Sequence[int]) -> int:
    """One exit code for several mailings."""
    return next((code for code in _WORST if code in codes), Exit.DONE)
