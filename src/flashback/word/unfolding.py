"""A part rewritten so that mammoth sees every word of it: it passes over what it does not know.

Text boxes, simple fields, formulas and runs of a stated direction become plain runs and
paragraphs (ECMA-376 part 1, section 17). Trees are changed in place.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

_SPACES: Final = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w:",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w:",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m:",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m:",
}
#: What mammoth reads, and what it leaves out with reason: words taken out by their author.
_KNOWN: Final = frozenset(
    f"w:{name}"
    for name in (
        "document", "body", "footnotes", "footnote", "endnotes", "endnote", "comments", "comment",
        "t", "r", "p", "fldChar", "instrText", "tab", "noBreakHyphen", "softHyphen", "sym", "br",
        "tbl", "tr", "tc", "customXml", "ins", "moveTo", "object", "smartTag", "txbxContent",
        "hyperlink", "sdt", "sdtContent", "del", "moveFrom", "pPr", "rPr", "pict", "drawing",
    )
)  # fmt: skip
_TAKEN_OUT: Final = ("w:del", "w:moveFrom")
_LINK: Final = re.compile(r'\s*HYPERLINK\s+(?:"([^"]*)"|([^\s\\"]+))')


def unfold(root: etree._Element) -> None:
    """Rewrite one part."""
    for choice in _every(root, "AlternateContent"):  # the same for new programs and for old ones
        branches = [branch for branch in choice if _worded(branch)]
        if branches:
            _replace(choice, list(branches[-1]))
    for drawing in _every(root, "w:drawing", "w:pict", "w:object"):
        boxes = _every(drawing, "w:txbxContent")
        if boxes:
            _replace(drawing, [box for box in boxes if not _inside(box, boxes)])
    for formula in _every(root, "m:oMath"):
        run = _made(root, "r")
        run.append(_made(root, "t", "".join(part.text or "" for part in _every(formula, "m:t"))))
        _replace(formula, [run])
    _unfold_fields(root)
    for element in list(root.iter()):
        if element is not root and name_of(element) not in _KNOWN and _worded(element):
            _replace(element, list(element))


def _unfold_fields(root: etree._Element) -> None:
    for field in _every(root, "w:fldSimple"):
        said = [str(value) for key, value in field.attrib.items() if str(key).endswith("instr")]
        _replace(field, _spelled_out(root, "".join(said), list(field)))
    for pieces in _instructions(root):
        link = _LINK.match("".join(piece.text or "" for piece in pieces))
        if link:  # switches go: mammoth takes '"https://…" \t "_blank"' for one address
            for piece in pieces[1:]:
                piece.text = ""
            pieces[0].text = f'HYPERLINK "{link[1] or link[2] or ""}"'


def words_of(root: etree._Element, around: str) -> Iterator[str]:
    """The text of each paragraph inside such elements, but for what its author took out."""
    for paragraph in (p for whole in _every(root, around) for p in _every(whole, "w:p")):
        yield "".join(
            part.text or "" if name_of(part) in {"w:t", "m:t"} else " "
            for part in paragraph.iter()
            if name_of(part) in {"w:t", "m:t", "w:tab", "w:br", "w:cr", "w:p"}
            and not any(name_of(around) in _TAKEN_OUT for around in part.iterancestors())
        )


def name_of(element: etree._Element) -> str:
    """A short name, such as "w:p"; without a prefix for what is not of text."""
    space, _, local = element.tag.rpartition("}")
    return _SPACES.get(space[1:], "") + local


def _every(root: etree._Element, *names: str) -> list[etree._Element]:
    return [element for element in root.iter() if name_of(element) in names]


def _worded(element: etree._Element) -> bool:
    return any((part.text or "").strip() for part in _every(element, "w:t", "m:t"))


def _inside(element: etree._Element, others: list[etree._Element]) -> bool:
    return any(around in others for around in element.iterancestors())


def _spelled_out(
    root: etree._Element, instruction: str, content: list[etree._Element]
) -> list[etree._Element]:
    """A simple field as a complex one, which mammoth knows, if it is a link."""
    if not _LINK.match(instruction):
        return content
    marks = []
    for kind in ("begin", "separate", "end"):
        mark = _made(root, "fldChar")
        mark.set(f"{{{etree.QName(root).namespace}}}fldCharType", kind)
        marks.append(mark)
    parts = [marks[0], _made(root, "instrText", instruction), marks[1], *content, marks[2]]
    run = _made(root, "r")
    run.extend(parts)
    return [run]


def _instructions(root: etree._Element) -> Iterator[list[etree._Element]]:
    """The pieces of each field's instruction, before its result or its end."""
    pieces: list[etree._Element] = []
    for element in _every(root, "w:fldChar", "w:instrText"):
        if name_of(element) == "w:instrText":
            pieces.append(element)
        elif pieces:
            yield pieces
            pieces = []


def _made(root: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """An element in the namespace of the part."""
    element = etree.Element(f"{{{etree.QName(root).namespace}}}{name}")
    element.text = text
    return element


def _replace(element: etree._Element, new: list[etree._Element]) -> None:
    around = element.getparent()
    if around is None:
        return
    at = around.index(element)
    around.remove(element)
    for number, other in enumerate(new):
        around.insert(at + number, other)
