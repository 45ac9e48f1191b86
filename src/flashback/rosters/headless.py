"""Lists without a header: addresses, one or several a line, and JSON lines."""

import json
from collections.abc import Callable, Iterator, Sequence
from email.utils import getaddresses
from typing import Any

from flashback import addresses
from flashback.errors import AddressError
from flashback.model import Circumstances, Refusal, Row
from flashback.rosters import tabular
from flashback.rosters.decoding import TooLong
from flashback.rosters.judging import Record, RowError, judged
from flashback.rosters.sayings import UNSAID
from flashback.rosters.sheet import SILENT, Moved, Sheet
from flashback.sentences import Sentence, tr

Lines = Callable[[Moved], Iterator[str | TooLong]]


def is_addresses(line: str) -> bool:
    """Whether a first line is an address already, or several, with or without names."""
    if line.startswith("#") or line.rstrip().endswith(" has no members"):
        return True
    found = _people_in(line)
    return bool(found) and all(_parses(address) for _, address in found)


def _parses(text: str) -> bool:
    try:
        addresses.parse(text)
    except AddressError:
        return False
    return True


def _people_in(line: str) -> Sequence[tuple[str, str]]:
    """Names and addresses of a line as RFC 5322 section 3.4 writes them, RFC 2047 undone."""
    bare = line.strip().strip('"').strip().rstrip(",;")
    if bare.count("@") == 1 and "<" not in bare:
        return [("", bare)]
    return [
        (_undone(name), address)
        for name, address in getaddresses([line.replace(";", ",")])
        if name or address
    ]


def _undone(name: str) -> str:
    from email.errors import HeaderParseError  # noqa: PLC0415
    from email.header import decode_header, make_header  # noqa: PLC0415

    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, ValueError):
        return name


def addresses_of(
    name: str,
    lines: Lines,
    told: Circumstances,
    encoding: str,
) -> Sheet:
    """A sheet of addresses, with or without names; blank lines and "#" count for nothing."""

    def entries(moved: Moved) -> Iterator[Row]:
        for number, line in enumerate(lines(moved), start=1):
            if isinstance(line, TooLong):
                yield Refusal(number, tr("The line is too long."), (), name)
                continue
            bare = line.strip()
            if not bare or bare.startswith("#") or bare.endswith(" has no members"):
                continue
            for person, address in _people_in(line) or (("", bare),):
                record = {"address": address, "name": person, "status": UNSAID}
                try:
                    yield judged(number, record, told, name)
                except RowError as error:
                    yield Refusal(number, error.reason, (line,), name)

    answered = told.consent or told.status is not None
    question = None if answered else SILENT
    title = tr("a list of addresses")
    return Sheet(name, title, encoding, (), "", question, entries)


def json_lines(
    name: str,
    lines: Lines,
    told: Circumstances,
    encoding: str,
) -> Sheet:
    """A sheet of JSON objects, one a line, as an export writes them."""

    def entries(moved: Moved) -> Iterator[Row]:
        for number, line in enumerate(lines(moved), start=1):
            if isinstance(line, TooLong):
                yield Refusal(number, tr("The line is too long."), (), name)
            elif line.strip():
                try:
                    yield judged(number, _from_json(line), told, name)
                except RowError as error:
                    yield Refusal(number, error.reason, (line,), name)

    return Sheet(name, Sentence("JSON"), encoding, (), "", None, entries)


def _from_json(line: str) -> Record:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(tr("The line is not JSON: {reason}.", reason=error)) from error
    if not isinstance(found, dict):
        raise RowError(tr("The line is no JSON object."))
    record = {name: found[name] for name in tabular.COLUMNS if name in found}
    record["consents"] = json.dumps(found.get("consents", []))
    if isinstance(found.get("tags"), list):
        record["tags"] = json.dumps(found["tags"])
    record.setdefault("status", "")
    own_ones = found.get("fields", {})
    if isinstance(own_ones, dict):
        record |= {tabular.FIELD + name: value for name, value in own_ones.items()}
    if not all(isinstance(value, str) for value in record.values()):
        raise RowError(tr("Every value must be a text."))
    return record
