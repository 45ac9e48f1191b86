"""All looks at one edition, one after the other."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from flashback.model import Edition, Finding, Issue, Quoted
from flashback.preflight import (
    completeness,
    earlier,
    images,
    markup,
    subject,
    support,
    weekdays,
    weight,
)
from flashback.preflight.remark import Remark

_NONE: Final[Mapping[str, Quoted]] = MappingProxyType({})


def look(
    issue: Issue, edition: Edition, quoted: Mapping[str, Quoted] = _NONE
) -> tuple[Finding, ...]:
    """What there is to say about an edition, by line; ``edition`` was composed of ``issue``.

    ``quoted`` has the addresses of the issue's articles that an earlier issue names, and where.
    """
    remarks = [
        *subject.remarks(edition),
        *weekdays.remarks(issue),
        *earlier.remarks(issue, quoted),
        *weight.remarks(issue, edition),
        *images.remarks(edition),
        *markup.remarks(edition),
        *support.remarks(edition),
        *completeness.remarks(issue, edition),
    ]
    return findings_of(issue, sorted(remarks, key=_line))


def findings_of(issue: Issue, remarks: Iterable[Remark]) -> tuple[Finding, ...]:
    """Remarks on an issue's edition, with the file and the language that they are about."""
    return tuple(
        Finding(
            file=issue.file,
            line=remark.line,
            severity=remark.severity,
            code=remark.code,
            sentence=remark.sentence,
            remedy=remark.remedy,
            language=issue.language,
        )
        for remark in remarks
    )


def _line(remark: Remark) -> int:
    return remark.line
