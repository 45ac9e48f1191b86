"""Other issues of the newsletter: which of them name a page that is to be quoted.

A page has many addresses; two are one when ``clips.key_of`` says so. Files are searched for a
telling word of the address first: to read a whole year of issues takes longer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flashback.errors import IssueError
from flashback.model import Issue, Quoted
from flashback.sentences import tr
from flashback.workspace.parts import Workspace


@dataclass(frozen=True, slots=True)
class Named:
    """A place that names a page we asked for."""

    key: str  #: of the page, as ``clips.key_of`` makes it
    issue: Issue
    place: Quoted


def other_issues(workspace: Workspace, mine: Iterable[Path]) -> Iterator[Path]:
    """The files and folders of all issues but this one, the newest first."""
    own = {place for path in mine for place in (path.resolve(), path.resolve().parent)}
    folder = workspace.config.path("issues")
    found = folder.iterdir() if folder.is_dir() else ()
    for path in sorted(found, key=lambda p: (len(p.stem), p.stem), reverse=True):
        hidden = path.name.startswith(".") or path.resolve() in own
        if not hidden and (path.is_dir() or path.suffix == ".md"):
            yield path


def naming(workspace: Workspace, path: Path, keys: frozenset[str]) -> Iterator[Named]:
    """Every link of an issue that leads to one of these pages. Raises IssueError if unreadable."""
    if not _may_name(path, keys):
        return
    from flashback.clips import key_of
    from flashback.issues import read_issues

    for reading in read_issues(path, language=workspace.config.newsletter.language):
        issue = reading.issue
        if issue is None:
            raise IssueError(tr("It cannot be read as an issue."))
        for article in issue.articles:
            for link in (*((article.link,) if article.link else ()), *article.related):
                if (key := key_of(link.url)) in keys:
                    place = Quoted(
                        number=issue.number,
                        file=issue.file,
                        line=link.line,
                        headline=article.headline,
                    )
                    yield Named(key, issue, place)


def quoted_before(workspace: Workspace, issues: Iterable[Issue]) -> dict[str, Quoted]:
    """Where an issue of an earlier day, or of the same, names what these articles lead to.

    By the address as these issues have it. An issue that cannot be read is passed over: it is
    ``check``'s to complain of, when that one is asked for.
    """
    from flashback.clips import key_of

    issues = list(issues)
    urls = {article.link.url for issue in issues for article in issue.articles if article.link}
    keys = {url: key for url in urls if (key := key_of(url))}
    found: dict[str, Quoted] = {}
    wanted = frozenset(keys.values())
    latest = max((issue.date for issue in issues), default=None)
    for path in other_issues(workspace, (Path(issue.file) for issue in issues)):
        try:
            for named in naming(workspace, path, wanted):
                if latest and named.issue.date <= latest:
                    found.setdefault(named.key, named.place)
        except IssueError:
            continue
    return {url: found[key] for url, key in keys.items() if key in found}


def _may_name(path: Path, keys: Iterable[str]) -> bool:
    """Whether an issue holds a word of one of these addresses."""
    from flashback.clips import readable, trace_of

    traces = {trace_of(key) for key in keys}
    for file in sorted(path.glob("*.md")) if path.is_dir() else [path]:
        try:
            text = readable(file.read_bytes().decode("utf-8", "replace"))
        except OSError:
            return True
        if any(trace in text for trace in traces):
            return True
    return False
