"""What the rows of other programs' exports say, in one vocabulary: they agreed, left, are barred.

A ``Record`` holds texts by the columns of ``tabular``, and what only rosters know: ``agreed_at``,
``agreed_how``, ``agreed_from``, ``left_at``.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from flashback.model import SuppressionReason
from flashback.rosters import tabular

#: What a status cell holds when the file does not say it; the circumstances decide.
UNSAID: Final = "?"

Cells = Mapping[str, str]  #: by squeezed header; absent ones are empty
Record = dict[str, str]


def agreed(at: str, how: str, network_address: str = "") -> Record:
    """They want this mail, in that program's own words."""
    return {
        "status": "confirmed",
        "agreed_at": when(at),
        "agreed_how": how,
        "agreed_from": network_address,
    }


def left(at: str = "") -> Record:
    """They want this mail no more."""
    return {"status": "unsubscribed", "left_at": when(at)}


def barred(reason: SuppressionReason, note: str, at: str = "") -> Record:
    """Mail to them is forbidden; nothing else of them is taken over."""
    return {
        "status": "",
        "suppressed": reason.value,
        "suppressed_at": when(at),
        "suppression_note": note,
    }


def unconfirmed() -> Record:
    """They are known, and never said yes."""
    return {"status": "unconfirmed"}


def unknown(words: str) -> Record:
    """A status that this program does not know is told, never guessed."""
    return {"status": words or "(empty)"}


_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,6})\d*)?\s*(Z|UTC|[+-]\d\d:?\d\d)?"
)


def when(words: str) -> str:
    """A time in ISO 8601 out of what programs write; empty for what is none. No zone: UTC."""
    found = _TIME.match(words.strip())
    if not found:
        return words.strip() if re.fullmatch(r"\d{4}-\d\d-\d\d", words.strip()) else ""
    day, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z", "UTC") else zone
    return f"{day}T{clock}{'.' + fraction.ljust(6, '0') if fraction else ''}{zone}"


def full_name(*parts: str) -> str:
    """The parts of a name that are there, with a space between."""
    return " ".join(part.strip() for part in parts if part.strip())


def is_true(words: str) -> bool:
    """Whether a cell says yes, in the ways that programs say it."""
    return words.strip().casefold() in {"1", "true", "t", "yes", "y", "oui", "on"}


def fields_of(words: str) -> Record:
    """The texts of a JSON object as fields."""
    try:
        found = json.loads(words) if words.strip() else {}
    except ValueError:
        return {tabular.FIELD + "data": words}
    if not isinstance(found, dict):
        return {tabular.FIELD + "data": words}
    return {
        tabular.FIELD + str(name): value if isinstance(value, str) else tabular.compact(value)
        for name, value in found.items()
        if value not in (None, "", [], {})
    }
