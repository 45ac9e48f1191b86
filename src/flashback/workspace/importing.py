"""A Word file becomes an issue file: read, understood, written beside the others."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from flashback import files
from flashback.errors import FlashbackError, IssueError
from flashback.model import EDITION_LANGUAGES, Finding, Issue, Link, Manuscript
from flashback.sentences import Sentence, tr
from flashback.workspace import desk
from flashback.workspace.parts import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An issue that may be written, and what there is to say of it."""

    issue: Issue
    text: str
    file: Path
    guessed: tuple[str, ...]  #: what the document did not tell: "number", "date"
    left_out: tuple[Sentence, ...]
    lost: tuple[str, ...]  #: words and links that found no place


def propose(
    workspace: Workspace,
    path: Path,
    *,
    number: str | None = None,
    date: dt.date | None = None,
    language: str | None = None,
) -> Proposal:
    """Understand a Word file. What is given wins over what the file says. Raises FlashbackError."""
    from flashback.issues import parse
    from flashback.issues.manuscript_loss import lost
    from flashback.issues.manuscripts import Given, drafted, with_facts
    from flashback.issues.writing import written

    manuscript = _read(path)
    letter = workspace.config.newsletter
    given = Given(
        title=letter.name,
        number=desk.following_number(workspace),
        date=workspace.clock.now().date(),
        publisher=letter.publisher,
        language=language or "",
    )
    draft = drafted(manuscript, given)
    if not draft.issue.articles:
        raise IssueError(
            tr("No headline was found in {file}.", file=path),
            hint=tr("Make headlines bold or give them the style Heading 2, and try again."),
        )
    issue = with_facts(draft.issue, number=number, date=date)
    said = {*draft.told, *(["number"] if number else []), *(["date"] if date else [])}
    if issue.language not in EDITION_LANGUAGES:
        raise IssueError(
            tr("There is no edition in “{language}”.", language=issue.language),
            hint=tr("Known languages: {list}.", list=", ".join(EDITION_LANGUAGES)),
        )
    text = written(issue)
    # What counts is what the file says when it is read again.
    reading = parse(text, file="", language=issue.language, folder=None)
    folder = workspace.config.path("issues") / desk.fit_number(issue.number)
    return Proposal(
        issue=issue,
        text=text,
        file=folder / f"{issue.language}.md",
        guessed=tuple(word for word in ("number", "date") if word not in said),
        left_out=manuscript.left_out,
        lost=lost(manuscript, reading.issue or issue, given, remarked=_mail_links(issue)),
    )


def _mail_links(issue: Issue) -> list[Link]:
    """Links of articles to a mailbox: they stand in the file, and reading refuses them."""
    links = [article.link for article in issue.articles if article.link]
    return [link for link in links if link.url.lower().startswith("mailto:")]


def write(workspace: Workspace, proposal: Proposal) -> list[Finding]:
    """Write the file; what there is to say of it now. Raises FlashbackError if it is there."""
    from flashback.issues import read_issue

    alone = proposal.file.parent.with_name(f"{proposal.file.parent.name}.md")
    for path in (proposal.file, alone):
        if path.exists():
            raise IssueError(
                tr("{folder} is already there.", folder=path),
                hint=tr(
                    "Name another number: --number {number}, or look at the text: --stdout",
                    number=desk.free_number(workspace),
                ),
            )
    files.make_folder(proposal.file.parent)
    files.write(proposal.file, proposal.text.encode())
    reading = read_issue(proposal.file, language=workspace.config.newsletter.language)
    return list(reading.findings)


def _read(path: Path) -> Manuscript:
    """The file's lines; what cannot be read is told with its name. Raises FlashbackError."""
    from flashback.word import read_docx

    content = _content(path)
    try:
        return read_docx(content)
    except FlashbackError as error:
        raise type(error)(
            tr("{file}: {reason}", file=path, reason=error.sentence), hint=error.hint
        ) from error


def _content(path: Path) -> bytes:
    from flashback.word.package import LARGEST

    try:
        if path.stat().st_size > LARGEST:
            raise FlashbackError(
                tr("{file} is larger than {megabytes:g} MB.", file=path,
                   megabytes=LARGEST / 1_000_000),
                hint=tr("Take the pictures out, save it, and try again."),
            )  # fmt: skip
        return path.read_bytes()
    except OSError as error:
        raise FlashbackError(
            tr("{file} cannot be read: {reason}.", file=path, reason=error.strerror or error),
            hint=tr("Check the file's name, and that it is yours to read."),
        ) from error
