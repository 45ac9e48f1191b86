"""``subscribers``: who is in the address book, and what they agreed to."""

import json
from dataclasses import replace
from pathlib import Path

import click

from flashback import addresses
from flashback.cli import show
from flashback.cli.exchange import export, import_
from flashback.cli.house import Group, mark, option
from flashback.model import Consent, ConsentKind, Subscriber, SubscriberStatus
from flashback.sentences import tr
from flashback.workspace import Workspace, book

#: What is told of a consent, in this order, as far as it is known.
_TOLD = ("at", "kind", "source", "wording", "version", "by", "network_address", "evidence")
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
@option("--consent", help=mark("What the person agreed to, and how; without it: unconfirmed."))
@click.pass_obj
def add(
    folder: str, address: str, name: str, language: str, organisation: str, consent: str | None
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
        person = replace(book.confirm(known.id, granted), suppressed=known.suppressed)
    else:
        person = book.add(
            parsed,
            now=now,
            name=name,
            language=language,
            organisation=organisation,
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


def as_object(person: Subscriber) -> dict[str, object]:
    """A person for programs."""
    return {
        "address": person.address.mailbox,
        "name": person.name,
        "language": person.language,
        "organisation": person.organisation,
        "status": person.status.value,
        "suppressed": person.suppressed.value if person.suppressed else None,
        "fields": dict(person.fields),
        "tags": list(person.tags),
        "created_at": person.created_at.isoformat() if person.created_at else None,
    }


@subscribers.command(name="show", example="flashback subscribers show nadia@example.org")
@click.argument("address")
@option("--json", "as_json", is_flag=True, help=mark("One JSON object."))
@click.pass_obj
def show_(folder: str, address: str, as_json: bool) -> None:
    """Show what is known of one person, with every consent."""
    book = Workspace.at(Path(folder)).subscribers
    person = book.get(addresses.parse(address).key)
    history = book.history(person.id)
    consents: list[dict[str, object]] = [
        {
            "kind": c.kind.value,
            "at": c.at.isoformat(),
            "source": c.source,
            "wording": c.wording,
            "by": c.by,
            "version": c.version,
            "network_address": c.network_address,
            "evidence": c.evidence,
        }
        for c in history.consents
    ]
    if as_json:
        click.echo(json.dumps({**as_object(person), "consents": consents}, ensure_ascii=False))
        return
    for key, value in as_object(person).items():
        if value:
            words = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"  {key:<13} {words}")
    for consent in consents:
        parts = (str(consent[key]) for key in _TOLD if consent[key])
        click.echo(f"  consent       {'  '.join(parts)}")
    if history.suppression:
        fact = history.suppression
        click.echo(f"  suppression   {fact.at.isoformat()}  {fact.reason.value}  {fact.note}")


@subscribers.command(name="remove", example="flashback subscribers remove nadia@example.org")
@click.argument("address")
@option(
    "--erase",
    is_flag=True,
    help=mark("Forget the person, but for a mark that keeps imports from bringing them back."),
)
@option("--yes", is_flag=True, help=mark("Do not ask before erasing."))
@click.pass_obj
def remove(folder: str, address: str, erase: bool, yes: bool) -> None:
    """Let a person leave: nothing is mailed to them any more."""
    workspace = Workspace.at(Path(folder))
    book = workspace.subscribers
    person = book.get(addresses.parse(address).key)
    now = workspace.clock.now()
    if not erase:
        book.unsubscribe(person.id, at=now, source="staff")
        show.say(tr("{address} has left; nothing will be sent there.", address=person.address))
        return
    question = tr("Erase everything about {address}?", address=person.address)
    if yes or show.ask(question):
        book.remove(person.id, now=now)
        show.say(tr("{address} is erased.", address=person.address))
    else:
        show.say(tr("Nothing was changed."))


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


subscribers.add_command(import_)
subscribers.add_command(export)
