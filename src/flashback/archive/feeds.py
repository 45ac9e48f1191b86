"""For programs: an Atom feed of the newest issues (RFC 4287), and a map of all pages.

An entry's id never changes, wherever the archive moves and whatever is corrected: a tag (RFC 4151)
of host, day, number and language.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from flashback.archive.places import Places
from flashback.archive.sheets import Sheet

FEED_LENGTH: Final = 20  #: issues
_ATOM: Final = "http://www.w3.org/2005/Atom"
_MAP: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XHTML: Final = "http://www.w3.org/1999/xhtml"


def feed(
    sheets: Sequence[Sheet], bodies: Mapping[str, str], places: Places, *, author: str
) -> bytes:
    """The newest of these sheets, all in one language, newest first; ``bodies`` by path."""
    ET.register_namespace("", _ATOM)
    newest = sheets[:FEED_LENGTH]
    language = newest[0].language
    home, own = places.index("index", language), places.index("feed", language)
    root = ET.Element(f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": language})
    _add(root, "id", places.url(home))
    _add(root, "title", newest[0].title)
    _add(root, "updated", _stamp(max(sheet.updated for sheet in newest)))
    _add(_add(root, "author"), "name", author)
    _add(root, "link", rel="alternate", href=places.url(home))
    _add(root, "link", rel="self", href=places.url(own.replace(".html", ".xml")))
    for sheet in newest:
        path = places.page(sheet.number, sheet.language)
        entry = _add(root, "entry")
        _add(entry, "id", _tag(sheet, places))
        _add(entry, "title", sheet.subject)
        _add(entry, "updated", _stamp(sheet.updated))
        _add(entry, "published", _stamp(midnight(sheet.date)))
        _add(entry, "link", rel="alternate", href=places.url(path), hreflang=sheet.language)
        if sheet.summary:
            _add(entry, "summary", sheet.summary)
        content = _add(entry, "content", bodies[path], type="html")
        content.set("{http://www.w3.org/XML/1998/namespace}base", places.url(path))
    return _written(root)


def sitemap(sheets: Sequence[Sheet], indexes: Sequence[str], places: Places) -> bytes:
    """Every page, and which pages are one issue in several languages (sitemaps.org 0.9)."""
    ET.register_namespace("", _MAP)
    ET.register_namespace("xhtml", _XHTML)
    root = ET.Element(f"{{{_MAP}}}urlset")
    for path in indexes:
        ET.SubElement(ET.SubElement(root, f"{{{_MAP}}}url"), f"{{{_MAP}}}loc").text = places.url(
            path
        )
    for sheet in sheets:
        url = ET.SubElement(root, f"{{{_MAP}}}url")
        ET.SubElement(url, f"{{{_MAP}}}loc").text = places.url(
            places.page(sheet.number, sheet.language)
        )
        ET.SubElement(url, f"{{{_MAP}}}lastmod").text = _stamp(sheet.updated)
        same = [other for other in sheets if other.number == sheet.number]
        for other in same if len(same) > 1 else []:
            href = places.url(places.page(other.number, other.language))
            attributes = {"rel": "alternate", "hreflang": other.language, "href": href}
            ET.SubElement(url, f"{{{_XHTML}}}link", attributes)
    return _written(root)


def midnight(date: dt.date) -> dt.datetime:
    """The beginning of a day, UTC."""
    return dt.datetime.combine(date, dt.time(), dt.UTC)


def _tag(sheet: Sheet, places: Places) -> str:
    host = urlsplit(places.root).hostname
    return f"tag:{host},{sheet.date.isoformat()}:{sheet.number}/{sheet.language}"


def _stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text or None
    return element


def _written(root: ET.Element) -> bytes:
    octets: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return octets + b"\n"
