"""What a page says of its article in JSON-LD (schema.org), for JSON of any kind.

Never raises, and never looks at more than a few thousand values.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any

_LONGEST: Final = 500_000  #: characters of one script
_MOST: Final = 5_000  #: values looked at
_WRAPPING: Final = re.compile(r"\A\s*(?://)?\s*(?:<!\[CDATA\[|<!--)|(?://)?\s*(?:\]\]>|-->)\s*\Z")
#: Kinds of article that are not named "...Article".
_KINDS: Final = frozenset({"BlogPosting", "LiveBlogPosting", "Report", "Review"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedArticle:
    """An article as JSON-LD tells it; anything may stand in a field."""

    headline: Json = ""
    publisher: Json = ""
    published: Json = ""
    language: Json = ""
    image: Json = ""


def linked_article(scripts: Iterable[str]) -> LinkedArticle:
    """The first article of a page's scripts, outermost first; empty when there is none."""
    nodes = [node for script in scripts for node in _nodes(_read(script))]
    named = {n["@id"]: n for n in nodes if isinstance(n.get("@id"), str) and len(n) > 1}
    article: Mapping[str, Json] = next(filter(_is_article, nodes), {})
    return LinkedArticle(
        headline=article.get("headline") or article.get("name") or "",
        publisher=_name(article.get("publisher"), named),
        published=article.get("datePublished") or "",
        language=_name(article.get("inLanguage"), named),
        image=_address(article.get("image"), named),
    )


def _read(script: str) -> Json:
    try:
        return json.loads(_WRAPPING.sub("", script[:_LONGEST]), strict=False)
    except (ValueError, RecursionError):
        return None


def _nodes(value: Json) -> Iterator[Mapping[str, Json]]:
    """The objects in a value, outermost first."""
    waiting = deque([value])
    for _ in range(_MOST):
        if not waiting:
            return
        value = waiting.popleft()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _is_article(node: Mapping[str, Json]) -> bool:
    kinds = node.get("@type")
    return any(
        isinstance(kind, str) and (kind.endswith("Article") or kind in _KINDS)
        for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _name(value: Json, named: Mapping[str, Mapping[str, Json]]) -> Json:
    """The name in a text, an object, a reference or a list of them."""
    value = _one(value, named)
    return value.get("name") or value.get("alternateName") if isinstance(value, dict) else value


def _address(value: Json, named: Mapping[str, Mapping[str, Json]]) -> Json:
    value = _one(value, named)
    return value.get("url") or value.get("contentUrl") if isinstance(value, dict) else value


def _one(value: Json, named: Mapping[str, Mapping[str, Json]]) -> Json:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("@id"), str):
        return named.get(value["@id"], value)
    return value
