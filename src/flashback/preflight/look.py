"""All looks at one edition, one after the other."""

from flashback.model import Edition, Finding, Issue
from flashback.preflight import completeness, images, markup, subject, weekdays, weight
from flashback.preflight.remark import Remark


def look(issue: Issue, edition: Edition) -> tuple[Finding, ...]:
    """What there is to say about an edition, by line; ``edition`` was composed of ``issue``."""
    remarks = [
        *subject.remarks(edition),
        *weekdays.remarks(issue),
        *weight.remarks(issue, edition),
        *images.remarks(edition),
        *markup.remarks(edition),
        *completeness.remarks(issue, edition),
    ]
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
        for remark in sorted(remarks, key=_line)
    )


def _line(remark: Remark) -> int:
    return remark.line
