"""A finding: something worth saying about a file, with its place and the way out."""

from dataclasses import dataclass
from enum import StrEnum

from flashback.sentences import NOTHING, Sentence


class Severity(StrEnum):
    """How much a finding matters. An error stops ``send``."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark about one place."""

    file: str  #: as the user named it, relative where it was relative
    line: int  #: from 1; 0 when the finding is about the whole file
    severity: Severity
    code: str  #: stable, ``noun-adjective``: ``link-missing``; listed in ``docs/findings.md``
    sentence: Sentence  #: what is wrong
    remedy: Sentence = NOTHING  #: what to write instead
    language: str = "fr"  #: the issue's language; French for an Arabic issue

    @property
    def staff_language(self) -> str:
        """The language the finding is told in."""
        return "en" if self.language.partition("-")[0].lower() == "en" else "fr"
