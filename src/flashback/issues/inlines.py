"""The inside of a paragraph: Markdown tokens to the model's inlines, line by line.

A paragraph is handed out as the lines it has in the file, because here a line can mean something
("Lire aussi : ..."). Promises that every link and picture in the answer has been checked and that
nothing is nested deeper than ``DEEPEST``.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it.token import Token

from flashback.issues.pictures import usable
from flashback.issues.remarks import Desk, short
from flashback.issues.urls import checked
from flashback.model import (
    Break,
    Code,
    Emphasis,
    Hyperlink,
    Inline,
    Picture,
    Strong,
    Text,
    plain,
)
from flashback.sentences import tr

#: Nobody stresses a stressed word a third time; a tree's readers recurse.
DEEPEST: Final = 12
_HTML: Final = re.compile(
    r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]{1,30});"
)
_HALF_LINK: Final = re.compile(r"\]\(|\]\[|\]\s+\((?:https?:|www\.)|\)\[(?:https?:|www\.)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a paragraph. A link whose address was refused has an empty target."""

    number: int
    children: tuple[Inline, ...]
    hard: bool = False  #: whether the editor insisted on its end


def run_of(lines: Sequence[Line]) -> Iterator[Inline]:
    """Lines as one run, refused links included: an ordinary line end is one space."""
    for index, line in enumerate(lines):
        yield from line.children
        if index + 1 < len(lines):
            yield Break() if line.hard else Text(" ")


def joined(lines: Sequence[Line]) -> tuple[Inline, ...]:
    """Lines as one run, as the model wants it."""
    return merged(sound(run_of(lines)))


def sound(children: Iterable[Inline]) -> Iterator[Inline]:
    """The run without refused links; their words stay."""
    for child in children:
        match child:
            case Hyperlink(inner, target=""):
                yield from sound(inner)
            case Emphasis(inner):
                yield Emphasis(merged(sound(inner)))
            case Strong(inner):
                yield Strong(merged(sound(inner)))
            case _:
                yield child


def merged(children: Iterable[Inline]) -> tuple[Inline, ...]:
    """The run with neighbouring texts made one."""
    run: list[Inline] = []
    for child in children:
        last = run[-1] if run else None
        if isinstance(child, Text) and isinstance(last, Text):
            run[-1] = Text(last.text + child.text)
        else:
            run.append(child)
    return tuple(run)


def unstressed(children: Iterable[Inline]) -> Iterator[Inline]:
    """The run with stress taken off, so that links lie on top."""
    for child in children:
        if isinstance(child, Emphasis | Strong):
            yield from unstressed(child.children)
        else:
            yield child


def lines_of(token: Token, first: int, desk: Desk) -> tuple[Line, ...]:
    """The lines of an inline token whose first line in the file is ``first``."""
    reader = _Reader(first, desk)
    for child in token.children or ():
        reader.take(child)
    return reader.finished()


@dataclass(slots=True)
class _Reader:
    number: int
    desk: Desk
    done: list[Line] = field(default_factory=list)
    #: open containers, outermost first; the first is the line itself
    stack: list[list[Inline]] = field(default_factory=lambda: [[]])
    targets: list[str] = field(default_factory=list)

    def take(self, token: Token) -> None:
        match token.type:
            case "text":
                self._text(token.content)
            case "code_inline":
                self._add(Code(token.content))
            case "softbreak" | "hardbreak":
                self._line_end(hard=token.type == "hardbreak")
            case "em_open" | "strong_open":
                self.stack.append([])
            case "link_open":
                self.stack.append([])
                self.targets.append(self._target(token))
            case "em_close":
                self._close(Emphasis)
            case "strong_close":
                self._close(Strong)
            case "link_close":
                children, target = merged(self.stack.pop()), self.targets.pop()
                self._add(Hyperlink(children, target))
                self._words(children)
            case _:
                # The grammar in use has one kind of token more: an image.
                self._picture(token)

    def finished(self) -> tuple[Line, ...]:
        self._line_end(hard=False)
        return tuple(self.done)

    def _add(self, inline: Inline) -> None:
        self.stack[-1].append(inline)

    def _close(self, kind: type[Emphasis] | type[Strong]) -> None:
        children = merged(self.stack.pop())
        if len(self.stack) > DEEPEST:
            self.stack[-1] += children
        else:
            self._add(kind(children))

    def _line_end(self, *, hard: bool) -> None:
        if len(self.stack) > 1:
            self._add(Break() if hard else Text(" "))
        else:
            self.done.append(Line(self.number, merged(self.stack[0]), hard=hard))
            self.stack[0] = []
        self.number += 1

    def _target(self, token: Token) -> str:
        return checked(str(token.attrs["href"]), self.number, self.desk.remarks)

    def _words(self, children: tuple[Inline, ...]) -> None:
        if not plain(children).strip():
            self.desk.remarks.error(
                self.number,
                "link-wordless",
                tr("A link has no words to click on."),
                tr("Write them between the brackets: {example}", example="[…](https://…)"),
            )

    def _picture(self, token: Token) -> None:
        alt = "".join(" " if c.type.endswith("break") else c.content for c in token.children or ())
        source = usable(str(token.attrs["src"]), alt.strip(), self.number, self.desk)
        if source:
            self._add(Picture(source, alt.strip()))

    def _text(self, text: str) -> None:
        if not text:
            return
        self._add(Text(text.replace("\t", " ")))
        remarks = self.desk.remarks
        if html := _HTML.search(text):
            remarks.warning(
                self.number,
                "html-typed",
                tr("“{text}” is HTML; readers would see it as it stands.", text=short(html[0])),
                tr("Delete it: *stress*, **heavy stress** and [links](https://…) need no HTML."),
            )
        if _HALF_LINK.search(text):
            remarks.error(
                self.number,
                "link-unclosed",
                tr("Half a link is visible in “{text}”.", text=short(text)),
                tr(
                    "Write it in one piece, without spaces in the address: {example}",
                    example="[…](https://…)",
                ),
            )
