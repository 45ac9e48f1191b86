"""What the cells of a row come to: an entry that a store can keep, or the reason why not.

Nobody is confirmed without a positive sign: the row must say so, and there must be words that were
agreed to (in the row, or given for the whole file) or the time at which another system says it was.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from flashback import addresses
from flashback.errors import FlashbackError
from flashback.model import (
    Address,
    Circumstances,
    Consent,
    ConsentKind,
    Entry,
    Erasure,
    FieldKind,
    SubscriberStatus,
    Suppression,
)
from flashback.rosters import tabular
from flashback.rosters.sayings import UNSAID
from flashback.sentences import Sentence, tr
from flashback.storable import foreign, language_tag, own, own_fields, own_tags, typed

Record = Mapping[str, str]  #: the columns of ``tabular``; absent ones are empty
_PREFIX: Final = len(tabular.FIELD)
_MOST_DIGITS: Final = 14  # an unsubscribe token has 48 bits for it
_MARK: Final = re.compile(r"[0-9a-f]{16,128}")


class RowError(Exception):
    """Why a row cannot be taken."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__(reason)
        self.reason = reason


def judged(
    row: int, record: Record, circumstances: Circumstances, sheet: str = ""
) -> Entry | Erasure:
    """What a record means. Raises RowError."""
    try:
        if record.get("suppressed", "") == tabular.ERASED and not record.get("address", ""):
            return _erasure(row, record, sheet)
        return _entry(row, record, circumstances, sheet)
    except FlashbackError as error:
        raise RowError(error.sentence) from error


def _entry(row: int, record: Record, circumstances: Circumstances, sheet: str) -> Entry:
    address = _address(record.get("address", ""))
    suppression = _suppression(address, record, circumstances.now)
    nobody = suppression is not None and not record.get("status", "").strip()
    status = None if nobody else _status(record, circumstances)
    consents = _consents(record, status, circumstances)
    if status is SubscriberStatus.CONFIRMED and not _granted(consents):
        status = SubscriberStatus.UNCONFIRMED
    created_at = _time(record.get("created_at", "")) or circumstances.now
    fields = {
        name[_PREFIX:]: " ".join(value.split()) if value.isspace() or _breaks(value) else value
        for name, value in record.items()
        if value and name.startswith(tabular.FIELD)
    }
    tags = record.get("tags")
    return Entry(
        row=row,
        address=address,
        name=own(_name(record)),
        language=_language(record.get("language", "")),
        organisation=own(record.get("organisation", "")),
        fields=_typed(own_fields(fields), circumstances.kinds) if fields else {},
        tags=own_tags(tabular.tags_of(tags)) if tags else (),
        status=status,
        consents=consents,
        suppression=suppression,
        created_at=created_at,
        changed_at=_time(record.get("changed_at", "")) or created_at,
        sheet=sheet,
        number=_number(record.get("flashback_number", "")),
    )


def _typed(fields: dict[str, str], kinds: Mapping[str, FieldKind]) -> dict[str, str]:
    for name in kinds.keys() & fields.keys():
        fields[name] = typed(name, fields[name], kinds[name])
    return fields


def _number(words: str) -> int:
    """The number of a person in the store that was exported; 0 for none."""
    if not words:
        return 0
    if not (words.isascii() and words.isdigit() and len(words) <= _MOST_DIGITS):
        raise RowError(tr("“{words}” is no number of a person.", words=words[:40]))
    return int(words)


@lru_cache(maxsize=256)
def _language(words: str) -> str:
    return language_tag(tabular.language_of(words))


def _erasure(row: int, record: Record, sheet: str) -> Erasure:
    """As an export writes who was erased."""
    mark, at = record.get("suppression_note", ""), _time(record.get("suppressed_at", ""))
    if not _MARK.fullmatch(mark) or at is None:
        raise RowError(tr("An erased person's row is not as an export writes it."))
    return Erasure(row, mark, at, sheet)


def _address(text: str) -> Address:
    if not text.strip():
        raise RowError(tr("The row has no address."))
    return addresses.parse(text)


def _breaks(words: str) -> bool:
    """Whether there is a line break, which a note may well have, and which means a space."""
    return not words.isprintable() and any(c in words for c in "\n\r\t\v\f\u2028\u2029")


def _name(record: Record) -> str:
    name = record.get("name", "").strip()
    first = record.get("first_name", "").strip()
    last = record.get("last_name", "").strip() or (name if first else "")
    # "Nom" beside "Prénom" is the family's name; beside nothing it is the whole.
    if name and (not first or first.casefold() in name.casefold()):
        return name
    return f"{first} {last}".strip()


def _status(record: Record, circumstances: Circumstances) -> SubscriberStatus:
    words = record.get("status", UNSAID)
    if words == UNSAID:
        if circumstances.status is not None:
            return circumstances.status
        # Whoever is given words that were agreed to; without them ``_entry`` confirms nobody.
        return SubscriberStatus.CONFIRMED
    status = tabular.status_of(words)
    if status is None:
        raise RowError(tr("“{words}” is no status.", words=words[:40]))
    return status


def _granted(consents: Sequence[Consent]) -> bool:
    return bool(consents) and consents[-1].kind is ConsentKind.GRANTED


def _consents(
    record: Record, status: SubscriberStatus | None, circumstances: Circumstances
) -> tuple[Consent, ...]:
    """The record that an export carried, or one made of what the row says."""
    if kept := _kept_consents(record.get("consents", "")):
        return kept
    if status is SubscriberStatus.CONFIRMED:
        wording = record.get("consent", "").strip() or circumstances.consent
        how = record.get("agreed_how", "")
        if not wording and not how:
            return ()
        at = _time(record.get("agreed_at", "")) or circumstances.now
        return (
            _consent(
                ConsentKind.GRANTED,
                at,
                circumstances,
                wording=wording,
                network_address=record.get("agreed_from", ""),
                how=how,
            ),
        )
    if status is SubscriberStatus.UNSUBSCRIBED:
        at = _time(record.get("left_at", "")) or circumstances.now
        return (_consent(ConsentKind.WITHDRAWN, at, circumstances),)
    return ()


@lru_cache(maxsize=256)
def _consent(
    kind: ConsentKind,
    at: dt.datetime,
    circumstances: Circumstances,
    *,
    wording: str = "",
    network_address: str = "",
    how: str = "",
) -> Consent:
    """One of the consents of a file: most rows have the same."""
    return Consent(
        kind=kind,
        at=at,
        source=foreign(circumstances.source),
        wording=foreign(wording),
        network_address=foreign(network_address),
        evidence=foreign("; ".join(filter(None, (how, circumstances.evidence)))),
    )


_NEEDED: Final = ("source", "wording", "by")
_LATER: Final = ("version", "network_address", "evidence")


def _kept_consents(words: str) -> tuple[Consent, ...]:
    if not words or words.isspace():
        return ()
    try:
        return tuple(
            Consent(
                kind=ConsentKind(kept["kind"]),
                at=dt.datetime.fromisoformat(kept["at"]).astimezone(dt.UTC),
                **{name: foreign(kept[name]) for name in _NEEDED},
                **{name: foreign(kept.get(name, "")) for name in _LATER},
            )
            for kept in json.loads(words)
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RowError(tr("The column “consents” is not as an export writes it.")) from error


def _suppression(address: Address, record: Record, now: dt.datetime) -> Suppression | None:
    words = record.get("suppressed", "").strip()
    if not words:
        return None
    reason = tabular.suppression_reason_of(words)
    if reason is None:
        raise RowError(tr("“{words}” is no reason for a suppression.", words=words[:40]))
    return Suppression(
        key=address.key,
        reason=reason,
        at=_time(record.get("suppressed_at", "")) or now,
        note=foreign(record.get("suppression_note", "")),
    )


def _time(words: str) -> dt.datetime | None:
    """An aware time; None where the cell says none."""
    if not words or words.isspace():
        return None
    try:
        found = dt.datetime.fromisoformat(words.strip())
    except ValueError as error:
        raise RowError(tr("“{words}” is no time.", words=words[:40])) from error
    return found.astimezone(dt.UTC) if found.tzinfo else found.replace(tzinfo=dt.UTC)
