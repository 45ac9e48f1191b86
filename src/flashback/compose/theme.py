"""A theme: templates, tokens and words, read and checked once, then never touched again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import jinja2

from flashback.compose.environment import Use, environment_of, uses
from flashback.compose.files import ThemeFile, read_files, required
from flashback.compose.kept import compiled_or_kept
from flashback.compose.settings import Tokens, read_tokens, read_words
from flashback.compose.words import Word, Words
from flashback.errors import TemplateError
from flashback.model import EDITION_LANGUAGES
from flashback.sentences import tr

HTML: Final = "issue.mjml.j2"
TEXT: Final = "issue.txt.j2"
INLINE: Final = "styles/inline.css"
_TOKENS: Final = "tokens.toml"
#: What the room itself says, beside what the templates ask for.
_SPOKEN: Final = (
    "articles",
    "date",
    "first_day",
    "issue_number",
    "label",
    "language_name",
    "read_more",
    "reason",
)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """All that makes an edition out of an issue. Made by ``load_theme``."""

    files: Mapping[str, ThemeFile]
    tokens: Tokens
    words: Mapping[str, Words]
    environment: jinja2.Environment

    @property
    def head_styles(self) -> tuple[str, ...]:
        """The style sheets of the head, in order of their names."""
        names = (n for n in self.files if n.startswith("styles/") and n.endswith(".css"))
        return tuple(sorted(name for name in names if name != INLINE))


def load_theme(
    *, templates: Path, overrides: Path | None = None, cache: Path | None = None
) -> Theme:
    """Read a theme; a workspace's own files win one by one, its TOML files key by key.

    Compiled templates are kept in the folder ``cache``, if any, for the next process. Raises
    TemplateError when a file is missing or does not compile, or when a word, a plural form or a
    token is missing that some template uses.
    """
    shipped = read_files(templates)
    own = read_files(overrides) if overrides else {}
    files = {**shipped, **own}
    for name in (HTML, TEXT, INLINE, _TOKENS, *_catalogues()):
        required(shipped, name, templates)
    compiled = compiled_or_kept(files, cache)
    asked = tuple(uses(files, compiled))
    used = {use.key for use in asked}
    _refuse_unused(own, shipped, used)
    tokens = read_tokens(shipped[_TOKENS], own.get(_TOKENS), used)
    words = {
        language: read_words(language, shipped[name], own.get(name), used)
        for language, name in zip(EDITION_LANGUAGES, _catalogues(), strict=True)
    }
    _check_includes(asked, files)
    _check_tokens(asked, tokens)
    for language, name in zip(EDITION_LANGUAGES, _catalogues(), strict=True):
        _check_words(asked, words[language], files[name])
    _check_styles(files.values())
    return Theme(
        files=files, tokens=tokens, words=words, environment=environment_of(files, compiled)
    )


def _catalogues() -> Iterator[str]:
    return (f"words/{language}.toml" for language in EDITION_LANGUAGES)


def _refuse_unused(
    own: Mapping[str, ThemeFile], shipped: Mapping[str, ThemeFile], used: Iterable[str]
) -> None:
    """A file of the workspace that nothing reads would change nothing and say nothing."""
    wanted = {*shipped, *used}
    for name, file in own.items():
        if name in wanted or (name.startswith("styles/") and name.endswith(".css")):
            continue
        near = get_close_matches(name, sorted(shipped), n=1, cutoff=0.5)
        raise TemplateError(
            tr("{file}: no template uses this file.", file=file.path),
            hint=tr("Did you mean “{near}”?", near=near[0])
            if near
            else tr("Remove it, or include it from a template."),
        )


def _check_includes(asked: Iterable[Use], files: Mapping[str, ThemeFile]) -> None:
    for use in asked:
        if use.root == "include" and use.key not in files:
            raise TemplateError(
                tr("{file} asks for “{name}”, which is missing.", file=use.file.path, name=use.key),
                hint=tr("Correct the name in the template, or add the file."),
            )


def _check_tokens(asked: Iterable[Use], tokens: Tokens) -> None:
    for use in asked:
        table, _, key = use.key.partition(".")
        if use.root == "tokens" and (table not in tokens or (key and key not in tokens[table])):
            raise _missing(use, use.key, use.file.path.with_name(_TOKENS).name)


def _check_words(asked: Iterable[Use], words: Words, file: ThemeFile) -> None:
    for key in _SPOKEN:
        if key not in words.entries:
            raise TemplateError(
                tr("{file}: the word “{key}” is missing.", file=file.path, key=key),
                hint=tr("docs/theme.md lists the words."),
            )
    for use in asked:
        if use.root != "words" or "." in use.key:
            continue
        if use.key not in words.entries:
            raise _missing(use, use.key, file.name)
        _check_call(use, words.entries[use.key])


def _check_call(use: Use, word: Word) -> None:
    if (word.fields or word.is_plural) and not use.called:
        raise TemplateError(
            tr(
                "{file}:{line}: “{key}” needs its fields.",
                file=use.file.path,
                line=use.line,
                key=use.key,
            ),
            hint=tr(
                "Write {key}({fields}=…).", key=use.key, fields="=…, ".join(sorted(word.fields))
            ),
        )


def _missing(use: Use, key: str, where: str) -> TemplateError:
    return TemplateError(
        tr(
            "{file}:{line}: “{key}” is not in {where}.",
            file=use.file.path,
            line=use.line,
            key=key,
            where=where,
        ),
        hint=tr("Add it there, or correct the template."),
    )


def _check_styles(files: Iterable[ThemeFile]) -> None:
    """Style sheets pass through XML and MJML, where these characters would not stay themselves."""
    for file in files:
        if file.name.endswith(".css"):
            for number, line in enumerate(file.text.split("\n"), start=1):
                if not line.isascii() or any(character in line for character in "\\<&"):
                    raise TemplateError(
                        tr(
                            "{file}:{line}: a style sheet for mail is ASCII without \\, < and &.",
                            file=file.path,
                            line=number,
                        ),
                        hint=tr("Write the line without that character."),
                    )
