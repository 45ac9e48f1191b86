"""Text that either database can keep, made from text that came from anywhere."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from flashback.errors import StoreError
from flashback.model import FieldKind
from flashback.sentences import tr

#: A hostile server may talk for ever; nobody reads more of it than this.
LONGEST_REPLY: Final = 2_000

#: What a letter becomes that is none in the encoding of a file.
_LOST: Final = "\N{REPLACEMENT CHARACTER}"
#: As nearly all are: words of printable ASCII with single spaces.
_USUAL: Final = re.compile(rf"(?=.{{1,{LONGEST_REPLY}}}\Z)[!-~]+(?: [!-~]+)*")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:[.,][0-9]{1,15})?")
_AMBIGUOUS: Final = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def foreign(words: str) -> str:
    """A stranger's words on one line, as far as they can be kept: no NUL, not endless."""
    if not words:
        return ""
    if _USUAL.fullmatch(words):
        return words
    line = " ".join(words[:LONGEST_REPLY].replace("\0", "\N{REPLACEMENT CHARACTER}").split())
    return line.encode("utf-8", "replace").decode("utf-8")


def own(words: str) -> str:
    """A person's name or field: NFC, without outer spaces.

    Raises StoreError for control characters, and for a letter that could not be read.
    A line break in a name would become one in a message's header.
    """
    # As nearly all are.
    if words.isprintable() and (
        words.isascii() or (_LOST not in words and unicodedata.is_normalized("NFC", words))
    ):
        return words.strip()
    if _LOST in words:
        raise StoreError(
            tr("{words} holds a letter that could not be read.", words=ascii(words[:40])),
            hint=tr("Say the right --encoding, or leave it out, and import the list again."),
        )
    clean = unicodedata.normalize("NFC", words).strip()
    for character in clean:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            raise StoreError(
                tr("{words} holds a line break or a control character.", words=ascii(clean[:40])),
                hint=tr("Remove it, or write a space instead."),
            )
    return clean


def language_tag(words: str) -> str:
    """A BCP 47 tag with its language in lower case, or empty. Raises StoreError."""
    tag = words.strip()
    if tag and not _TAG.fullmatch(tag):
        raise StoreError(
            tr("“{words}” is no language.", words=tag[:40]),
            hint=tr("Write fr, ar or en."),
        )
    primary, hyphen, rest = tag.partition("-")
    return primary.lower() + hyphen + rest


def own_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """A person's own fields: clean names and values; an empty value is no value."""
    clean = {_own_name(name): own(value) for name, value in fields.items()}
    return {name: value for name, value in sorted(clean.items()) if name and value}


@lru_cache(maxsize=256)
def _own_name(name: str) -> str:
    return own(name)  # a list has few columns and many rows


def typed(name: str, words: str, kind: FieldKind) -> str:
    """The words of a field as their kind is written: 1200.5, 2025-01-31. Raises StoreError.

    People write 1 200,5 and 31/01/2025 as well, in any digits; the day comes before the month.
    """
    if kind is FieldKind.TEXT or not words:
        return words
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in words)
    found = _number(digits) if kind is FieldKind.NUMBER else _date(digits)
    if found is None:
        example = "1200.5" if kind is FieldKind.NUMBER else "2025-01-31"
        raise StoreError(
            tr("{name}: “{words}” is not written like {example}.",
               name=name, words=words[:40], example=example),
            hint=tr("Correct it, or what [fields] in flashback.toml says of it."),
        )  # fmt: skip
    return found


def _number(words: str) -> str | None:
    bare = "".join(words.split()).replace("\N{ARABIC DECIMAL SEPARATOR}", ",")
    # "1,200" is one thing in English and another in French.
    if not _NUMBER.fullmatch(bare) or _AMBIGUOUS.fullmatch(bare):
        return None
    return bare.removeprefix("+").replace(",", ".")


def _date(words: str) -> str | None:
    if found := _DAY_FIRST.fullmatch(words):
        day, month, year = found.groups()
        words = f"{year}-{month:0>2}-{day:0>2}"
    try:
        return dt.datetime.fromisoformat(words).date().isoformat()
    except ValueError:
        return None


def own_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in lower case, each once, in order; an empty one is none. Raises StoreError."""
    clean = {" ".join(own(tag).casefold().split()) for tag in tags}
    return tuple(sorted(clean - {""}))
