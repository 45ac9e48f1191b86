"""``send`` and ``proof``: what leaves, to whom, when, and how it went."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.issue import has_errors
from flashback.cli.running import as_object, run_mailing
from flashback.cli.waiting import await_hour, sealed
from flashback.config import RelayConfig
from flashback.errors import Exit, FlashbackError, IssueError
from flashback.model import (
    Account,
    DeliveryState,
    Edition,
    Finding,
    MailingState,
    Plan,
    Result,
    Severity,
    SubscriberStatus,
)
from flashback.sentences import tr
from flashback.workspace import Workspace, desk, hours, mailroom

_issue = click.argument("issue", required=False)
_json = option("--json", "as_json", is_flag=True, help=mark("One JSON object as the last line."))
_limit = option(
    "--limit",
    type=click.IntRange(min=1),
    help=mark("Send at most so many now; go on later with resume."),
)


@command(name="proof", example="flashback proof issues/35 --to editor@example.org")
@_issue
@option(
    "--to",
    required=True,
    multiple=True,
    help=mark("Address that gets the proof; give it again for each further one."),
)
@click.pass_obj
def proof(folder: str, issue: str | None, to: tuple[str, ...]) -> int:
    """Send every edition to each address; nothing is written into the account of mailings."""
    workspace = Workspace.at(Path(folder))
    editions, _ = _editions(workspace, issue, force=False)
    refused = 0
    for edition, outcome in mailroom.proof(workspace, editions, to):
        good = outcome.result is Result.ACCEPTED
        refused += not good
        answer = str(outcome.reply or outcome.detail)
        whose = f"{outcome.claim.address}, {edition.language}" if len(to) > 1 else edition.language
        click.secho(f"  {whose}: {answer}", fg="green" if good else "red")
    return Exit.REFUSALS if refused else Exit.DONE


@command(name="send", example="flashback send issues/35 --dry-run")
@_issue
@option("--dry-run", is_flag=True, help=mark("Show what would leave, and send nothing."))
@option("--yes", is_flag=True, help=mark("Do not ask before sending."))
@_limit
@option("--at", help=mark("Leave at this hour: '2026-12-01 09:00'; stays and waits until then."))
@option("--not-after", help=mark("With --at: when it cannot begin before this hour, ask first."))
@option("--wait", is_flag=True, help=mark("Stay until the last deferred copy has its end."))
@option("--segment", help=mark("Only these readers: 'language = \"ar\"', or a saved name."))
@option("--again", is_flag=True, help=mark("Send an issue that was already sent."))
@option(
    "--restored",
    is_flag=True,
    help=mark("Go on although the database is an older copy that was put back."),
)
@option("--force", is_flag=True, help=mark("Send in spite of errors; the mailing remembers it."))
@_json
@click.pass_obj
def send(
    folder: str,
    issue: str | None,
    dry_run: bool,
    yes: bool,
    limit: int | None,
    at: str | None,
    not_after: str | None,
    wait: bool,
    segment: str | None,
    again: bool,
    restored: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Show what will leave and to whom, ask, then send it with every copy accounted for."""
    if as_json and not (yes or dry_run):
        raise click.UsageError(show.told(tr("With --json nobody can be asked: add --yes.")))
    workspace = Workspace.at(Path(folder))
    begin, end = _hours(workspace, at, not_after)
    editions, findings = _editions(workspace, issue, force=force)
    plan = mailroom.plan(
        workspace,
        editions,
        segment=segment,
        forced=sorted({f.code for f in findings if f.severity is Severity.ERROR}),
        again=again,
        not_before=begin,
        not_after=end,
    )
    counts = mailroom.audience(workspace, plan)
    readers = sum(counts.values())
    _summary(workspace, plan, counts, findings, err=as_json)
    if not readers:
        raise _nobody(workspace)
    if dry_run:
        return _rehearse(workspace, plan, readers, as_json=as_json)
    sealed(workspace, restored=restored, may_ask=not as_json)
    if not yes and not show.ask(tr("Send to {count} readers?", count=readers)):
        show.say(tr("Nothing was sent."))
        return Exit.DONE
    mailing = mailroom.open_mailing(workspace, plan)
    if mailing.state is MailingState.SCHEDULED and not await_hour(
        workspace, mailing, stay=True, yes=False, as_json=as_json
    ):
        return Exit.UNFINISHED
    return run_mailing(workspace, mailing, limit=limit, as_json=as_json, wait=wait)


def _rehearse(workspace: Workspace, plan: Plan, readers: int, *, as_json: bool) -> int:
    mailroom.rehearse(workspace, plan)
    if as_json:
        click.echo(json.dumps(as_object(None, Account({DeliveryState.PLANNED: readers}))))
    show.say(tr("A rehearsal: nothing was sent."), err=as_json, fg="green")
    return Exit.DONE


def _hours(
    workspace: Workspace, at: str | None, not_after: str | None
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From when, and until when, the mailing may begin. Raises click.UsageError."""
    begin, end = (_hour(workspace, text) for text in (at, not_after))
    if end is not None and begin is None:
        raise click.UsageError(show.told(tr("--not-after goes with --at.")))
    if begin is not None and begin <= workspace.clock.now():
        raise click.UsageError(show.told(tr("The hour {time} is past.", time=at)))
    if begin is not None and end is not None and end <= begin:
        raise click.UsageError(
            show.told(tr("--not-after {end} is not later than --at {begin}.", end=not_after,
                         begin=at))
        )  # fmt: skip
    return begin, end


def _hour(workspace: Workspace, text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        return hours.moment(text, workspace.config.sending.zone)
    except ValueError as error:
        raise click.UsageError(
            show.told(tr("“{text}” is no hour. Write it as 2026-12-01 09:00.", text=text))
        ) from error


def _editions(
    workspace: Workspace, issue: str | None, *, force: bool
) -> tuple[tuple[Edition, ...], list[Finding]]:
    """Read and compose; errors in the issue stop here, unless forced and still readable."""
    path = desk.issue_path(workspace, issue)
    readings = desk.read(workspace, path)
    found = [finding for reading in readings for finding in reading.findings]
    unreadable = any(reading.issue is None for reading in readings)
    if unreadable or (has_errors(found) and not force):
        raise _unfit(path, found)
    issues = [reading.issue for reading in readings if reading.issue]
    editions = desk.compose(workspace, issues)
    found += desk.preflight(workspace, issues, editions)
    if has_errors(found) and not force:
        raise _unfit(path, found)
    return editions, found


def _unfit(path: Path, found: Sequence[Finding]) -> IssueError:
    show.findings(found, err=True)
    return IssueError(
        tr("{path} has errors; nothing was sent.", path=path),
        hint=tr("Mend them, then: flashback check {path}", path=path),
    )


def _nobody(workspace: Workspace) -> FlashbackError:
    """Why there is nobody to send to, and how that changes."""
    people: Counter[SubscriberStatus] = Counter()
    for (_, status), count in workspace.subscribers.counts().items():
        people[status] += count
    return FlashbackError(
        tr(
            "There is nobody to send to: {confirmed} confirmed people here, {unconfirmed} "
            "unconfirmed, {left} who left.",
            confirmed=people[SubscriberStatus.CONFIRMED],
            unconfirmed=people[SubscriberStatus.UNCONFIRMED],
            left=people[SubscriberStatus.UNSUBSCRIBED],
        ),
        hint=tr(
            "Only who agreed gets mail: flashback subscribers import FILE --consent “...”. "
            "See everybody: flashback subscribers list"
        ),
    )


def _summary(
    workspace: Workspace,
    plan: Plan,
    counts: Mapping[str, int],
    findings: Sequence[Finding],
    *,
    err: bool,
) -> None:
    """Show what the person is about to decide on."""
    main = next(e for e in plan.editions if e.language == plan.fallback)
    show.say(
        tr("{title} no. {number} of {date}", title=main.title, number=main.issue_number,
           date=main.issue_date.isoformat()),
        err=err, bold=True,
    )  # fmt: skip
    for edition in plan.editions:
        count = counts.get(edition.language, 0)
        click.echo(f"  {edition.language}  {count:>7,}  {edition.subject}", err=err)
    for relay in workspace.config.all_relays.values():
        _through(relay, err=err)
    if plan.not_before is not None:
        show.say(
            tr("  leaves at {time}",
               time=hours.shown(plan.not_before, workspace.config.sending.zone)),
            err=err,
        )  # fmt: skip
    show.findings(findings, err=err)


def _through(relay: RelayConfig, *, err: bool) -> None:
    """Which way the mail takes."""
    if relay.kind != "smtp":
        show.say(tr("  into {kind} {path}", kind=relay.kind, path=relay.path), err=err)
        return
    security = {"tls": "TLS", "starttls": "STARTTLS", "none": show.told(tr("not encrypted"))}
    show.say(
        tr("  through {host}:{port} ({security})", host=relay.host, port=relay.port,
           security=security[relay.security]),
        err=err,
    )  # fmt: skip
