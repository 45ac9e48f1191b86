"""The rows that could not be taken, in the form in which they came, each with its reason.

Whoever mends them imports this file. What cannot be mended is not in it: a line without end, or a
person who stands in the file twice.
"""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import IO, BinaryIO

from flashback.model import Refusal
from flashback.rosters import tabular
from flashback.rosters.sheet import Sheet
from flashback.sentences import Sentence

Told = Callable[[Sentence], str]  #: a sentence in the reader's language


def write(file: BinaryIO, sheets: Sequence[Sheet], refused: Iterable[Refusal], told: Told) -> int:
    """Write the refused rows, those of each sheet together; how many.

    A table stays a table with one column more; a line gets its reason on a line above; an archive
    becomes one with the same names in it.
    """
    counted = Counter[str]()

    def mendable() -> Iterator[Refusal]:
        for refusal in refused:
            if refusal.cells:
                counted[refusal.sheet] += 1
                yield refusal

    if len(sheets) == 1:
        _write_sheet(file, sheets[0], mendable(), told)
        return counted.total()
    by_name = {sheet.name: sheet for sheet in sheets}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in groupby(mendable(), key=lambda refusal: refusal.sheet):
            with archive.open(name, "w") as member:
                _write_sheet(member, by_name[name], rows, told)
    return counted.total()


def _write_sheet(file: IO[bytes], sheet: Sheet, refused: Iterable[Refusal], told: Told) -> None:
    stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
    if sheet.headers:
        writer = csv.writer(stream, delimiter=sheet.delimiter or ",", lineterminator="\n")
        width = len(sheet.headers)
        writer.writerow([*tabular.defused(sheet.headers), tabular.REASON])
        for refusal in refused:
            cells = [*refusal.cells, *[""] * (width - len(refusal.cells))][:width]
            writer.writerow([*cells, _reason(refusal, told)])
    elif sheet.title.source == "JSON":
        for refusal in refused:
            stream.write(_with_reason(refusal, told) + "\n")
    else:
        for refusal in refused:
            stream.write(f"# {_reason(refusal, told)}\n{''.join(refusal.cells)}\n")
    stream.flush()
    stream.detach()


def _reason(refusal: Refusal, told: Told) -> str:
    return f"{refusal.row}: {told(refusal.reason)}"


def _with_reason(refusal: Refusal, told: Told) -> str:
    line = "".join(refusal.cells)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        found = {"line": line}
    return tabular.compact({**found, tabular.REASON: _reason(refusal, told)})
