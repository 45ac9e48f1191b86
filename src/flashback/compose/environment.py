"""Jinja2 as this house uses it: sandboxed, strict, and with errors that name file and line.

``select_autoescape`` would leave ``issue.mjml.j2`` unescaped, so autoescape is our own rule. All
sources are in memory and compiled at load: a mistake shows before an issue is typeset. ``kept``
spares the next process that.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flashback.compose.files import ThemeFile
from flashback.compose.lines import hang, wrap
from flashback.compose.phrases import Phrase
from flashback.errors import FlashbackError, TemplateError
from flashback.sentences import tr

_MARK: Final = re.compile("\ue000([^\ue000:]+):([0-9]+)\ue000")


@dataclass(frozen=True, slots=True)
class Use:
    """A place in a template that asks for ``words.x``, ``tokens.x.y`` or another template."""

    root: str  #: words, tokens or include
    key: str
    file: ThemeFile
    line: int
    called: bool = False


class Compiled(NamedTuple):
    """A template ready to run, and what it asks for by name; both can be marshalled."""

    code: CodeType
    asked: tuple[tuple[str, str, int, bool], ...]  #: root, key, line and called of each use


def compiled(files: Mapping[str, ThemeFile]) -> Mapping[str, Compiled]:
    """All templates by name. Raises TemplateError with the line of a syntax error."""
    environment = _plain(files, {})
    texts = {name: file for name, file in files.items() if not name.endswith(".toml")}
    return {name: _compiled(environment, name, file) for name, file in texts.items()}


def environment_of(
    files: Mapping[str, ThemeFile], templates: Mapping[str, Compiled]
) -> jinja2.Environment:
    """An environment over files in memory, all compiled."""
    return _plain(files, {name: template.code for name, template in templates.items()})


def uses(files: Mapping[str, ThemeFile], templates: Mapping[str, Compiled]) -> Iterator[Use]:
    """Everything the templates ask for by name."""
    for name, template in templates.items():
        for root, key, line, called in template.asked:
            yield Use(root, key, files[name], line, called)


def _compiled(environment: jinja2.Environment, name: str, file: ThemeFile) -> Compiled:
    try:
        tree = environment.parse(file.text, name, str(file.path))
        code = environment.compile(tree, name, str(file.path))
    except jinja2.TemplateSyntaxError as error:
        raise _at(file, error.lineno, error.message or "") from error
    return Compiled(code, tuple(_asked(tree)))


def _asked(tree: nodes.Template) -> Iterator[tuple[str, str, int, bool]]:
    called: set[int] = set()
    for node in tree.find_all((nodes.Call, nodes.Getattr)):
        if isinstance(node, nodes.Call):  # comes before what it calls
            called.add(id(node.node))
            continue
        path = _path(node)
        if path[0] in {"words", "tokens"}:
            yield path[0], ".".join(path[1:]), node.lineno, id(node) in called
    for referenced in find_referenced_templates(tree):
        if referenced is not None:
            yield "include", referenced, 0, False


def rendered(
    environment: jinja2.Environment,
    name: str,
    files: Mapping[str, ThemeFile],
    context: Mapping[str, object],
) -> str:
    """The template's output. Raises TemplateError naming the file and line that failed."""
    try:
        return environment.get_template(name).render(context)
    except FlashbackError:
        raise
    except Exception as error:  # a template can raise anything
        by_path = {str(file.path): file for file in files.values()}
        place, line = files[name], 0
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in by_path:
                place, line = by_path[frame.filename], frame.lineno or 0
        raise _at(place, line, str(error)) from error


def line_in_template(
    name: str,
    files: Mapping[str, ThemeFile],
    context: Mapping[str, object],
    position: tuple[int, int],
) -> tuple[ThemeFile, int]:
    """Which template line wrote the given line and column of the output (both from 1).

    The template is rendered again with a mark before each of its lines; only errors pay for it.
    """
    environment = _plain(files, {})
    environment.add_extension(_Traced)
    at, line, column = (files[name], 1), 1, 1
    parts = iter(_MARK.split(environment.get_template(name).render(context)))
    for written, marked, number in zip(parts, parts, parts, strict=False):
        line, column = _after(written, line, column)
        if (line, column) >= position:
            return at
        at = files[marked], int(number)
    return at


def _after(text: str, line: int, column: int) -> tuple[int, int]:
    """Where a position is after some more text."""
    head, newline, tail = text.rpartition("\n")
    return (line + head.count("\n") + 1, 1 + len(tail)) if newline else (line, column + len(text))


class _Traced(Extension):
    """Write name and number of each template line before it, between private characters."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type != "data":
                yield token
                continue
            lines = token.value.split("\n")
            numbered = (
                f"\ue000{stream.name}:{token.lineno + i}\ue000{line}"
                for i, line in enumerate(lines)
            )
            yield Token(token.lineno, "data", "\n".join(numbered))


class _Memory(jinja2.BaseLoader):
    """Templates from files in memory, and the code of those that were compiled before."""

    def __init__(self, files: Mapping[str, ThemeFile], codes: Mapping[str, CodeType]) -> None:
        self._files = files
        self._codes = codes

    def load(
        self,
        environment: jinja2.Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002  # the base class' own
    ) -> jinja2.Template:
        """The template of that name. Raises TemplateNotFound, TemplateSyntaxError."""
        if name not in self._files:
            raise jinja2.TemplateNotFound(name)
        file = self._files[name]
        code = self._codes.get(name) or environment.compile(file.text, name, str(file.path))
        return environment.template_class.from_code(
            environment, code, {} if globals is None else globals, lambda: True
        )


def _plain(files: Mapping[str, ThemeFile], codes: Mapping[str, CodeType]) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=_Memory(files, codes),
        autoescape=lambda name: name is not None and name.endswith((".mjml.j2", ".html.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
    )
    environment.filters["wrap"] = _wrap
    environment.filters["hang"] = hang
    return environment


def _wrap(phrase: Phrase, first: str = "", rest: str = "") -> str:
    return wrap(phrase.words, phrase.language, first, rest)


def _path(node: nodes.Expr) -> list[str]:
    """``words.contents`` as its names; a chain that begins otherwise has an empty first name."""
    names: list[str] = []
    while isinstance(node, nodes.Getattr):
        names.append(node.attr)
        node = node.node
    return [node.name if isinstance(node, nodes.Name) else "", *reversed(names)]


def _at(file: ThemeFile, line: int, reason: str) -> TemplateError:
    return TemplateError(
        tr("{file}:{line}: {reason}", file=file.path, line=line, reason=reason),
        hint=tr("Correct the line, or remove the file to use the shipped one."),
    )
