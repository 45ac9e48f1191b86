r"""MJML source to HTML, through mrml, without its traps.

mrml validates nothing and prints attribute values with Rust's debug format: a no-break space in
an ``alt`` would become ``\u{a0}``, and a quotation mark would end the attribute. So the source is
parsed as XML first, and reaches mrml in pure ASCII with plain double-quoted attributes.
"""

import html.entities
import re
from typing import Final

from lxml import etree
from mjml import mjml2html

from flashback.sentences import Sentence, tr

_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_XML_OWN: Final = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_TAG: Final = re.compile(r"""<[A-Za-z](?:"[^"]*"|'[^']*'|[^'"<>])*>""")
_SINGLE_QUOTED: Final = re.compile(r"""=\s*'([^']*)'""")
#: "0 24px" is ignored by mrml when it computes the widths of what is inside.
_BARE_ZERO: Final = re.compile(r'padding="(?:0\s[^"]*|[^"]*\s0(?:\s[^"]*)?)"')


class MjmlError(ValueError):
    """A source that MJML cannot be asked to compile. Lines and columns count from 1."""

    def __init__(self, reason: Sentence, line: int = 0, column: int = 0) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.line = line
        self.column = column


def compile_mjml(source: str) -> str:
    """The HTML of an MJML document. Raises MjmlError, with the place where one is known."""
    source = _without_named_entities(source)
    check_xml(source)
    try:
        return str(mjml2html(ascii_entities(source), fonts={}, disable_comments=True))
    except ValueError as error:
        raise MjmlError(tr("MJML does not accept it: {reason}", reason=error)) from error


def check_xml(source: str) -> None:
    """Find what MJML would stumble over, or pass over in silence. Raises MjmlError."""
    if found := _BARE_ZERO.search(source):
        line, column = _place(source, found.start())
        reason = tr("{text}: write 0px instead of 0.", text=found[0])
        raise MjmlError(reason, line, column)
    # The depth limit of libxml2 (256) also keeps mrml's stack from overflowing.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(source.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MjmlError(tr("{reason}", reason=error.msg), line or 0, column or 0) from error
    if root.tag != "mjml" or "<!DOCTYPE" in source:
        raise MjmlError(tr("An MJML document begins with <mjml> and nothing before it."), 1, 1)


def ascii_entities(source: str) -> str:
    """The same document in ASCII, each attribute in double quotes and on one line."""
    source = _TAG.sub(lambda found: _plain_tag(found[0]), source)
    return source.replace("\\", "&#92;").encode("ascii", "xmlcharrefreplace").decode()


def _plain_tag(tag: str) -> str:
    if "'" in tag:
        parts = re.split(r'("[^"]*")', tag)
        for i in range(0, len(parts), 2):
            parts[i] = _SINGLE_QUOTED.sub(
                lambda found: '="' + found[1].replace('"', "&#34;") + '"', parts[i]
            )
        tag = "".join(parts)
    return re.sub(r"[\t\r\n]+", " ", tag)


def _without_named_entities(source: str) -> str:
    """``&nbsp;`` and its kind as numbers: XML knows only five names."""
    return _ENTITY.sub(lambda found: _numeric(found[1]) or found[0], source)


def _numeric(name: str) -> str:
    if name in _XML_OWN:
        return ""
    return "".join(f"&#{ord(character)};" for character in html.entities.html5.get(name, ""))


def _place(source: str, at: int) -> tuple[int, int]:
    line = source.count("\n", 0, at) + 1
    return line, at - source.rfind("\n", 0, at)
