"""``subscribers``: who is in the address book, and what they agreed to."""

import json
from pathlib import Path

import click

from flashback import addresses
from flashback.cli import show
from flashback.cli.editing import edit
from flashback.cli.exchange import export, import_
from flashback.cli.house import Group, mark, option
from flashback.cli.person import as_object, erase, history, remove, show_
from flashback.cli.retention import purge
from flashback.model import Consent, ConsentKind, SubscriberStatus
from flashback.sentences import tr
from flashback.workspace import Workspace, book

_STATUS_WORDS = {
    SubscriberStatus.UNCONFIRMED: tr("unconfirmed"),
    SubscriberStatus.CONFIRMED: tr("confirmed"),
    SubscriberStatus.UNSUBSCRIBED: tr("unsubscribed"),
}


@click.group(name="subscribers", cls=Group, example="flashback subscribers list --language ar")
def subscribers() -> None:
    """Look after the address book."""


@subscribers.command(
    name="add",
    example='flashback subscribers add nadia@example.org --language ar --consent "asked by phone"',
)
@click.argument("address")
@option("--name", default="", help=mark("The person's name."))
@option("--language", default="", help=mark("fr, ar, en (default: the newsletter's)."))
@option("--organisation", default="", help=mark("Where the person works."))
@option("--tag", "tags", multiple=True, help=mark("A tag; as often as needed."))
@option("--consent", help=mark("What the person agreed to, and how; without it: unconfirmed."))
@click.pass_obj
def add(
    folder: str,
    address: str,
    name: str,
    language: str,
    organisation: str,
    tags: tuple[str, ...],
    consent: str | None,
) -> None:
    """Add one person. Only who agreed is confirmed, and only who is confirmed gets mail."""
    workspace = Workspace.at(Path(folder))
    now = workspace.clock.now()
    granted = (
        Consent(kind=ConsentKind.GRANTED, at=now, source="staff", wording=consent)
        if consent
        else None
    )
    book, parsed = workspace.subscribers, addresses.parse(address)
    known = book.known(parsed.key)
    if known is not None and granted:
        from flashback.store.editing import Correction

        words = Correction(
            name=name or None,
            language=language or None,
            organisation=organisation or None,
            tags=tags,
        )
        book.confirm(known.id, granted)
        ((_, person),) = book.edit([parsed.key], words, now=now)
    else:
        person = book.add(
            parsed,
            now=now,
            name=name,
            language=language,
            organisation=organisation,
            tags=tags,
            status=SubscriberStatus.CONFIRMED if granted else SubscriberStatus.UNCONFIRMED,
            consent=granted,
        )
    word = show.told(_STATUS_WORDS[person.status])
    show.say(tr("{address} is in the address book, {status}.", address=address, status=word))
    if person.suppressed:
        show.say(
            tr(
                "Mail to this address is forbidden ({reason}); nothing will be sent. If that is a "
                "mistake: flashback subscribers allow {address}",
                reason=person.suppressed.value,
                address=person.address,
            ),
            fg="yellow",
        )  # fmt: skip


@subscribers.command(name="list", example="flashback subscribers list --status unconfirmed")
@option(
    "--status",
    type=click.Choice([s.value for s in SubscriberStatus]),
    help=mark("Only these."),
)
@option("--language", help=mark("Only readers of this language."))
@option("--segment", help=mark("Only these: 'organisation = \"Banque\"', or a saved name."))
@option("--limit", type=click.IntRange(min=1), help=mark("At most so many."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def list_(
    folder: str,
    status: str | None,
    language: str | None,
    segment: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the people in the order they came."""
    workspace = Workspace.at(Path(folder))
    people = book.people(
        workspace,
        status=SubscriberStatus(status) if status else None,
        language=language,
        segment=segment,
        limit=limit,
    )
    if as_json:
        for person in people:
            click.echo(json.dumps(as_object(person), ensure_ascii=False))
        return
    rows = [
        (
            person.address.mailbox,
            person.name,
            person.language,
            show.told(_STATUS_WORDS[person.status]),
            person.suppressed.value if person.suppressed else "",
        )
        for person in people
    ]
    if not rows:
        show.say(tr("Nobody."))
        return
    head = (tr("address"), tr("name"), tr("language"), tr("status"), tr("suppressed"))
    show.table([show.told(word) for word in head], rows)
    show.say(tr("{count} people.", count=len(rows)))


@subscribers.command(
    name="count",
    example="flashback subscribers count --segment 'tag has \"banque\"'",
    help=mark("Count the people, or those of a segment."),
)
@option("--segment", help=mark("Only these: 'organisation = \"Banque\"', or a saved name."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object."))
@click.pass_obj
def count(folder: str, segment: str | None, as_json: bool) -> None:
    """Say how many there are, and how many of them may be mailed."""
    workspace = Workspace.at(Path(folder))
    there, mailable = workspace.subscribers.count(book.condition(workspace, segment))
    if as_json:
        click.echo(json.dumps({"people": there, "mailable": mailable}))
        return
    show.say(
        tr("{count} people; {mailable} of them may be mailed.", count=there, mailable=mailable)
    )


@subscribers.command(name="allow", example="flashback subscribers allow nadia@example.org")
@click.argument("address")
@click.pass_obj
def allow(folder: str, address: str) -> None:
    """Lift what forbids mail to an address: a bounce that is cured, an erasure taken back."""
    parsed = addresses.parse(address)
    if Workspace.at(Path(folder)).subscribers.unsuppress(parsed.key):
        show.say(tr("{address} may be mailed again, once confirmed.", address=parsed))
    else:
        show.say(tr("Nothing forbids mail to {address}.", address=parsed))


for one in (edit, show_, history, remove, erase, purge, import_):
    subscribers.add_command(one)
subscribers.add_command(export)
