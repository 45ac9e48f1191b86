"""The archive: which issues belong in it, and its files, brought up to date in a folder.

The pages are made of the issues' files as they are now. A list of what was written lies in the
folder, so that what an archive no longer has is taken away, and nothing else ever is.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flashback import files, resources
from flashback.archive import Entry, Newsletter, Picture, Places, Sheet, places_of, site
from flashback.archive.feeds import midnight
from flashback.errors import FlashbackError, IssueError
from flashback.model import Article, DeliveryState, Issue, MailingState, Severity, plain
from flashback.sentences import Sentence, tr
from flashback.workspace import desk, earlier
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.compose.view import ArticleView, View
    from flashback.issues import Reading

#: Names the files that this program wrote.
LIST: Final = ".flashback-archive.json"
_COMMAS: Final = (",", "،")

Told = Callable[[int, int], None]
"""How far it is: done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An issue that is not in the archive, and why."""

    path: Path | None
    number: str
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What goes into the archive."""

    sheets: tuple[Sheet, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the folder."""

    folder: Path
    files: int
    changed: int
    removed: int


def gather(
    workspace: Workspace, *, also: Iterable[str] = (), everything: bool = False, tell: Told
) -> Shelf:
    """Every issue that was sent, with those named; with ``everything`` all up to today.

    An issue that cannot be read is left out, and said; so is one of ``everything`` that was not
    sent and has errors. Raises FlashbackError, as it does when such an issue is named.
    """
    sent = _sent(workspace)
    wanted = {desk.issue_path(workspace, name): name for name in also}
    named = {path.resolve(): name for path, name in wanted.items()}
    today = workspace.clock.now().date()
    found: dict[Path, None] = dict.fromkeys([*wanted, *earlier.other_issues(workspace, ())])
    sheets: list[Sheet] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    for done, path in enumerate(found):
        tell(done, len(found))
        is_named = path.resolve() in named
        readings = _read(workspace, path)
        issues = [reading.issue for reading in readings if reading.issue]
        number = issues[0].number if issues else path.stem
        if number in seen and path.resolve() not in named:
            continue
        if issues and not is_named and number not in sent:
            if not everything or issues[0].date > today:
                continue
        elif not issues and number not in sent and not is_named:
            continue
        seen.add(number)
        if is_named and number not in sent:
            _refuse_unfit(workspace, path, named[path.resolve()])
        try:
            if number not in sent and any(reading.has_errors for reading in readings):
                raise IssueError(tr("It has errors, and was not sent. See them: flashback check"))
            sheets += _sheets(workspace, readings, sent.get(number))
        except FlashbackError as error:
            left_out.append(LeftOut(path=path, number=number, reason=error.sentence))
    missing = (number for number in sent if number not in seen)
    left_out += [
        LeftOut(path=None, number=number, reason=tr("Its file is gone from the issues."))
        for number in missing
    ]
    return Shelf(sheets=tuple(sheets), left_out=tuple(left_out))


def places(workspace: Workspace) -> Places:
    """Where the archive's pages lie. Raises ConfigError when the settings do not say."""
    config = workspace.config
    return places_of(config.links.archive, main=config.newsletter.language)


def build(workspace: Workspace, shelf: Shelf, *, pdf: bool = False) -> Mapping[str, bytes]:
    """All files of the archive by name; ``pdf``: pages name such files. Raises FlashbackError."""
    if not shelf.sheets:
        raise IssueError(
            tr("There is nothing to put into the archive: no issue was sent yet."),
            hint=tr("Name one: flashback archive 35. Or take all: flashback archive --all"),
        )
    return site(
        shelf.sheets,
        places(workspace),
        newsletter(workspace),
        templates=templates(workspace),
        pdf=pdf,
    )


def newsletter(workspace: Workspace) -> Newsletter:
    """What the archive says of the letter."""
    letter = workspace.config.newsletter
    return Newsletter(
        name=letter.name,
        publisher=letter.publisher,
        taglines=letter.tagline,
        tokens=workspace.theme.tokens,
    )


def templates(workspace: Workspace) -> list[Path]:
    """Where the archive's templates lie; a workspace's own file wins."""
    own = workspace.config.path("templates/web/archive")
    shipped = resources.templates("web") / "archive"
    return [folder for folder in (own, shipped) if folder.is_dir()]


def write(folder: Path, contents: Mapping[str, bytes]) -> Written:
    """Bring a folder up to date: changed files are written, and ours that are gone removed.

    Raises FlashbackError, before anything is written, when a file that is not ours is in the way.
    """
    before = _listed(folder)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for name in contents:
        if name not in before and (folder / name).exists():
            raise FlashbackError(
                tr("{path} is there already, and not from this archive.", path=folder / name),
                hint=tr("Take another folder: flashback archive -o public"),
            )
    changed = {
        name: content
        for name, content in contents.items()
        if before.get(name) != digests[name] or not (folder / name).is_file()
    }
    files.make_folder(folder)
    # Named before they are written: what a crash leaves is ours the next time.
    _list(folder, {**before, **dict.fromkeys(changed, "")})
    for name, content in changed.items():
        path = folder / name
        files.make_folder(path.parent)
        files.write(path, content)
    gone = [name for name in before if name not in contents]
    for name in gone:
        _remove(folder, folder / name)
    _list(folder, digests)
    return Written(folder=folder, files=len(contents), changed=len(changed), removed=len(gone))


def _list(folder: Path, digests: Mapping[str, str]) -> None:
    content = json.dumps(digests, indent=0, sort_keys=True, ensure_ascii=False)
    files.write(folder / LIST, content.encode())


def _listed(folder: Path) -> dict[str, str]:
    """The files that were written last time, with their digests."""
    path = folder / LIST
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FlashbackError(
            tr("{path} cannot be read: {reason}.", path=path, reason=error),
            hint=tr("Take another folder, or empty this one: it is made anew."),
        ) from error
    inside = folder.resolve()
    good = isinstance(listed, dict) and all(
        isinstance(digest, str) and (folder / name).resolve().is_relative_to(inside)
        for name, digest in listed.items()
    )
    if not good:
        raise FlashbackError(
            tr("{path} is no list of an archive.", path=path),
            hint=tr("Take another folder, or empty this one: it is made anew."),
        )
    return dict(listed)


def _remove(folder: Path, path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder or any(parent.iterdir()):
                break
            parent.rmdir()
    except OSError as error:
        raise files.cannot_write(path, error) from error


def _sent(workspace: Workspace) -> dict[str, dt.datetime]:
    """When each issue was first on its way to readers, by number."""
    sent: dict[str, dt.datetime] = {}
    for mailing in workspace.ledger.mailings():
        if mailing.state is MailingState.SCHEDULED:
            continue
        if mailing.state is MailingState.CANCELLED:
            account = workspace.ledger.account(mailing.id)
            if not account[DeliveryState.ACCEPTED]:
                continue
        sent[mailing.issue_number] = mailing.opened_at
    return sent


def _read(workspace: Workspace, path: Path) -> "tuple[Reading, ...]":
    try:
        return desk.read(workspace, path)
    except FlashbackError:
        return ()


def _refuse_unfit(workspace: Workspace, path: Path, name: str) -> None:
    """Look as ``send`` does: what could not be sent is not published. Raises FlashbackError."""
    readings = desk.read(workspace, path)
    issues = [reading.issue for reading in readings if reading.issue]
    unfit = len(issues) < len(readings) or any(reading.has_errors for reading in readings)
    if not unfit:
        found = desk.preflight(workspace, issues, desk.compose(workspace, issues))
        unfit = any(finding.severity is Severity.ERROR for finding in found)
    if unfit:
        raise IssueError(
            tr("{path} was not sent yet and has errors; nothing was written.", path=path),
            hint=tr("See what is wrong with it: flashback check {path}", path=name),
        )


def _sheets(
    workspace: Workspace, readings: "tuple[Reading, ...]", sent_at: dt.datetime | None
) -> Iterator[Sheet]:
    from flashback.compose import typeset

    issues = [reading.issue for reading in readings if reading.issue]
    if not issues or len(issues) < len(readings):
        raise IssueError(tr("It cannot be read. See why: flashback check"))
    languages = tuple(issue.language for issue in issues)
    config = workspace.config
    made = []
    for issue in issues:
        view, pictures = typeset(
            issue,
            workspace.theme,
            newsletter=config.newsletter,
            links=config.links,
            languages=languages,
        )
        numbered = zip(issue.articles, _articles(view), _titles(issue), strict=True)
        made.append(
            Sheet(
                number=issue.number,
                language=issue.language,
                date=issue.date,
                date_words=view.date.plain,
                title=view.title.plain,
                label=view.number.plain,
                count=view.count.plain,
                subject=view.subject.plain,
                summary=view.preheader.plain,
                updated=sent_at or midnight(issue.date),
                entries=tuple(_entry(n, *one) for n, one in enumerate(numbered, 1)),
                pictures=tuple(
                    Picture(name=image.filename, content=image.content) for image in pictures
                ),
                view=view,
                words=workspace.theme.words[issue.language],
            )
        )
    yield from made


def _articles(view: "View") -> "list[ArticleView]":
    return [article for section in view.sections for article in section.articles]


def _titles(issue: Issue) -> list[str]:
    return [section.title for section in issue.sections for _ in section.articles]


def _entry(number: int, article: Article, view: "ArticleView", section: str) -> Entry:
    return Entry(
        number=number,
        headline=view.headline.plain,
        language=article.language,
        section=section,
        outlet=outlet_of(article.source),
        source=view.source.plain,
        excerpt=" ".join(plain(article.blocks).split()),
    )


def outlet_of(source: str) -> str:
    """The name in "L'Économiste, 2 septembre 2011": what stands before the first comma."""
    ends = [at for comma in _COMMAS if (at := source.find(comma)) >= 0]
    return source[: min(ends)].strip() if ends else source.strip()
