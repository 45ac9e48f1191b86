"""Jinja2 as this house uses it: sandboxed, strict, and with errors that name file and line.

``select_autoescape`` would leave ``issue.mjml.j2`` unescaped, so autoescape is our own rule. All
sources are in memory and compiled at load: a mistake shows before an issue is typeset.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

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


def environment_of(files: Mapping[str, ThemeFile]) -> jinja2.Environment:
    """An environment over files in memory, all compiled. Raises TemplateError."""
    environment = _plain(files)
    for name in files:
        if not name.endswith(".toml"):
            compiled(environment, name, files)
    return environment


def compiled(
    environment: jinja2.Environment, name: str, files: Mapping[str, ThemeFile]
) -> jinja2.Template:
    """One template. Raises TemplateError with the line of a syntax error."""
    try:
        return environment.get_template(name)
    except jinja2.TemplateSyntaxError as error:
        raise _at(files[name], error.lineno, error.message or "") from error


def uses(environment: jinja2.Environment, files: Mapping[str, ThemeFile]) -> Iterator[Use]:
    """Everything the templates ask for by name."""
    for name, file in files.items():
        if name.endswith(".toml"):
            continue
        assert isinstance(environment.loader, _Memory)
        tree = environment.loader.tree(environment, name)
        called = {id(call.node) for call in tree.find_all(nodes.Call)}
        for node in tree.find_all(nodes.Getattr):
            path = _path(node)
            if path[0] in {"words", "tokens"}:
                key = ".".join(path[1:])
                yield Use(path[0], key, file, node.lineno, id(node) in called)
        for referenced in find_referenced_templates(tree):
            if referenced is not None:
                yield Use("include", referenced, file, 0)


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
    environment = _plain(files)
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
    """Templates from files in memory; each is parsed once, for its code and for its ``uses``."""

    def __init__(self, files: Mapping[str, ThemeFile]) -> None:
        self._files = files
        self._trees: dict[str, nodes.Template] = {}

    def load(
        self,
        environment: jinja2.Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002  # the base class' own
    ) -> jinja2.Template:
        """The template of that name, compiled. Raises TemplateNotFound, TemplateSyntaxError."""
        tree = self.tree(environment, name)
        code = environment.compile(tree, name, str(self._files[name].path))
        return environment.template_class.from_code(
            environment, code, {} if globals is None else globals, lambda: True
        )

    def tree(self, environment: jinja2.Environment, name: str) -> nodes.Template:
        """What the template says."""
        if name not in self._files:
            raise jinja2.TemplateNotFound(name)
        if name not in self._trees:
            file = self._files[name]
            self._trees[name] = environment.parse(file.text, name, str(file.path))
        return self._trees[name]


def _plain(files: Mapping[str, ThemeFile]) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=_Memory(files),
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
