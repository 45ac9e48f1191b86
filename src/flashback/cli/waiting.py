"""Before a mailing leaves: its hour is awaited, and staff are asked what only they can know."""

import datetime as dt
import sys
from time import monotonic, sleep

import click

from flashback.cli import show
from flashback.cli.running import polite_stop
from flashback.errors import UnfinishedError
from flashback.model import Mailing, MailingState
from flashback.sentences import tr
from flashback.workspace import Workspace, hours, seal

#: Seconds between two looks at the clock, and at the ledger.
_TICK = 0.2
_LOOK = 2.0


def sealed(workspace: Workspace, *, restored: bool, may_ask: bool) -> None:
    """Ask before anything leaves from a database that says less than was known here."""
    if not seal.is_broken(workspace):
        return
    if not restored:
        show.say(
            tr(
                "The database knows less than was known here: an older copy of it seems to have "
                "been put back. Copies that left since would leave a second time."
            ),
            err=True,
            fg="yellow",
        )
        stays = UnfinishedError(
            tr("Nothing was sent."),
            hint=tr(
                "Put the newest copy back, or look into the delivery log who had theirs. "
                "Then go on with: --restored"
            ),
        )
        show.insist(tr("Go on with this database all the same?"), stays, may_ask=may_ask)
    seal.renew(workspace)


def await_hour(
    workspace: Workspace, mailing: Mailing, *, stay: bool, yes: bool, as_json: bool
) -> bool:
    """Wait for the hour of a scheduled mailing, then open it; False when it is not to leave now.

    Without ``stay``, an hour that has not come is told and not waited for. One that is long past
    is asked about. Raises UnfinishedError when staff say no, or nobody can be asked.
    """
    if hours.until(mailing, workspace.clock.now()):
        if not stay:
            _tell_hour(workspace, mailing, err=as_json)
            return False
        if not _waited(workspace, mailing, as_json=as_json):
            return False
    if hours.too_late(mailing, workspace.clock.now()) and not yes:
        _ask_late(workspace, mailing, may_ask=not as_json)
    workspace.ledger.reopen(mailing.id, workspace.clock.now())
    return True


def _tell_hour(workspace: Workspace, mailing: Mailing, *, err: bool) -> None:
    assert mailing.not_before is not None
    show.say(
        tr(
            "Mailing {number} is scheduled for {time}. To wait for it: flashback resume {number} "
            "--wait. To call it off: flashback cancel {number}",
            number=mailing.id,
            time=hours.shown(mailing.not_before, workspace.config.sending.zone),
        ),
        err=err,
    )


def _waited(workspace: Workspace, mailing: Mailing, *, as_json: bool) -> bool:
    """Wait; False when somebody ended it first, here or from another terminal."""
    show.say(
        tr(
            "Mailing {number} leaves at {time}. Ctrl-C ends the waiting and leaves it scheduled.",
            number=mailing.id,
            time=hours.shown(
                mailing.not_before or workspace.clock.now(), workspace.config.sending.zone
            ),
        ),
        err=as_json,
    )
    scheduled = True
    looked = monotonic()
    with polite_stop(tr("The waiting ends; the mailing stays scheduled.")) as stop:
        while scheduled and not stop() and (left := hours.until(mailing, workspace.clock.now())):
            _countdown(left)
            sleep(min(_TICK, left.total_seconds()))
            if monotonic() - looked >= _LOOK:
                looked = monotonic()
                now = workspace.ledger.mailing(mailing.id)
                scheduled = now.state is MailingState.SCHEDULED
        stopped = stop()
    _countdown(None)
    if not scheduled:
        show.say(tr("Somebody else has taken the mailing in hand."), err=as_json, fg="yellow")
        return False
    if stopped:
        _tell_hour(workspace, mailing, err=as_json)
    return not stopped


def _countdown(left: dt.timedelta | None) -> None:
    """How long it still takes, on one line of a terminal; None wipes it."""
    if not sys.stderr.isatty():
        return
    text = "" if left is None else show.told(tr("  in {time}", time=show.span(left)))
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def _ask_late(workspace: Workspace, mailing: Mailing, *, may_ask: bool) -> None:
    assert mailing.not_before is not None
    show.say(
        tr(
            "Mailing {number} was to leave at {time}; it is late.",
            number=mailing.id,
            time=hours.shown(mailing.not_before, workspace.config.sending.zone),
        ),
        err=True,
        fg="yellow",
    )
    stays = UnfinishedError(
        tr("Mailing {number} stays scheduled.", number=mailing.id),
        hint=tr(
            "To send it now: flashback resume {number} --yes. To call it off: "
            "flashback cancel {number}",
            number=mailing.id,
        ),
    )
    show.insist(tr("Send it now all the same?"), stays, may_ask=may_ask)
