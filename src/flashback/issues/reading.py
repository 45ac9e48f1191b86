"""One text becomes one issue, with all that is to be said about it.

Pure, but for asking whether pictures exist. Never raises: whatever the text, the answer is a
``Reading``. Time grows with the length of the text and not faster.
"""

from dataclasses import dataclass
from pathlib import Path

from flashback.issues.characters import cleaned
from flashback.issues.header import Header, parse_header
from flashback.issues.remarks import Desk, Remarks
from flashback.issues.sections import sections_of
from flashback.issues.traps import check_slots, check_source
from flashback.issues.tree import nodes_of
from flashback.issues.words import DEFAULT_SUBJECT, HEADER_KEYS
from flashback.model import Block, Finding, Issue, Section, Severity
from flashback.sentences import tr


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading one file."""

    issue: Issue | None  #: None when there can be none: its date is missing or unreadable
    findings: tuple[Finding, ...]  #: by line

    @property
    def has_errors(self) -> bool:
        """Whether something stops the issue from being sent."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Draft:
    """A reading that still knows where the header's fields stand."""

    issue: Issue | None
    header: Header
    remarks: Remarks

    @property
    def reading(self) -> Reading:
        """The answer for those outside."""
        return Reading(self.issue, self.remarks.findings())


def parse(text: str, *, file: str, language: str, folder: Path | None) -> Reading:
    """Read a text as an issue.

    ``language`` counts when the header names none. Pictures are looked for in ``folder``; with
    None they are taken as they are.
    """
    return draft_of(text, file=file, language=language, folder=folder).reading


def draft_of(text: str, *, file: str, language: str, folder: Path | None) -> Draft:
    """Do what ``parse`` does, and keep what comparing editions needs."""
    remarks = Remarks(file, language)
    lines = cleaned(text, remarks)
    header = parse_header(lines, remarks)
    if header.absent:
        # Probably the wrong file: what its lines would mean in an issue helps nobody.
        alone = Remarks(file, language)
        return Draft(None, parse_header(lines, alone), alone)
    desk = Desk(remarks, header.language, folder, lines)
    check_source(desk)
    introduction, sections = sections_of(nodes_of(desk, header.end), desk)
    subject = header.subject or _default_subject(header, sections, remarks)
    if header.date is None:
        return Draft(None, header, remarks)
    issue = _issue(header, subject, introduction, sections, file)
    check_slots(issue, remarks)
    return Draft(issue, header, remarks)


def _issue(
    header: Header,
    subject: str,
    introduction: tuple[Block, ...],
    sections: tuple[Section, ...],
    file: str,
) -> Issue:
    assert header.date is not None
    return Issue(
        title=header.title,
        number=header.number,
        date=header.date,
        language=header.language,
        subject=subject,
        preview=header.preview,
        publisher=header.publisher,
        introduction=introduction,
        sections=sections,
        file=file,
    )


def _default_subject(header: Header, sections: tuple[Section, ...], remarks: Remarks) -> str:
    headlines = [article.headline for section in sections for article in section.articles]
    subject = DEFAULT_SUBJECT[header.language].format(
        title=header.title, number=header.number, headline=headlines[0] if headlines else "…"
    )
    key = HEADER_KEYS["subject"][header.language]
    remarks.warning(
        header.line,
        "subject-missing",
        tr("The header gives no subject; “{subject}” will be used.", subject=subject),
        tr("Write: {example}", example=f"{key} : {subject}"),
    )
    return subject
