"""``pause``, ``cancel``, ``resume`` and ``resend``: a mailing that was begun, in staff's hands."""

import getpass
import json
from collections.abc import Mapping
from pathlib import Path

import click

from flashback.cli import choosing, show
from flashback.cli.house import command, mark, option
from flashback.cli.running import as_object, run_mailing
from flashback.cli.waiting import await_hour, sealed
from flashback.errors import Exit, FlashbackError, UnfinishedError
from flashback.model import Account, DeliveryState, Mailing, MailingState
from flashback.sentences import Sentence, tr
from flashback.workspace import Workspace, doubts, line, mailroom

_number = click.argument("mailing", type=int, required=False)
_json = option("--json", "as_json", is_flag=True, help=mark("One JSON object as the last line."))
_limit = option(
    "--limit",
    type=click.IntRange(min=1),
    help=mark("Send at most so many now; go on later with resume."),
)
_wait = option(
    "--wait",
    is_flag=True,
    help=mark("Stay until the last deferred copy has its end, or the hour has come."),
)
_restored = option(
    "--restored",
    is_flag=True,
    help=mark("Go on although the database is an older copy that was put back."),
)
_UNDER_WAY = frozenset({MailingState.OPEN, MailingState.PAUSED, MailingState.SCHEDULED})


@command(name="pause", example='flashback pause 12 --reason "a wrong link"')
@_number
@option("--reason", default="", help=mark("Why; shown to whoever resumes it."))
@click.pass_obj
def pause(folder: str, mailing: int | None, reason: str) -> int:
    """Stop a mailing that is under way, within a second; nothing is lost, resume goes on.

    Without a number: the newest mailing that is open.
    """
    workspace = Workspace.at(Path(folder))
    found = mailroom.mailing_in(workspace, mailing, frozenset({MailingState.OPEN}))
    now = workspace.clock.now()
    workspace.ledger.pause(found.id, reason=reason or _by_whom(), now=now)
    show.say(
        tr("Mailing {number} is paused. Go on with: flashback resume {number}", number=found.id),
        fg="yellow",
    )
    return Exit.DONE


@command(name="cancel", example="flashback cancel 12")
@_number
@option("--reason", default="", help=mark("Why; the report shows it."))
@option("--yes", is_flag=True, help=mark("Do not ask."))
@click.pass_obj
def cancel(folder: str, mailing: int | None, reason: str, yes: bool) -> int:
    """Call a mailing off: what has not left never will. Without a number: the newest under way."""
    workspace = Workspace.at(Path(folder))
    found = mailroom.mailing_in(workspace, mailing, _UNDER_WAY)
    counts = workspace.ledger.account(found.id)
    show.say(
        tr("Mailing {number}: {title} no. {issue}", number=found.id, title=found.title,
           issue=found.issue_number),
        bold=True,
    )  # fmt: skip
    question = tr(
        "Call it off? {open} copies will never leave; {accepted} were accepted and stay so.",
        open=counts.open,
        accepted=counts[DeliveryState.ACCEPTED],
    )
    if not yes and not show.ask(question):
        show.say(tr("Nothing was changed."))
        return Exit.DONE
    stopped = workspace.ledger.cancel(
        found.id, reason=reason or _by_whom(), now=workspace.clock.now()
    )
    show.say(
        tr("Mailing {number} is called off: {count} copies will not leave.", number=found.id,
           count=stopped)
    )  # fmt: skip
    _recover(workspace, found, as_json=False)
    return Exit.DONE


@command(name="resume", example="flashback resume 12 --in-doubt hold")
@_number
@option(
    "--in-doubt",
    type=click.Choice(["hold", "resend", "accept"]),
    default="hold",
    help=mark("What to do with copies whose fate is unknown (default: hold)."),
)
@option("--yes", is_flag=True, help=mark("Go on without asking, whatever it was paused for."))
@_wait
@_restored
@_limit
@_json
@click.pass_obj
def resume(
    folder: str,
    mailing: int | None,
    in_doubt: str,
    yes: bool,
    wait: bool,
    restored: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    """Go on where a mailing stopped; without a number, with all that may go on, oldest first.

    A paused mailing goes on only when it is named.
    """
    workspace = Workspace.at(Path(folder))
    if mailing is not None:
        ready, others = [workspace.ledger.mailing(mailing)], list[Mailing]()
    else:
        ready, others = choosing.sorted_out(workspace, holds=in_doubt == "hold")
    if not ready:
        return choosing.nothing_to_do(others, as_json=as_json)
    sealed(workspace, restored=restored, may_ask=not as_json)
    codes = [
        _go_on(
            workspace, found, in_doubt=in_doubt, yes=yes, wait=wait, limit=limit, as_json=as_json
        )
        for found in ready
    ]
    choosing.tell_others(others, as_json=as_json)
    return choosing.worst(codes)


def _go_on(
    workspace: Workspace,
    found: Mailing,
    *,
    in_doubt: str,
    yes: bool,
    wait: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    if found.state is MailingState.CANCELLED:
        # Nothing more of it leaves, but what a dead sender knew of it is still to be heard.
        _recover(workspace, found, as_json=as_json)
        _settle_doubt(
            workspace, found, "accept" if in_doubt == "accept" else "hold", as_json=as_json
        )
        if in_doubt == "accept":
            return run_mailing(workspace, found, limit=limit, as_json=as_json)
        raise FlashbackError(
            tr("Mailing {number} was called off.", number=found.id),
            hint=tr("What became of every copy: flashback report {number}", number=found.id),
        )
    if found.state is MailingState.PAUSED:
        _reopen_paused(workspace, found, yes=yes, as_json=as_json)
    if found.state is MailingState.SCHEDULED and not await_hour(
        workspace, found, stay=wait, yes=yes, as_json=as_json
    ):
        return Exit.UNFINISHED
    _recover(workspace, found, as_json=as_json)
    _settle_doubt(workspace, found, in_doubt, as_json=as_json)
    return run_mailing(workspace, found, limit=limit, as_json=as_json, wait=wait)


@command(name="resend", example="flashback resend 12 --new")
@click.argument("mailing", type=int)
@option("--refused", is_flag=True, help=mark("Copies that were refused, once more."))
@option("--in-doubt", is_flag=True, help=mark("Copies whose fate is unknown, once more."))
@option("--new", is_flag=True, help=mark("Readers who have had nothing of this issue."))
@option("--segment", help=mark("With --new: only these readers."))
@option("--yes", is_flag=True, help=mark("Do not ask before sending."))
@_limit
@_json
@click.pass_obj
def resend(
    folder: str,
    mailing: int,
    refused: bool,
    in_doubt: bool,
    new: bool,
    segment: str | None,
    yes: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    """Send a mailing's frozen editions once more, to some of its readers only."""
    if refused + in_doubt + new != 1:
        raise click.UsageError(show.told(tr("Name one: --refused, --in-doubt or --new.")))
    if segment is not None and not new:
        raise click.UsageError(show.told(tr("--segment goes with --new.")))
    if as_json and not yes:
        raise click.UsageError(show.told(tr("With --json nobody can be asked: add --yes.")))
    workspace = Workspace.at(Path(folder))
    found = workspace.ledger.mailing(mailing)
    sealed(workspace, restored=False, may_ask=not as_json)
    if new:
        again = _latecomers(workspace, found, segment, yes=yes, as_json=as_json)
    else:
        state = DeliveryState.REFUSED if refused else DeliveryState.IN_DOUBT
        again = _once_more(workspace, found, state, yes=yes, as_json=as_json)
    if again is None:
        return Exit.DONE
    return run_mailing(workspace, again, limit=limit, as_json=as_json)


def _latecomers(
    workspace: Workspace, found: Mailing, segment: str | None, *, yes: bool, as_json: bool
) -> Mailing | None:
    """A new mailing for who has had nothing of the issue; None when it is not to be."""
    plan = mailroom.plan_for_latecomers(workspace, found, segment=segment)
    counts = mailroom.audience(workspace, plan)
    if not _agreed(
        tr("Send issue {issue} to {count} readers who have had nothing of it?",
           issue=found.issue_number, count=sum(counts.values())),
        sum(counts.values()), found, yes=yes, as_json=as_json,
    ):  # fmt: skip
        return None
    return mailroom.open_mailing(workspace, plan)


def _once_more(
    workspace: Workspace, found: Mailing, state: DeliveryState, *, yes: bool, as_json: bool
) -> Mailing | None:
    """The mailing with these copies planned again; None when they are not to be."""
    if found.state is MailingState.CANCELLED:
        raise FlashbackError(
            tr("Mailing {number} was called off.", number=found.id),
            hint=tr("What became of every copy: flashback report {number}", number=found.id),
        )
    if found.state is MailingState.PAUSED:
        # All of it would leave, not these copies only.
        raise FlashbackError(
            tr("Mailing {number} is paused.", number=found.id),
            hint=tr(
                "Let it go on first: flashback resume {number}. With copies in doubt: "
                "flashback resume {number} --in-doubt resend",
                number=found.id,
            ),
        )
    count = workspace.ledger.resendable(found.id, state)
    question = (
        tr("Try the {count} refused copies once more? Dead addresses stay left out.", count=count)
        if state is DeliveryState.REFUSED
        else tr("Send {count} copies once more that their readers may have already?", count=count)
    )
    if not _agreed(question, count, found, yes=yes, as_json=as_json):
        return None
    workspace.ledger.resend(found.id, state, workspace.clock.now())
    return workspace.ledger.mailing(found.id)


def _agreed(question: Sentence, count: int, found: Mailing, *, yes: bool, as_json: bool) -> bool:
    """Whether there is anybody, and staff want it."""
    if not count:
        show.say(
            tr("Mailing {number} has no such copies; nothing was sent.", number=found.id),
            err=as_json,
        )
        if as_json:
            click.echo(json.dumps(as_object(None, Account())))
        return False
    if not yes and not show.ask(question):
        show.say(tr("Nothing was sent."))
        return False
    return True


def _reopen_paused(workspace: Workspace, found: Mailing, *, yes: bool, as_json: bool) -> None:
    """Say why it was paused, ask when a machine paused it, and open it again."""
    show.say(
        tr("Mailing {number} was paused: {reason}.", number=found.id,
           reason=found.reason.rstrip(".") or "–"),
        err=as_json, fg="yellow",
    )  # fmt: skip
    if line.paused_itself(found) and not yes:
        stays = UnfinishedError(
            tr("Mailing {number} stays paused.", number=found.id),
            hint=tr(
                "See why first: flashback report {number}. Then: flashback resume {number} --yes",
                number=found.id,
            ),
        )
        show.insist(tr("Go on all the same?"), stays, may_ask=not as_json)
    workspace.ledger.reopen(found.id, workspace.clock.now())


def _recover(workspace: Workspace, found: Mailing, *, as_json: bool) -> None:
    recovered = workspace.ledger.recover(found.id, now=workspace.clock.now())
    if recovered.audience:
        show.say(_told_of_recovery(recovered.counts), err=as_json)


def _told_of_recovery(counts: Mapping[DeliveryState, int]) -> Sentence:
    return tr(
        "A sender had stopped: {planned} copies go back in line, {doubt} are in doubt.",
        planned=counts.get(DeliveryState.PLANNED, 0),
        doubt=counts.get(DeliveryState.IN_DOUBT, 0),
    )


def _settle_doubt(workspace: Workspace, found: Mailing, in_doubt: str, *, as_json: bool) -> None:
    """Ask the relay's own log first; then do what staff decided of the rest."""
    known = doubts.settle_by_log(workspace, found)
    if known.audience:
        show.say(
            tr(
                "The relay's log settles doubts: {accepted} copies were taken, {planned} never "
                "came and go back in line.",
                accepted=known[DeliveryState.ACCEPTED],
                planned=known[DeliveryState.PLANNED],
            ),
            err=as_json,
        )
    if in_doubt != "hold":
        workspace.ledger.resolve_doubt(
            found.id, resend=in_doubt == "resend", now=workspace.clock.now()
        )


def _by_whom() -> str:
    """Who asks, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
