"""What stands in the columns of a CSV file, in the words of those who keep lists.

Pure. A cell that a spreadsheet would run as a formula is defused by an apostrophe on the way out,
and the apostrophe is taken away again on the way in.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from flashback.model import SubscriberStatus, SuppressionReason

#: The column that says why a row was refused; it is no field of a person.
REASON: Final = "flashback.reason"
FIELD: Final = "field."  #: before the name of a person's own field
#: In the column of suppressions: a person who was erased, without an address, and the mark as note.
ERASED: Final = "erased"
#: The columns of an export, in order; a person's own fields follow.
COLUMNS: Final = (
    "address",
    "name",
    "language",
    "organisation",
    "status",
    "tags",
    "consents",
    "suppressed",
    "suppressed_at",
    "suppression_note",
    "created_at",
    "changed_at",
    "flashback_number",
)

#: By column, how people and programs head it; case, accents, spaces and signs do not count.
_SYNONYMS: Final = {
    "address": (
        "email",
        "mail",
        "email address",
        "mail address",
        "adresse",
        "adresse email",
        "adresse mail",
        "adresse électronique",
        "courriel",
        "e-mail-adresse",
        "correo",
        "correo electrónico",
        "البريد",
        "البريد الإلكتروني",
    ),
    "name": ("nom", "full name", "nom complet", "nom et prénom", "nombre completo", "الاسم"),
    "first_name": ("prénom", "vorname", "nombre", "given name"),
    "last_name": ("nom de famille", "nachname", "apellido", "apellidos", "family name", "surname"),
    "language": ("langue", "lang", "sprache", "idioma", "اللغة"),
    "organisation": ("organization", "organisme", "société", "company", "المؤسسة"),
    "status": ("statut", "estado", "الحالة"),
    "tags": ("tag", "labels", "étiquettes", "etiquetas", "mots-clés"),
    "consent": ("consentement", "einwilligung", "consentimiento", "الموافقة"),
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


def squeezed(header: str) -> str:
    """A header's letters and digits alone: "E-Mail Address" and "email_address" are one."""
    return "".join(c for c in _plain(header) if c.isalnum())


_COLUMN_BY_WORDS: Final = {
    squeezed(words): name for name, others in _SYNONYMS.items() for words in (name, *others)
} | {squeezed(name): name for name in COLUMNS}
_STATUS_BY_WORDS: Final = {
    _plain(words): status for status, others in _STATUSES.items() for words in (status, *others)
}
_LANGUAGE_BY_WORDS: Final = {
    _plain(words): tag for tag, others in _LANGUAGES.items() for words in others
}


def column_of(header: str) -> str:
    """The column a header means: one we know, or ``field.NAME`` for a person's own."""
    stripped = header.strip()
    if stripped in {"", REASON}:
        return ""
    if stripped.startswith(FIELD):
        return stripped
    return _COLUMN_BY_WORDS.get(squeezed(stripped), FIELD + stripped)


@lru_cache(maxsize=256)
def status_of(words: str) -> SubscriberStatus | None:
    """The status that a cell says; None for words nobody knows."""
    return _STATUS_BY_WORDS.get(_plain(words))


@lru_cache(maxsize=256)
def language_of(words: str) -> str:
    """The tag of a language that is spelled out; other words as they are."""
    return _LANGUAGE_BY_WORDS.get(_plain(words), words.strip())


def suppression_reason_of(words: str) -> SuppressionReason | None:
    """The reason that a cell says; None for words nobody knows."""
    return next((reason for reason in SuppressionReason if reason.value == words.strip()), None)


def tags_of(words: str) -> tuple[str, ...]:
    """The tags in a cell: parted by commas or semicolons, quoted or not, or a JSON list."""
    if not words.strip():
        return ()
    if words.lstrip().startswith("["):
        try:
            found = json.loads(words)
        except ValueError:
            found = None
        if isinstance(found, list):
            return tuple(str(tag) for tag in found)
    delimiter = ";" if ";" in words and "," not in words else ","
    line = " ".join(words.splitlines())
    return tuple(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []))


def cell_of_tags(tags: Iterable[str]) -> str:
    """The cell in which ``tags_of`` finds these again."""
    out = io.StringIO()
    csv.writer(out, lineterminator="", quoting=csv.QUOTE_MINIMAL).writerow(
        [f"{tag}" for tag in tags]
    )
    found = out.getvalue()
    # What would be taken for something else is quoted throughout.
    doubtful = found.startswith("[") or (";" in found and "," not in found)
    return compact(list(tags)) if doubtful else found


def compact(value: object) -> str:
    """JSON that people can read: Arabic stays Arabic."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def defused(cells: Sequence[str]) -> list[str]:
    """Cells that no spreadsheet runs."""
    return [f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells]


def armed(cell: str) -> str:
    """The cell as it was before it was defused."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
