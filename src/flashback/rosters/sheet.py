"""One file of rows, recognised: what it is, and what each of its rows says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from flashback.model import Row
from flashback.sentences import Sentence, tr

Moved = Callable[[int], None]  #: told the octets read since it was told last

#: Asked of a file that has no word for "wants this mail".
SILENT: Final = tr("The file does not say who asked for mail. What did these people agree to?")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of rows, recognised."""

    name: str  #: within an archive; empty for a file by itself
    title: Sentence  #: the program it comes from, or what kind of list it is
    encoding: str  #: empty where there is none to guess
    headers: tuple[str, ...]  #: empty for a list without
    delimiter: str  #: of a CSV file; empty for all else
    question: Sentence | None  #: what must be answered before anybody is taken
    entries: Callable[[Moved], Iterator[Row]]
