"""``subscribers show``, ``history``, ``remove``, ``erase``: one person, and what they may ask.

The rights of a person (articles 15 and 17 of the GDPR, articles 7 and 8 of Morocco's law 09-08): to
see all that is held, and to have it erased.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flashback import addresses
from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import UnknownSubscriberError
from flashback.model import Address, Consent, Subscriber
from flashback.sentences import tr
from flashback.workspace import Workspace

if TYPE_CHECKING:
    from flashback.store import History, Subscribers

#: What is told of a consent, in this order, as far as it is known.
_TOLD: Final = (
    *("at", "kind", "source", "wording", "version", "by", "network_address", "evidence"),
)


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


def _person(book: "Subscribers", address: Address) -> Subscriber:
    """The person with an address. Raises UnknownSubscriberError, which tells of an erasure."""
    person = book.known(address.key)
    if person is not None:
        return person
    erased = book.erased_at(address.key)
    if erased is not None:
        raise UnknownSubscriberError(
            tr("{address} was erased on {date}.", address=address, date=f"{erased:%Y-%m-%d}"),
            hint=tr("Nothing else is held, but for a mark that recognises the address."),
        )
    if fact := book.suppression(address.key):
        raise UnknownSubscriberError(
            tr(
                "{address} is not in the address book. Mail to it is forbidden since {date}"
                " ({reason}).",
                address=address,
                date=f"{fact.at:%Y-%m-%d}",
                reason="; ".join(filter(None, (fact.reason.value, fact.note))),
            ),
            hint=tr(
                "Lift it: flashback subscribers allow {address}. Keep a mark in its place: "
                "flashback subscribers erase {address}",
                address=address,
            ),
        )
    return book.get(address.key)


@command(
    name="show",
    example="flashback subscribers show nadia@example.org --all",
    help=mark("Show what is known of one person, with every consent."),
)
@click.argument("address")
@option("--all", "everything", is_flag=True, help=mark("All that is held, with every copy sent."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object."))
@click.pass_obj
def show_(folder: str, address: str, everything: bool, as_json: bool) -> None:
    """Show what is known of one person."""
    book = Workspace.at(Path(folder)).subscribers
    person = _person(book, addresses.parse(address))
    found = book.history(person.id)
    if as_json:
        click.echo(json.dumps(_held(person, found, everything=everything), ensure_ascii=False))
        return
    for key, value in as_object(person).items():
        if value:
            words = _listed(value)
            click.echo(f"  {key:<13} {words}")
    for consent in found.consents:
        click.echo(f"  consent       {_consent_line(consent)}")
    if found.suppression:
        fact = found.suppression
        click.echo(f"  suppression   {fact.at.isoformat()}  {fact.reason.value}  {fact.note}")
    if everything:
        for copy in found.copies:
            facts = (copy.at.isoformat(), copy.state.value, copy.reason, copy.reply)
            click.echo(f"  issue {copy.issue:<7} {'  '.join(filter(None, facts))}")
            for one in copy.tries:
                facts = (one.at.isoformat(), one.host, one.result, one.reply)
                click.echo(f"    attempt     {'  '.join(filter(None, facts))}")


def _listed(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {words}" for name, words in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _held(person: Subscriber, found: "History", *, everything: bool) -> dict[str, object]:
    held = as_object(person) | {"consents": [_consent(consent) for consent in found.consents]}
    if not everything:
        return held
    fact = found.suppression
    suppression = fact and {
        "reason": fact.reason.value,
        "at": fact.at.isoformat(),
        "note": fact.note,
    }
    copies = [
        {
            "mailing": copy.mailing,
            "issue": copy.issue,
            "title": copy.title,
            "language": copy.language,
            "state": copy.state.value,
            "at": copy.at.isoformat(),
            "reply": copy.reply,
            "reason": copy.reason,
            "attempts": [one._asdict() | {"at": one.at.isoformat()} for one in copy.tries],
        }
        for copy in found.copies
    ]
    return held | {"number": person.id, "suppression": suppression, "copies": copies}


def _consent(consent: Consent) -> dict[str, Any]:
    return {name: getattr(consent, name) for name in _TOLD} | {
        "at": consent.at.isoformat(),
        "kind": consent.kind.value,
    }


def _consent_line(consent: Consent) -> str:
    return "  ".join(str(word) for word in _consent(consent).values() if word)


@command(
    name="history",
    example="flashback subscribers history nadia@example.org",
    help=mark("Tell what happened with one person, in order."),
)
@click.argument("address")
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def history(folder: str, address: str, as_json: bool) -> None:
    """Tell what happened with one person, the oldest first."""
    book = Workspace.at(Path(folder)).subscribers
    person = _person(book, addresses.parse(address))
    events = sorted(_events(person, book.history(person.id)), key=lambda event: event["at"])
    for event in events:
        if as_json:
            click.echo(json.dumps(event, ensure_ascii=False))
        else:
            click.echo("  ".join(filter(None, event.values())))


def _events(person: Subscriber, found: "History") -> list[dict[str, str]]:
    came = person.created_at
    events = [{"at": came.isoformat(), "what": "added", "words": ""}] if came else []
    for consent in found.consents:
        words = "  ".join(filter(None, (consent.source, consent.wording, consent.evidence)))
        events.append({"at": consent.at.isoformat(), "what": consent.kind.value, "words": words})
    if fact := found.suppression:
        words = "  ".join(filter(None, (fact.reason.value, fact.note)))
        events.append({"at": fact.at.isoformat(), "what": "suppressed", "words": words})
    for copy in found.copies:
        words = "  ".join(filter(None, (f"issue {copy.issue}", copy.reason, copy.reply)))
        events.append({"at": copy.at.isoformat(), "what": copy.state.value, "words": words})
    return events


@command(
    name="remove",
    example="flashback subscribers remove nadia@example.org",
    help=mark("Let a person leave: nothing is mailed to them any more."),
)
@click.argument("address")
@option("--erase", "is_erased", is_flag=True, help=mark("The same as “subscribers erase”."))
@option("--yes", is_flag=True, help=mark("Do not ask before erasing."))
@click.pass_obj
def remove(folder: str, address: str, is_erased: bool, yes: bool) -> None:
    """Let a person leave."""
    if is_erased:
        _erase(folder, address, may_ask=not yes)
        return
    workspace = Workspace.at(Path(folder))
    person = _person(workspace.subscribers, addresses.parse(address))
    workspace.subscribers.unsubscribe(person.id, at=workspace.clock.now(), source="staff")
    show.say(tr("{address} has left; nothing will be sent there.", address=person.address))


@command(
    name="erase",
    example="flashback subscribers erase nadia@example.org",
    help=mark("Forget a person, but for a mark that keeps imports from bringing them back."),
)
@click.argument("address")
@option("--yes", is_flag=True, help=mark("Do not ask."))
@click.pass_obj
def erase(folder: str, address: str, yes: bool) -> None:
    """Erase everything about a person; the accounts of past mailings still add up."""
    _erase(folder, address, may_ask=not yes)


def _erase(folder: str, address: str, *, may_ask: bool) -> None:
    workspace = Workspace.at(Path(folder))
    book, parsed = workspace.subscribers, addresses.parse(address)
    if book.known(parsed.key) is None and book.suppression(parsed.key) is None:
        _person(book, parsed)  # which says why there is nobody to erase
    question = tr("Erase everything about {address}?", address=parsed)
    if may_ask and not show.ask(question):
        show.say(tr("Nothing was changed."))
        return
    person = book.known(parsed.key)
    if person is not None:
        book.remove(person.id, now=workspace.clock.now())
    else:
        book.mark_suppressed(parsed.key, now=workspace.clock.now())
    show.say(tr("{address} is erased.", address=parsed))
