"""The text of a Word file, line by line, by mammoth: it knows runs, fields and text boxes."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flashback import resources
from flashback.errors import FlashbackError
from flashback.model import (
    Break,
    Emphasis,
    Hyperlink,
    Inline,
    Line,
    Manuscript,
    Strong,
    Text,
    plain,
)
from flashback.sentences import Sentence, tr
from flashback.word import package
from flashback.word.unfolding import unfold, words_of

_HEADING: Final = re.compile(r"(?:heading|titre|title|عنوان)\s*([1-6])?", re.IGNORECASE)
_QUOTE: Final = re.compile(r"quot|citation|zitat|اقتباس", re.IGNORECASE)
_LINK: Final = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
_INDENTED: Final = 280  #: twentieths of a point: half a centimetre
_WORD: Final = re.compile(r"\w+")
_INVISIBLE: Final = re.compile("[\u200b\u2060\ufeff\u00ad]")


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters with one look."""

    text: str
    bold: bool
    italic: bool
    target: str


def read_docx(content: bytes) -> Manuscript:
    """The lines of a document. Raises FlashbackError with the way out."""
    parts = package.opened(content)
    for root in parts.values():
        unfold(root)
    document = _opened(package.packed(parts))
    reader = _Reader(document)
    lines = tuple(line for child in document.children for line in reader.lines(child))
    pieces = [piece for root in parts.values() for piece in words_of(root, "w:body")]
    return Manuscript(lines=lines, left_out=(*reader.left_out(), *_overlooked(pieces, lines)))


def _overlooked(pieces: Iterable[str], lines: Iterable[Line]) -> Iterator[Sentence]:
    """Words of the file that no line has. None, as far as anybody knows; it is looked at."""
    there = "".join(_WORD.findall(" ".join(line.text for line in lines).casefold()))
    words = [word for piece in pieces for word in _WORD.findall(_clean(piece).casefold())]
    gone = [word for word in dict.fromkeys(words) if word not in there]
    if gone:
        yield tr("Words were not understood, and left out: {words}", words=", ".join(gone[:50]))


def _opened(content: bytes) -> Any:
    """The document as mammoth's tree."""
    try:
        import mammoth  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise FlashbackError(
            tr("To read Word files a part is missing here."),
            hint=tr("Install it: {command}", command=resources.installs("docx")),
        ) from error
    seen: list[Any] = []

    def look(document: Any) -> Any:
        seen.append(document)
        return document.copy(children=[])

    try:
        mammoth.convert_to_html(
            io.BytesIO(content), transform_document=look, include_embedded_style_map=False
        )
    except RecursionError as error:
        raise FlashbackError(
            tr("It is nested too deeply to be read."),
            hint=tr("Copy its text into a new document, and try again."),
        ) from error
    except Exception as error:  # whatever a broken document makes of a library
        raise FlashbackError(
            tr("It cannot be read as a Word file: {reason}.", reason=error),
            hint=tr("Open it in Word or LibreOffice, save it as .docx, and try again."),
        ) from error
    return seen[0]


class _Reader:
    """One document; counts what has no words."""

    def __init__(self, document: Any) -> None:
        self._notes = document.notes
        self._comments = len(document.comments)
        self._pictures = 0
        self._told: set[tuple[str, str]] = set()  # notes: one may refer to itself
        self._strange: dict[str, None] = {}

    def left_out(self) -> Iterator[Any]:
        """What the lines do not have."""
        if self._pictures:
            yield tr("Pictures are left out: {count}.", count=self._pictures)
        if self._comments:
            yield tr("Comments are left out: {count}.", count=self._comments)
        for target in self._strange:
            yield tr("A link was left out, its words were kept: {url}", url=target)

    def lines(self, node: Any) -> Iterator[Line]:
        """The lines of a part of the document; cells of a table one after the other."""
        if type(node).__name__ != "Paragraph":
            for child in getattr(node, "children", ()):
                yield from self.lines(child)
            return
        notes: list[Any] = []
        inner: list[Any] = []
        runs = list(self._runs(node.children, notes, inner))
        yield from _lines(node, runs)
        for note in notes:
            for child in note.body:
                yield from self.lines(child)
        for child in inner:
            yield from self.lines(child)

    def _runs(
        self, nodes: Iterable[Any], notes: list[Any], inner: list[Any], *, bold: bool = False,
        italic: bool = False, target: str = "",
    ) -> Iterator[_Run | None]:  # fmt: skip
        """Characters with their looks; None is a line break."""
        for node in nodes:
            match type(node).__name__:
                case "Text":
                    yield _Run(node.value, bold, italic, target)
                case "Tab":
                    yield _Run(" ", bold, italic, target)
                case "Break":
                    yield None
                case "Image":
                    self._pictures += 1
                case "NoteReference":
                    notes += self._note(node)
                case "Run":
                    yield from self._runs(
                        node.children, notes, inner, bold=bold or bool(node.is_bold),
                        italic=italic or bool(node.is_italic), target=target,
                    )  # fmt: skip
                case "Hyperlink":
                    yield from self._runs(
                        node.children, notes, inner, bold=bold, italic=italic,
                        target=self._target(node.href),
                    )  # fmt: skip
                case "Paragraph" | "Table":
                    inner.append(node)
                case _:
                    yield from self._runs(
                        getattr(node, "children", ()), notes, inner, bold=bold, italic=italic,
                        target=target,
                    )  # fmt: skip

    def _note(self, reference: Any) -> list[Any]:
        """A foot- or endnote, the first time it is referred to."""
        key = (reference.note_type, reference.note_id)
        if key in self._told:
            return []
        self._told.add(key)
        try:
            return [self._notes.resolve(reference)]
        except KeyError:  # a reference to nothing
            return []

    def _target(self, href: str | None) -> str:
        """Where a link leads, if readers may go there."""
        url = (href or "").strip()
        if not url or _LINK.fullmatch(url):
            return url
        self._strange[url[:100]] = None
        return ""


def _lines(paragraph: Any, runs: list[_Run | None]) -> Iterator[Line]:
    style = paragraph.style_name or paragraph.style_id or ""
    heading = _HEADING.match(style)
    level = int(heading[1] or 0) if heading else None
    quote = bool(_QUOTE.search(style)) or _indent(paragraph) >= _INDENTED
    for part in _parts(runs):
        words = [run for run in part if run.text.strip()]
        if not words:
            continue
        bold = all(run.bold for run in words)
        italic = all(run.italic for run in words)
        looks = [replace(run, bold=run.bold and not bold, italic=run.italic and not italic)
                 for run in part]  # fmt: skip
        yield Line(
            children=_inlines(looks),
            level=level,
            bold=bold,
            quoted=paragraph.numbering is None and level is None and (quote or italic),
            item=paragraph.numbering is not None,
        )


def _indent(paragraph: Any) -> int:
    """How far the paragraph is moved in, in twentieths of a point."""
    start = paragraph.indent.start if paragraph.indent else None
    return int(start) if start and re.fullmatch("[0-9]{1,6}", str(start)) else 0


def _parts(runs: Iterable[_Run | None]) -> Iterator[list[_Run]]:
    """Runs between line breaks; neighbours that look alike are one."""
    part: list[_Run] = []
    for run in runs:
        if run is None:
            yield part
            part = []
            continue
        text = _clean(run.text)
        if not text:
            continue
        last = part[-1] if part else None
        if last and (last.bold, last.italic, last.target) == (run.bold, run.italic, run.target):
            part[-1] = replace(last, text=last.text + text)
        else:
            part.append(replace(run, text=text))
    yield part


def _clean(text: str) -> str:
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    return "".join(c if unicodedata.category(c) != "Cc" else " " for c in text)


def _inlines(runs: Sequence[_Run]) -> tuple[Inline, ...]:
    found: list[Inline] = []
    for n, run in enumerate(runs):
        node: Inline = Text(run.text)
        if not run.target and _may_be_stressed(runs, n):
            node = Strong((node,)) if run.bold else Emphasis((node,)) if run.italic else node
        if run.target and run.text.strip():
            last = found[-1] if found else None
            if isinstance(last, Hyperlink) and last.target == run.target:
                found[-1] = Hyperlink((Text(plain(last.children) + run.text),), run.target)
                continue
            node = Hyperlink((Text(run.text),), run.target)
        found.append(node)
    return trimmed(found)


def _may_be_stressed(runs: Sequence[_Run], n: int) -> bool:
    """Whether stress would be read as such: around whole words (CommonMark 6.2), in plain text."""
    before = runs[n - 1].text[-1:] if n else ""
    after = runs[n + 1].text[:1] if n + 1 < len(runs) else ""
    text = runs[n].text
    inside = text[:1].isalnum() and text[-1:].isalnum()
    return inside and not any(c.isalnum() or c in "*_" for c in before + after)


def trimmed(children: Iterable[Inline]) -> tuple[Inline, ...]:
    """Inlines without spaces at the ends, and with single ones between words."""
    found = [child for child in children if not isinstance(child, Break)]
    out: list[Inline] = []
    room = True
    for child in found:
        match child:
            case Text(text):
                text = re.sub(r"[ \t\r\n]+", " ", text)
                text = text.lstrip(" ") if room else text
                room = text.endswith(" ") if text else room
                out += [Text(text)] if text else []
            case Hyperlink(inner, target):
                words = re.sub(r"[ \t\r\n]+", " ", plain(inner)).strip()
                before = plain(inner)[:1].isspace() and not room
                after = plain(inner)[-1:].isspace()
                out += [Text(" ")] if before else []
                out += [Hyperlink((Text(words),), target)]
                out += [Text(" ")] if after else []
                room = after
            case _:
                out.append(child)
                room = False
    if out and isinstance(out[-1], Text):
        out[-1] = Text(out[-1].text.rstrip(" "))
    return tuple(node for node in out if node != Text(""))
