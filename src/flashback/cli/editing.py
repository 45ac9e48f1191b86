"""``subscribers edit``: what is wrong about a person is put right.

The right of a person (article 16 of the GDPR, article 8 of Morocco's law 09-08): to have it
corrected.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flashback import addresses
from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.person import as_object
from flashback.model import Consent, ConsentKind, FieldKind, Subscriber
from flashback.sentences import tr
from flashback.storable import typed
from flashback.workspace import Workspace

if TYPE_CHECKING:
    from flashback.store.editing import Edited


@command(
    name="edit",
    example="flashback subscribers edit nadia@example.org --name 'Nadia Chraïbi' --untag presse",
    help=mark("Correct what is known of people: words, fields, tags, or an address."),
)
@click.argument("known", metavar="ADDRESS...", nargs=-1, required=True)
@option("--name", help=mark("The person's name."))
@option("--language", help=mark("fr, ar, en; an empty text: the newsletter's."))
@option("--organisation", help=mark("Where the person works."))
@option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help=mark("A column of your own; without a value it is taken away."),
)
@option("--tag", "tags", multiple=True, help=mark("A tag to add; as often as needed."))
@option("--untag", "untags", multiple=True, help=mark("A tag to take away; as often as needed."))
@option("--address", help=mark("Another address of the same person."))
@option("--consent", help=mark("How the person asked for mail at the new address."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def edit(
    folder: str,
    known: Sequence[str],
    name: str | None,
    language: str | None,
    organisation: str | None,
    fields: Sequence[str],
    tags: Sequence[str],
    untags: Sequence[str],
    address: str | None,
    consent: str | None,
    as_json: bool,
) -> None:
    """Correct people, all of them or none. Whether they get mail is not changed by it."""
    from flashback.store.editing import Correction

    if len(known) > 1 and (name is not None or address is not None):
        raise click.UsageError(show.told(tr("--name and --address are for one person.")))
    if consent is not None and address is None:
        raise click.UsageError(show.told(tr("--consent belongs to --address.")))
    workspace = Workspace.at(Path(folder))
    now = workspace.clock.now()
    correction = Correction(
        name=name,
        language=language,
        organisation=organisation,
        fields={
            name: typed(name, value, FieldKind(workspace.config.fields.get(name, FieldKind.TEXT)))
            for name, value in map(_field, fields)
        },
        tags=tags,
        untags=untags,
        address=None if address is None else addresses.parse(address),
        consent=Consent(kind=ConsentKind.GRANTED, at=now, source="staff", wording=consent)
        if consent
        else None,
    )
    keys = [addresses.parse(text).key for text in known]
    for edited in workspace.subscribers.edit(keys, correction, now=now):
        _tell(edited, as_json=as_json)


def _field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        words = tr("“{text}” is no field. Write it like agencies=12.", text=text)
        raise click.UsageError(show.told(words))
    return name.strip(), value.strip()


def _tell(edited: "Edited", *, as_json: bool) -> None:
    changes = {name: [before, after] for name, before, after in _differences(*edited)}
    if as_json:
        told = as_object(edited.after) | {"changes": changes}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    if not changes:
        show.say(tr("{address}: nothing was changed.", address=edited.before.address))
        return
    show.say(tr("{address} is corrected:", address=edited.before.address), fg="green")
    widest = max(map(len, changes))
    for name, (before, after) in changes.items():
        click.echo(f"  {name:<{widest}}  {before or '–'} → {after or '–'}")


def _differences(before: Subscriber, after: Subscriber) -> Iterator[tuple[str, str, str]]:
    """What differs, by name: what it was, what it is."""
    was, is_ = _words(before), _words(after)
    for name in sorted({*was, *is_}, key=lambda name: (name.startswith("field."), name)):
        if was.get(name, "") != is_.get(name, ""):
            yield name, was.get(name, ""), is_.get(name, "")


def _words(person: Subscriber) -> dict[str, str]:
    return {
        "address": person.address.mailbox,
        "name": person.name,
        "language": person.language,
        "organisation": person.organisation,
        "tags": ", ".join(person.tags),
        "suppressed": person.suppressed.value if person.suppressed else "",
        **{f"field.{name}": value for name, value in person.fields.items()},
    }
