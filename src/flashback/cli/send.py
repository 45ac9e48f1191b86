"""``send``, ``resume`` and ``proof``: what leaves, to whom, and how it went."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.issue import has_errors
from flashback.cli.running import as_object, run_mailing
from flashback.errors import Exit, FlashbackError, IssueError
from flashback.model import (
    Account,
    DeliveryState,
    Edition,
    Finding,
    PlannedDelivery,
    Result,
    Severity,
    SubscriberStatus,
)
from flashback.sentences import tr
from flashback.workspace import Workspace, desk, mailroom

_issue = click.argument("issue", required=False)
_json = option("--json", "as_json", is_flag=True, help=mark("One JSON object as the last line."))
_limit = option(
    "--limit",
    type=click.IntRange(min=1),
    help=mark("Send at most so many now; go on later with resume."),
)


@command(name="proof", example="flashback proof issues/35 --to editor@example.org")
@_issue
@option("--to", required=True, help=mark("Address that gets the proof."))
@click.pass_obj
def proof(folder: str, issue: str | None, to: str) -> int:
    """Send every edition to one address; nothing is written into the account of mailings."""
    workspace = Workspace.at(Path(folder))
    editions, _ = _editions(workspace, issue, force=False)
    refused = 0
    for edition, outcome in mailroom.proof(workspace, editions, to):
        good = outcome.result is Result.ACCEPTED
        refused += not good
        answer = str(outcome.reply or outcome.detail)
        click.secho(f"  {edition.language}: {answer}", fg="green" if good else "red")
    return Exit.REFUSALS if refused else Exit.DONE


@command(name="send", example="flashback send issues/35 --dry-run")
@_issue
@option("--dry-run", is_flag=True, help=mark("Show what would leave, and send nothing."))
@option("--yes", is_flag=True, help=mark("Do not ask before sending."))
@_limit
@option("--segment", help=mark("Only these readers: 'language = \"ar\"', or a saved name."))
@option("--again", is_flag=True, help=mark("Send an issue that was already sent."))
@option("--force", is_flag=True, help=mark("Send in spite of errors; the mailing remembers it."))
@_json
@click.pass_obj
def send(
    folder: str,
    issue: str | None,
    dry_run: bool,
    yes: bool,
    limit: int | None,
    segment: str | None,
    again: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Show what will leave and to whom, ask, then send it with every copy accounted for."""
    if as_json and not (yes or dry_run):
        raise click.UsageError(show.told(tr("With --json nobody can be asked: add --yes.")))
    workspace = Workspace.at(Path(folder))
    editions, findings = _editions(workspace, issue, force=force)
    forced = sorted({f.code for f in findings if f.severity is Severity.ERROR})
    plan = mailroom.plan(workspace, editions, segment=segment, forced=forced, again=again)
    _summary(workspace, editions, plan.deliveries, findings, err=as_json)
    if not plan.deliveries:
        raise _nobody(workspace)
    if dry_run:
        mailroom.rehearse(workspace, plan)
        if as_json:
            planned = Account({DeliveryState.PLANNED: len(plan.deliveries)})
            click.echo(json.dumps(as_object(None, planned)))
        show.say(tr("A rehearsal: nothing was sent."), err=as_json, fg="green")
        return Exit.DONE
    if not yes and not show.ask(tr("Send to {count} readers?", count=len(plan.deliveries))):
        show.say(tr("Nothing was sent."))
        return Exit.DONE
    mailing = mailroom.open_mailing(workspace, plan)
    return run_mailing(workspace, mailing, limit=limit, as_json=as_json)


@command(name="resume", example="flashback resume 12 --in-doubt hold")
@click.argument("mailing", type=int, required=False)
@option(
    "--in-doubt",
    type=click.Choice(["hold", "resend", "accept"]),
    default="hold",
    help=mark("What to do with copies whose fate is unknown (default: hold)."),
)
@_limit
@_json
@click.pass_obj
def resume(
    folder: str, mailing: int | None, in_doubt: str, limit: int | None, as_json: bool
) -> int:
    """Go on where a mailing stopped; without a number, with the last one that is not finished."""
    workspace = Workspace.at(Path(folder))
    named = [workspace.ledger.mailing(mailing)] if mailing is not None else []
    waiting = named or mailroom.waiting(workspace)
    if not waiting:
        show.say(tr("No mailing waits to be resumed."), err=as_json)
        return Exit.DONE
    found, *others = waiting
    recovered = workspace.ledger.recover(found.id, now=workspace.clock.now())
    if recovered.audience:
        show.say(
            tr(
                "A sender had stopped: {planned} copies go back in line, {doubt} are in doubt.",
                planned=recovered[DeliveryState.PLANNED],
                doubt=recovered[DeliveryState.IN_DOUBT],
            ),
            err=as_json,
        )
    if in_doubt != "hold":
        workspace.ledger.resolve_doubt(
            found.id, resend=in_doubt == "resend", now=workspace.clock.now()
        )
    code = run_mailing(workspace, found, limit=limit, as_json=as_json)
    for other in others:
        show.say(
            tr("Another mailing waits: flashback resume {number}", number=other.id), err=as_json
        )
    return code


def _editions(
    workspace: Workspace, issue: str | None, *, force: bool
) -> tuple[tuple[Edition, ...], list[Finding]]:
    """Read and compose; errors in the issue stop here, unless forced and still readable."""
    path = desk.issue_path(workspace, issue)
    readings = desk.read(workspace, path)
    found = [finding for reading in readings for finding in reading.findings]
    unreadable = any(reading.issue is None for reading in readings)
    if unreadable or (has_errors(found) and not force):
        show.findings(found, err=True)
        raise IssueError(
            tr("{path} has errors; nothing was sent.", path=path),
            hint=tr("Mend them, then: flashback check {path}", path=path),
        )
    issues = [reading.issue for reading in readings if reading.issue]
    return desk.compose(workspace, issues), found


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
    editions: Sequence[Edition],
    deliveries: Sequence[PlannedDelivery],
    findings: Sequence[Finding],
    *,
    err: bool,
) -> None:
    """Show what the person is about to decide on."""
    main = next(
        (e for e in editions if e.language == workspace.config.newsletter.language), editions[0]
    )
    relay = workspace.config.relay
    show.say(
        tr("{title} no. {number} of {date}", title=main.title, number=main.issue_number,
           date=main.issue_date.isoformat()),
        err=err, bold=True,
    )  # fmt: skip
    counts = Counter(delivery.language for delivery in deliveries)
    for edition in editions:
        click.echo(
            f"  {edition.language}  {counts[edition.language]:>7,}  {edition.subject}", err=err
        )
    security = {"tls": "TLS", "starttls": "STARTTLS", "none": show.told(tr("not encrypted"))}
    show.say(
        tr("  through {host}:{port} ({security})", host=relay.host, port=relay.port,
           security=security[relay.security]),
        err=err,
    )  # fmt: skip
    show.findings(findings, err=err)
