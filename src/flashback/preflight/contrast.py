"""Colours that cannot be read: said of the theme's file, for no article is at fault."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flashback.model import Finding, Severity
from flashback.sentences import Sentence, tr


@dataclass(frozen=True, slots=True, kw_only=True)
class Faint:
    """A text that hardly stands out from its ground."""

    scheme: str  #: "light" or "dark"
    ink: str
    ground: str
    where: Sentence
    ratio: float
    needed: float
    better: str  #: an ink that can be read; empty: there is none
    file: str  #: of the tokens
    line: int


def findings(faint: Iterable[Faint], *, language: str) -> Iterator[Finding]:
    """One finding for each."""
    for one in faint:
        yield Finding(
            file=one.file,
            line=one.line,
            severity=Severity.WARNING,
            code="contrast-low",
            sentence=tr(
                "The contrast of {ink} on {ground} [{scheme}], {where}, is {ratio:.1f};"
                " text needs {needed}.",
                ink=one.ink, ground=one.ground, scheme=one.scheme, where=one.where,
                ratio=one.ratio, needed=one.needed,
            ),
            remedy=tr('Write {ink} = "{better}", or see: flashback theme check',
                      ink=one.ink, better=one.better)
            if one.better
            else tr("See which colours can be read: flashback theme check"),
            language=language,
        )  # fmt: skip
