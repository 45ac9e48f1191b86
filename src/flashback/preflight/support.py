"""What main mail programs do not show, of what an edition uses: by caniemail's tests (MIT).

``support.json`` is distilled by ``tools/distil-support``. What the shipped theme uses as an
ornament is known to fall back well, and not told; what a workspace's templates add is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lxml import html

from flashback.model import Edition, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr

#: Ornaments, each with something behind it: square corners, light colours, ragged lines.
_MEANT: Final = frozenset(
    f"css:{name}"
    for name in ("border-radius", "color-scheme", "height", "max-height", "opacity", "outline",
                 "overflow", "text-wrap", "white-space", "word-break", "word-spacing", "word-wrap")
)  # fmt: skip
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_PROPERTY: Final = re.compile(r"(?:^|[;{])\s*([a-z-]+)\s*:\s*([^;{}]*)", re.IGNORECASE)
_RULE: Final = re.compile(r"@([a-z-]+)", re.IGNORECASE)
_SHOWN: Final = 6


@cache
def lacking() -> Mapping[str, list[str]]:
    """Which mail programs show nothing of a feature: "css:gap", "display:grid", "image:svg"."""
    text = Path(__file__).with_name("support.json").read_text(encoding="utf-8")
    found: Mapping[str, list[str]] = json.loads(text)["lacking"]
    return found


def remarks(edition: Edition) -> Iterator[Remark]:
    """What of its HTML and CSS, and of its pictures, main mail programs do not show."""
    page = html.document_fromstring(edition.html)
    known = lacking()
    used = [key for key in dict.fromkeys(_used(page)) if key in known and key not in _MEANT]
    if used:
        yield Remark(
            severity=Severity.HINT,
            code="css-unsupported",
            sentence=tr(
                "Some mail programs show nothing of: {list}.",
                list="; ".join(f"{_told(key)} ({', '.join(known[key])})" for key in used[:_SHOWN]),
            ),
            remedy=tr("Be sure that the mail reads well without, or write it in another way."),
        )
    for image in page.iter("img"):
        kind = _kind(image.get("src", ""))
        if programs := known.get(f"image:{kind}"):
            yield Remark(
                severity=Severity.WARNING,
                code="image-unsupported",
                sentence=tr(
                    "A picture is {kind}, which is not shown by: {list}.",
                    kind=kind.upper(),
                    list=", ".join(programs),
                ),
                remedy=tr("Save it as PNG or JPEG."),
            )
            return


def _used(page: html.HtmlElement) -> Iterator[str]:
    """Every feature of the page by its key, in the order it appears."""
    sheets = [element.text or "" for element in page.iter("style")]
    styles = (element.get("style", "") for element in page.iter() if isinstance(element.tag, str))
    for css in (*sheets, ";".join(filter(None, styles))):
        plain = _COMMENT.sub("", css)
        yield from (f"rule:{name.lower()}" for name in _RULE.findall(plain))
        for name, value in _PROPERTY.findall(plain):
            key = name.lower()
            yield f"css:{key}"
            if key == "display":
                yield f"display:{value.strip().lower().removesuffix('!important').strip()}"
    for element in page.iter():
        if isinstance(element.tag, str):
            yield f"element:{element.tag}"


def _told(key: str) -> str:
    kind, _, name = key.partition(":")
    told = {"element": f"<{name}>", "display": f"display: {name}", "rule": f"@{name}"}
    return told.get(kind, name)


def _kind(source: str) -> str:
    """The kind of picture that an address names: "svg"; empty when it names none."""
    path = urlsplit(source).path if source.startswith("https:") else ""
    ending = path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    return {"jpeg": "jpg", "tif": "tiff"}.get(ending, ending)
