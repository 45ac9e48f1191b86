"""What each code of a finding means: the tables of ``docs/findings*.md``, which travel along."""

import re
from dataclasses import dataclass
from typing import Final

from flashback import resources

_ROW: Final = re.compile(r"^\| `([a-z-]+)` \| (\w+) \| (.+?) \| (.+?) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One code: how much it matters, what it means and what to do."""

    severity: str
    meaning: str
    way_out: str


def explanations(language: str) -> dict[str, Explanation]:
    """All codes, in the order of the documentation, in a language of staff."""
    text = resources.findings(language).read_text(encoding="utf-8")
    return {
        code: Explanation(severity=severity, meaning=meaning, way_out=way_out)
        for code, severity, meaning, way_out in _ROW.findall(text)
    }
