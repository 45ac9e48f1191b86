"""The words of the archive's pages: one TOML file for each language, a workspace's own first."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from flashback.errors import TemplateError
from flashback.sentences import tr

Words = Mapping[str, str]


def read_words(language: str, templates: Sequence[Path]) -> Words:
    """The words of one language, key by key from the first folder that has it."""
    words: dict[str, str] = {}
    for folder in reversed(templates):
        file = folder / "words" / f"{language}.toml"
        if not file.exists():
            continue
        try:
            words.update(tomllib.loads(file.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise TemplateError(
                tr("{place}: {reason}", place=file, reason=error),
                hint=tr("Correct the line, or remove the file to use the shipped one."),
            ) from error
    return words
