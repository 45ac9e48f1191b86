"""What stands in the columns of a CSV file, in the words of those who keep lists.

Pure. A cell that a spreadsheet would run as a formula is defused by an apostrophe on the way out,
and the apostrophe is taken away again on the way in.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from flashback.model import SubscriberStatus, SuppressionReason

FIELD: Final = "field."  #: before the name of a person's own field
DELIMITERS: Final = (",", ";", "\t")

#: The columns of an export, in order; a person's own fields follow.
COLUMNS: Final = (
    "address",
    "name",
    "language",
    "organisation",
    "status",
    "consents",
    "suppressed",
    "suppressed_at",
    "suppression_note",
    "created_at",
    "changed_at",
)

_SYNONYMS: Final = {
    "address": ("email", "e-mail", "mail", "adresse", "email address", "courriel", "البريد"),
    "name": ("nom", "full name", "الاسم"),
    "language": ("langue", "lang", "اللغة"),
    "organisation": ("organization", "organisme", "المؤسسة"),
    "status": ("statut", "الحالة"),
    "consent": ("consentement", "الموافقة"),
}
_STATUSES: Final = {
    SubscriberStatus.UNCONFIRMED: ("", "non confirmé", "à confirmer", "غير مؤكد"),
    SubscriberStatus.CONFIRMED: ("confirmé", "confirmée", "مؤكد"),
    SubscriberStatus.UNSUBSCRIBED: (
        "désabonné",
        "désabonnée",
        "désinscrit",
        "désinscrite",
        "منسحب",
    ),
}
_LANGUAGES: Final = {
    "fr": ("français", "french", "الفرنسية", "فرنسية"),
    "ar": ("arabe", "arabic", "العربية", "عربية"),
    "en": ("anglais", "english", "الإنجليزية", "إنجليزية"),
}
# OWASP "CSV injection": these begin a formula, wherever apostrophes were put before.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")


def _plain(words: str) -> str:
    """Lower case, without accents and outer spaces: as people really write headers."""
    apart = unicodedata.normalize("NFKD", words.strip().casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


_COLUMN_BY_WORDS: Final = {
    _plain(words): name for name, others in _SYNONYMS.items() for words in (name, *others)
} | {name: name for name in COLUMNS}
_STATUS_BY_WORDS: Final = {
    _plain(words): status for status, others in _STATUSES.items() for words in (status, *others)
}
_LANGUAGE_BY_WORDS: Final = {
    _plain(words): tag for tag, others in _LANGUAGES.items() for words in others
}


def column_of(header: str) -> str:
    """The column a header means: one we know, or ``field.NAME`` for a person's own."""
    if known := _COLUMN_BY_WORDS.get(_plain(header)):
        return known
    stripped = header.strip()
    return stripped if stripped.startswith(FIELD) or not stripped else FIELD + stripped


def status_of(words: str) -> SubscriberStatus | None:
    """The status that a cell says; None for words nobody knows."""
    return _STATUS_BY_WORDS.get(_plain(words))


def language_of(words: str) -> str:
    """The tag of a language that is spelled out; other words as they are."""
    return _LANGUAGE_BY_WORDS.get(_plain(words), words.strip())


def suppression_reason_of(words: str) -> SuppressionReason | None:
    """The reason that a cell says; None for words nobody knows."""
    return next((reason for reason in SuppressionReason if reason.value == words.strip()), None)


def delimiter_of(line: str) -> str:
    """What parts the cells of a header line: what occurs most."""
    return max(DELIMITERS, key=line.count)


def defused(cells: Sequence[str]) -> list[str]:
    """Cells that no spreadsheet runs."""
    return [f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells]


def armed(cell: str) -> str:
    """The cell as it was before it was defused."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
