"""A finding in the making: the file and the language are added by ``look``."""

from dataclasses import dataclass

from flashback.model import Severity
from flashback.sentences import NOTHING, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to say about one edition."""

    severity: Severity
    code: str  #: stable; listed in ``docs/findings.md``
    sentence: Sentence
    remedy: Sentence = NOTHING
    line: int = 0  #: of the issue file; 0: about the whole
