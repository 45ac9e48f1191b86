"""The editor's desk: issues are found, read, begun and typeset."""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flashback import files
from flashback.errors import IssueError
from flashback.model import EDITION_LANGUAGES, Edition, Finding, Issue
from flashback.sentences import tr
from flashback.workspace import earlier, looks, mailroom
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.issues import Reading


#: As the header of an issue has it, but for Arabic digits, which a header may have.
_NUMBER: Final = re.compile(r"(?!.{61})[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*")

_WEEK: Final = 7  #: days


def issue_path(workspace: Workspace, named: str | None) -> Path:
    """The file or folder of an issue: a path, a number ("35"), or the newest when not named."""
    if named is None:
        return _newest_issue(workspace)
    number = workspace.config.path("issues") / named
    for candidate in (workspace.config.path(named), number, Path(f"{number}.md"), Path(named)):
        if candidate.exists():
            _refuse_shelves(workspace, candidate)
            return candidate
    raise IssueError(
        tr("There is no issue “{name}”.", name=named),
        hint=tr("Name a file, a folder, or a number that stands in {folder}.",
                folder=workspace.config.path("issues")),
    )  # fmt: skip


def _refuse_shelves(workspace: Workspace, path: Path) -> None:
    """Raise IssueError for the newsletter's folder or that of all issues, unless one lies there."""
    shelves = (workspace.config.path("."), workspace.config.path("issues"))
    if path.resolve() not in {shelf.resolve() for shelf in shelves}:
        return
    if not any(any(path.glob(f"*{language}.md")) for language in EDITION_LANGUAGES):
        raise IssueError(
            tr("{path} is not the folder of one issue.", path=path),
            hint=tr("Name an issue, such as 35, or none: the newest one is taken then."),
        )


def _newest_issue(workspace: Workspace) -> Path:
    folder = workspace.config.path("issues")
    found = sorted(folder.iterdir(), key=_by_number) if folder.is_dir() else []
    # A name with a dot in front is what a crash left of an issue that was being made.
    seen = [p for p in found if not p.name.startswith(".")]
    issues = [p for p in seen if p.suffix == ".md" or (p.is_dir() and any(p.glob("*.md")))]
    if not issues:
        raise IssueError(
            tr("There is no issue in {folder} yet.", folder=folder),
            hint=tr("Begin one: flashback new"),
        )
    return issues[-1]


def read(workspace: Workspace, path: Path) -> "tuple[Reading, ...]":
    """Read all editions of an issue, with their findings."""
    from flashback.issues import read_issues

    return read_issues(path, language=workspace.config.newsletter.language)


def compose(workspace: Workspace, issues: Sequence[Issue]) -> tuple[Edition, ...]:
    """Typeset each language of an issue."""
    from flashback.compose import compose as typeset

    languages = tuple(issue.language for issue in issues)
    return tuple(
        typeset(
            issue,
            workspace.theme,
            newsletter=workspace.config.newsletter,
            links=workspace.config.links,
            languages=languages,
        )
        for issue in issues
    )


def preflight(
    workspace: Workspace, issues: Sequence[Issue], editions: Sequence[Edition]
) -> list[Finding]:
    """What there is to say of the editions that were composed of these issues, in their order."""
    from flashback.preflight import look

    quoted = earlier.quoted_before(workspace, issues)
    found = [
        finding
        for issue, edition in zip(issues, editions, strict=True)
        for finding in look(issue, edition, quoted)
    ]
    return found + looks.faint(workspace)


def write_editions(workspace: Workspace, issues: Sequence[Issue], folder: Path) -> list[Path]:
    """Write .html, .txt and .eml per language, for an invented reader; answer the paths.

    Everything is made before anything is written, and all files are written or none.
    """
    contents = {}
    for edition in compose(workspace, issues):
        html, text, message = mailroom.preview(workspace, edition)
        name = f"{edition.issue_number}.{edition.language}"
        contents[folder / f"{name}.html"] = html.encode()
        contents[folder / f"{name}.txt"] = text.encode()
        contents[folder / f"{name}.eml"] = message
    files.make_folder(folder)
    files.write_all(contents)
    return list(contents)


def begin_issue(workspace: Workspace, number: str | None, date: dt.date | None) -> list[Path]:
    """Write the files of the next issue, one per language of the last one; never over another.

    All of them are written or none. Raises IssueError for what cannot be an issue's number, and
    when the last issue cannot be read.
    """
    from flashback.issues import next_issue

    previous = _previous_issues(workspace)
    last = previous[0] if previous else None
    number = fit_number(number) if number else _following(last.number) if last else "1"
    folder = workspace.config.path("issues") / number
    _refuse_to_repeat(workspace, folder)
    letter = workspace.config.newsletter
    today = workspace.clock.now().date()
    when = date or (_coming(last.date, today) if last else today)
    languages = [issue.language for issue in previous] or [letter.language]
    texts = {}
    for n, language in enumerate(languages):
        text = next_issue(
            previous[n] if previous else None,
            number=number,
            date=when,
            title=previous[n].title if previous else letter.name,
            language=language,
            publisher=previous[n].publisher if previous else letter.publisher,
        )
        texts[f"{language}.md"] = text.encode()
    files.write_folder(folder, texts)
    return [folder / name for name in texts]


def following_number(workspace: Workspace) -> str:
    """The number after that of the newest issue; "1" for the first, or when it cannot be read."""
    try:
        previous = _previous_issues(workspace)
    except IssueError:
        return "1"
    return _following(previous[0].number) if previous else "1"


def free_number(workspace: Workspace) -> str:
    """The first number after the newest issue's that has neither folder nor file."""
    number = following_number(workspace)
    while any(path.exists() for path in _places(workspace.config.path("issues") / number)):
        number = _following(number)
    return number


def _places(folder: Path) -> tuple[Path, Path]:
    """Where an issue may lie: in its folder, or in a file of that name."""
    return folder, folder.with_name(f"{folder.name}.md")


def _coming(last: dt.date, today: dt.date) -> dt.date:
    """The next day to send on, a whole number of weeks after the last issue and never past."""
    weeks = max(1, -((last - today).days // _WEEK))
    return last + dt.timedelta(weeks=weeks)


def fit_number(number: str) -> str:
    """The number, if it is one that an issue's header may give. Raises IssueError."""
    if not _NUMBER.fullmatch(number):
        raise IssueError(
            tr("“{text}” cannot be an issue's number.", text=" ".join(number.split())),
            hint=tr("Write digits, letters and hyphens only, such as 35 or 35-36."),
        )
    return number


def _refuse_to_repeat(workspace: Workspace, folder: Path) -> None:
    for path in _places(folder):
        if path.exists():
            raise IssueError(
                tr("{folder} is already there.", folder=path),
                hint=tr(
                    "Name another number: flashback new {number}", number=free_number(workspace)
                ),
            )


def _previous_issues(workspace: Workspace) -> list[Issue]:
    try:
        newest = _newest_issue(workspace)
    except IssueError:
        return []
    issues = [reading.issue for reading in read(workspace, newest)]
    known = [issue for issue in issues if issue and issue.number]
    if len(known) < len(issues):
        raise IssueError(
            tr("The newest issue, {path}, cannot be read.", path=newest),
            hint=tr("See what is wrong with it: flashback check {path}", path=newest),
        )
    return known


def _by_number(path: Path) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, path.stem.partition(".")[0]))
    return (int(digits) if digits else -1, path.name)


def _following(number: str) -> str:
    """The number after "35" or "35-36"; the second after one without digits."""
    digits = re.findall(r"\d+", number)
    return str(int(digits[-1]) + 1) if digits else f"{number}-2"
