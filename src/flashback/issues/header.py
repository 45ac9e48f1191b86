"""The header: ``key : value`` lines between two lines of dashes, never YAML.

A value is everything behind the first colon, so « Afrique : Six banques » needs no quoting. Keys
are known in French, English and Arabic alike. Promises to say all that is wrong at once.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flashback.issues.dates import iso_date, issue_number, understood
from flashback.issues.remarks import Remarks, short
from flashback.issues.words import (
    HEADER_KEYS,
    LONGEST_KEY,
    header_field,
    language_tag,
    nearest_header_key,
)
from flashback.model import EDITION_LANGUAGES
from flashback.sentences import Sentence, tr

#: Word processors turn three hyphens into a dash.
_MARK: Final = re.compile(r"\s*(?:-{3,}|[—–][—–-]*)\s*")
_BODY_BEGINS: Final = re.compile(r"\s*[#>]")


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header says, and where; what it does not say is empty."""

    language: str
    title: str
    number: str
    date: dt.date | None
    subject: str
    preview: str
    publisher: str
    lines: Mapping[str, int]  #: where each field stands
    line: int  #: where the header begins; 0 when there is none
    end: int  #: how many lines of the file come before the body
    absent: bool = False  #: there is nothing of a header


def parse_header(lines: Sequence[str], remarks: Remarks) -> Header:
    """Read the header at the top of a file; ``remarks`` knows the language if the file does not."""
    start, stop, end = _extent(lines, remarks)
    if remarks.has("header-missing") and start == stop:
        return _no_header(remarks.language, end)
    entries = _entries(lines, start, stop, remarks)
    remarks.language = _language(entries, remarks)
    known = _known(entries, remarks)
    line = start if end else 0
    values = {name: entry.value for name, entry in known.items()}
    return Header(
        language=remarks.language,
        title=_title(values, line, remarks),
        number=_number(known, line, remarks),
        date=_date(known, line, remarks),
        subject=values.get("subject", ""),
        preview=values.get("preview", ""),
        publisher=values.get("publisher", ""),
        lines={name: entry.line for name, entry in known.items()},
        line=line,
        end=end,
    )


def _no_header(language: str, end: int) -> Header:
    return Header(
        language=language,
        title="",
        number="",
        date=None,
        subject="",
        preview="",
        publisher="",
        lines={},
        line=0,
        end=end,
        absent=True,
    )


def _extent(lines: Sequence[str], remarks: Remarks) -> tuple[int, int, int]:
    """Where the keys begin and stop, and where the body begins; as indices."""
    first = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    opened = first < len(lines) and _MARK.fullmatch(lines[first]) is not None
    start = first + 1 if opened else first
    if not opened:
        remarks.error(
            first + 1 if first < len(lines) else 0,
            "header-missing",
            tr("The file does not begin with a header."),
            tr(
                "Begin with a line --- then title, number and date, each on its own line, "
                "then another line ---",
            ),
        )
        if first == len(lines) or not header_field(lines[first].partition(":")[0]):
            return first, first, first
    for index in range(start, len(lines)):
        if _MARK.fullmatch(lines[index]):
            return start, index, index + 1
        if _BODY_BEGINS.match(lines[index]):
            break
    stop = next(
        (i for i in range(start, len(lines)) if _ends_open_header(lines[i])),
        len(lines),
    )
    if opened:
        remarks.error(
            first + 1,
            "header-unclosed",
            tr("The header that begins here is not closed."),
            tr("Write a line --- below its last key."),
        )
    return start, stop, stop


def _ends_open_header(line: str) -> bool:
    return not line.strip() or _BODY_BEGINS.match(line) is not None


def _entries(lines: Sequence[str], start: int, stop: int, remarks: Remarks) -> list[_Entry]:
    entries = []
    for index in range(start, stop):
        key, colon, value = (part.strip() for part in lines[index].partition(":"))
        if colon and key and len(key) <= LONGEST_KEY:
            entries.append(_Entry(index + 1, key, value))
        elif lines[index].strip():
            first, _, rest = lines[index].strip().partition(" ")
            remarks.error(
                index + 1,
                "header-line-odd",
                tr("“{text}” is not of the form key : value.", text=short(lines[index])),
                tr("Write: {example}", example=f"{first} : {short(rest)}")
                if header_field(first)
                else tr("Put it on the line of the key it belongs to, or delete it."),
            )
    return entries


def _language(entries: Sequence[_Entry], remarks: Remarks) -> str:
    for entry in entries:
        if header_field(entry.key) != "language" or not entry.value:
            continue
        tag = language_tag(entry.value).partition("-")[0]
        if tag in EDITION_LANGUAGES:
            return tag
        remarks.error(
            entry.line,
            "language-unknown",
            tr("“{text}” is not a language of an issue.", text=short(entry.value)),
            tr("Write one of: {languages}", languages=", ".join(EDITION_LANGUAGES)),
        )
        break
    return remarks.language


def _known(entries: Sequence[_Entry], remarks: Remarks) -> dict[str, _Entry]:
    known: dict[str, _Entry] = {}
    for entry in entries:
        name = header_field(entry.key)
        if name is None:
            _unknown(entry, remarks)
        elif name in known:
            remarks.error(
                entry.line,
                "key-duplicate",
                tr("“{key}” stands twice.", key=entry.key),
                tr("Keep one: the other is on line {line}.", line=known[name].line),
            )
        else:
            known[name] = entry
    return known


def _unknown(entry: _Entry, remarks: Remarks) -> None:
    nearest = nearest_header_key(entry.key, remarks.language)
    keys = ", ".join(words[remarks.language] for words in HEADER_KEYS.values())
    remarks.error(
        entry.line,
        "key-unknown",
        tr("The header knows no key “{key}”.", key=entry.key),
        tr("Did you mean “{nearest}”?", nearest=nearest)
        if nearest
        else tr("Known keys: {keys}", keys=keys),
    )


def _title(values: Mapping[str, str], line: int, remarks: Remarks) -> str:
    title = values.get("title", "")
    if not title:
        remarks.error(
            line,
            "title-missing",
            tr("The header does not say the newsletter's title."),
            _example("title", "Flash-back", remarks),
        )
    return title


def _number(known: Mapping[str, _Entry], line: int, remarks: Remarks) -> str:
    entry = known.get("number")
    if entry is None or not entry.value:
        remarks.error(
            line,
            "number-missing",
            tr("The header does not say the issue's number."),
            _example("number", "35", remarks),
        )
        return ""
    number = issue_number(entry.value)
    if not number:
        remarks.error(
            entry.line,
            "number-odd",
            tr("“{text}” cannot be an issue's number.", text=short(entry.value)),
            tr("Write digits, letters and hyphens only, such as 35 or 35-36."),
        )
    return number


def _date(known: Mapping[str, _Entry], line: int, remarks: Remarks) -> dt.date | None:
    entry = known.get("date")
    if entry is None or not entry.value:
        remarks.error(
            line,
            "date-missing",
            tr("The header does not say the issue's date."),
            _example("date", "2011-09-02", remarks),
        )
        return None
    date = iso_date(entry.value)
    if date is None:
        meant = understood(entry.value, remarks.language)
        remarks.error(
            entry.line,
            "date-unreadable",
            tr("“{text}” is not a date the header understands.", text=short(entry.value)),
            _example("date", meant.isoformat(), remarks)
            if meant
            else tr("Write year, month and day with hyphens, such as 2011-09-02."),
        )
    return date


def _example(field: str, value: str, remarks: Remarks) -> Sentence:
    return tr("Write: {example}", example=f"{HEADER_KEYS[field][remarks.language]} : {value}")
