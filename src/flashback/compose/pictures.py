"""Pictures of an issue: by https where they are hosted, inside the message where they are files.

The only place of this room that touches the disk after the theme is loaded. A file is judged by
its first octets, never by its name, so nothing but a picture can leave by this door.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from flashback import pixels
from flashback.compose.links import href
from flashback.errors import IssueError
from flashback.model import (
    Block,
    Emphasis,
    Hyperlink,
    Inline,
    InlineImage,
    Issue,
    Items,
    Paragraph,
    Picture,
    Quotation,
    Strong,
    Subheading,
    Table,
)
from flashback.sentences import tr

#: A picture of an article is 50 to 150 kB; above this somebody forgot to scale it down.
MOST_OCTETS: Final = 1_000_000
#: All pictures of one edition. Base64 adds a third, and many servers stop at 10 MB.
MOST_OCTETS_TOGETHER: Final = 3_000_000

#: Each level is two or three elements of HTML, and a tree of 256 is as deep as libxml2 reads.
_DEEPEST: Final = 40


@dataclass(frozen=True, slots=True)
class Shown:
    """How a template shows a picture."""

    url: str  #: https or cid
    width: int | None = None  #: in pixels; None where only the host knows
    file: InlineImage | None = None


def load_pictures(issue: Issue, folder: Path) -> Mapping[str, Shown]:
    """Every picture of the issue by its source. Raises IssueError naming the picture."""
    shown: dict[str, Shown] = {}
    for source, line in _sources(issue):
        if source not in shown:
            shown[source] = _show(source, f"{issue.file}:{line}" if line else issue.file, folder)
    total = sum(len(s.file.content) for s in shown.values() if s.file)
    if total > MOST_OCTETS_TOGETHER:
        raise IssueError(
            tr(
                "{place}: the pictures weigh {size} kB together; {most} kB is the limit.",
                place=issue.file,
                size=total // 1000,
                most=MOST_OCTETS_TOGETHER // 1000,
            ),
            hint=tr("Scale them down, or host them and write their https address."),
        )
    return shown


def _show(source: str, place: str, folder: Path) -> Shown:
    if source.lower().startswith("https://"):
        return Shown(href(source, place))
    content = _read(_path(source, place, folder), source, place)
    media_type, width = _recognise(content, source, place)
    name = hashlib.sha256(content).hexdigest()[:24]
    image = InlineImage(
        content_id=f"{name}@flashback",
        media_type=media_type,
        filename=f"{name[:8]}.{media_type.partition('/')[2]}",
        content=content,
    )
    return Shown(f"cid:{image.content_id}", width, image)


def _path(source: str, place: str, folder: Path) -> Path:
    """A file that lies below the folder, links followed."""
    if ":" not in source.partition("/")[0] and "\x00" not in source:
        path = (folder / source).resolve()
        if path.is_relative_to(folder.resolve()):
            return path
    raise IssueError(
        tr("{place}: “{source}” cannot be shown in a mail.", place=place, source=source),
        hint=tr("Write an https address, or the name of a file beside the issue."),
    )


def _read(path: Path, source: str, place: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise IssueError(
            tr(
                "{place}: the picture “{source}” cannot be read: {reason}",
                place=place,
                source=source,
                reason=error.strerror,
            ),
            hint=tr("Put the file beside the issue, or correct its name."),
        ) from error
    if len(content) > MOST_OCTETS:
        raise IssueError(
            tr(
                "{place}: the picture “{source}” is larger than {most} kB.",
                place=place,
                source=source,
                most=MOST_OCTETS // 1000,
            ),
            hint=tr("Scale it down to about 1200 pixels across, and save it as JPEG."),
        )
    return content


def _recognise(content: bytes, source: str, place: str) -> tuple[str, int]:
    """Media type and width in pixels."""
    if found := pixels.recognised(content):
        return found
    raise IssueError(
        tr("{place}: “{source}” is no PNG, JPEG or GIF picture.", place=place, source=source),
        hint=tr("Many mail programs show no other kind. Save it again as PNG or JPEG."),
    )


def _sources(issue: Issue) -> Iterator[tuple[str, int]]:
    yield from ((source, 0) for source in _walk(issue.introduction, issue.file))
    for section in issue.sections:
        for source in _walk(section.introduction, f"{issue.file}:{section.line}"):
            yield source, section.line
        for article in section.articles:
            if article.image:
                yield article.image.source, article.image.line
            for source in _walk(article.blocks, f"{issue.file}:{article.line}"):
                yield source, article.line


def _walk(nodes: Iterable[Block | Inline], place: str) -> Iterator[str]:
    """Every picture of a text, found without recursion. Raises IssueError on endless nesting."""
    waiting = [(node, 1) for node in nodes]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise IssueError(
                tr("{place}: lists or quotations are nested too deeply.", place=place),
                hint=tr("Three levels are as many as readers can follow."),
            )
        if isinstance(node, Picture):
            yield node.source
        waiting += [(inner, depth + 1) for inner in _inside(node)]


def _inside(node: Block | Inline) -> Iterable[Block | Inline]:
    match node:
        case Paragraph(children) | Subheading(children):
            return children
        case Emphasis(children) | Strong(children) | Hyperlink(children=children):
            return children
        case Quotation(children):
            return children
        case Items(items):
            return chain.from_iterable(items)
        case Table():
            return chain.from_iterable(node.cells)
        case _:
            return ()
