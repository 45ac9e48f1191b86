"""``source :`` and ``langue :`` right under a headline, each on its own line.

Promises that a key that is misspelt or stands elsewhere is remarked upon; its line stays text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from flashback.issues.inlines import Line, joined
from flashback.issues.related import has_link
from flashback.issues.remarks import Desk, short
from flashback.issues.tree import Node
from flashback.issues.words import ARTICLE_KEYS, article_field, language_tag, nearest_article_key
from flashback.model import plain
from flashback.sentences import tr


@dataclass(frozen=True, slots=True)
class Keys:
    """What stands under a headline; empty where nothing does."""

    source: str
    language: str


def keys_under(nodes: Sequence[Node], desk: Desk) -> tuple[Keys, tuple[Node, ...]]:
    """The keys at the head of an article's blocks, and the blocks without them."""
    found: dict[str, str] = {}
    rest = list(nodes)
    while rest and rest[0].kind == "paragraph":
        taken = _take(rest[0].lines, found, desk)
        lines = rest[0].lines[taken:]
        if lines:
            rest[0] = replace(rest[0], lines=lines, line=lines[0].number)
            break
        del rest[0]
    _check_strays(rest, desk)
    language = _language(found, desk)
    return Keys(found.get("source", ""), language), tuple(rest)


def _take(lines: Sequence[Line], found: dict[str, str], desk: Desk) -> int:
    for index, line in enumerate(lines):
        text = plain(joined([line]))
        key, colon, value = (part.strip() for part in text.partition(":"))
        name = article_field(key) if colon and value else None
        if not text.strip():
            continue
        if name is None:
            return index
        if name in found:
            desk.remarks.error(
                line.number,
                "key-duplicate",
                tr("“{key}” stands twice.", key=key),
                tr("Keep one of them."),
            )
        if has_link(Node(kind="paragraph", line=line.number, end=line.number, lines=(line,))):
            link_dropped(line.number, desk)
        found.setdefault(name, value if name == "source" else f"{line.number}:{value}")
    return len(lines)


def link_dropped(line: int, desk: Desk) -> None:
    """Remark that a link stands where only words can."""
    desk.remarks.warning(
        line,
        "link-dropped",
        tr("A link cannot be kept here; only its words are."),
        tr("Put the link on a line of its own below the excerpt, or behind “Lire aussi”."),
    )


def _language(found: dict[str, str], desk: Desk) -> str:
    line, _, value = found.get("language", "").partition(":")
    tag = language_tag(value)
    if value and not tag:
        desk.remarks.error(
            int(line),
            "language-unknown",
            tr("“{text}” is not a language.", text=short(value)),
            tr("Write its short name: fr, ar, en, es…"),
        )
    return tag


def _check_strays(nodes: Iterable[Node], desk: Desk) -> None:
    for node in nodes:
        for line in node.lines:
            key, colon, value = plain(joined([line])).partition(":")
            nearest = nearest_article_key(key.strip(), desk.language) if colon else ""
            of_language = nearest == ARTICLE_KEYS["language"][desk.language]
            # « Langues : fr, ar » is a sentence of its own.
            if nearest and (not of_language or language_tag(value.strip())):
                desk.remarks.warning(
                    line.number,
                    "article-key-odd",
                    tr("“{key} :” is read as text here.", key=short(key)),
                    tr("Write it right under the headline, as {key} : …", key=nearest),
                )
