"""Findings as they are made, and the desk at which one file is read.

``Remarks`` is the one mutable thing of the room: every step adds to it, and at the end it becomes
a sorted tuple. The issue's language may be learnt only after the first remark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flashback.model import Finding, Severity
from flashback.sentences import NOTHING, Sentence

_SHORT: Final = 60


class Remarks:
    """Collects what is to be said about one file."""

    def __init__(self, file: str, language: str) -> None:
        self.file = file
        self.language = language  #: set again once the header has told
        self._made: list[tuple[int, Severity, str, Sentence, Sentence]] = []

    def error(self, line: int, code: str, sentence: Sentence, remedy: Sentence = NOTHING) -> None:
        """Add what must stop the sending."""
        self._made.append((line, Severity.ERROR, code, sentence, remedy))

    def warning(self, line: int, code: str, sentence: Sentence, remedy: Sentence = NOTHING) -> None:
        """Add what is probably a slip."""
        self._made.append((line, Severity.WARNING, code, sentence, remedy))

    def hint(self, line: int, code: str, sentence: Sentence, remedy: Sentence = NOTHING) -> None:
        """Add what the editor may like to know."""
        self._made.append((line, Severity.HINT, code, sentence, remedy))

    def has(self, code: str) -> bool:
        """Whether a finding of that code was made."""
        return any(made[2] == code for made in self._made)

    def findings(self) -> tuple[Finding, ...]:
        """All of them by line; those of one line in the order they were made."""
        return tuple(
            Finding(
                file=self.file,
                line=line,
                severity=severity,
                code=code,
                sentence=sentence,
                remedy=remedy,
                language=self.language,
            )
            for line, severity, code, sentence, remedy in sorted(self._made, key=lambda m: m[0])
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """What every step needs to know about the file at hand."""

    remarks: Remarks
    language: str  #: the issue's
    folder: Path | None  #: where its pictures lie; None: pictures are not looked for
    lines: Sequence[str]  #: the whole file, cleaned, header included

    def raw(self, number: int) -> str:
        """The line of that number, from 1, as it stands in the file."""
        return self.lines[number - 1]


def short(text: str) -> str:
    """Enough of a text to recognise it by."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHORT else flat[: _SHORT - 1].rstrip() + "…"
