"""The servers of an issue's links, asked whether they answer."""

from collections.abc import Callable, Iterator, Sequence

from flashback.model import Finding, Issue
from flashback.workspace import clipping
from flashback.workspace.parts import Workspace

Told = Callable[[int, int], None]


def look(workspace: Workspace, issues: Sequence[Issue], *, tell: Told) -> Iterator[Finding]:
    """What is to be said of the links of all editions; each server is asked once for a page."""
    from flashback.clips import probe_all
    from flashback.preflight.links import links_of, remarks
    from flashback.preflight.look import findings_of

    urls = [url for issue in issues for url, _ in links_of(issue)]
    pages = [url for url in urls if url.lower().startswith(("http://", "https://"))]
    probes = probe_all(pages, clipping.web(workspace), tell=tell)
    for issue in issues:
        yield from findings_of(issue, remarks(issue, probes))
