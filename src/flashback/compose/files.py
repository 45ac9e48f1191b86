"""The files of a theme: shipped ones, and a workspace's own which win one by one.

All of them are read once, so that a file changed during a mailing changes nothing.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flashback.errors import TemplateError
from flashback.sentences import Sentence, tr

_SUFFIXES: Final = (".j2", ".css", ".toml")
#: No template of a newsletter comes near it; MJML's parser is only asked about sane files.
_MOST_OCTETS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ThemeFile:
    """One file as it was read."""

    name: str  #: below the theme's folder, with slashes: ``partials/footer.mjml.j2``
    path: Path
    text: str

    def tree(self) -> dict[str, Any]:
        """The file as TOML. Raises TemplateError."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise TemplateError(
                tr("{file} is not valid TOML: {reason}", file=self.path, reason=error),
                hint=tr('Texts stand between double quotes: contents = "Au sommaire"'),
            ) from error


def read_files(folder: Path) -> Mapping[str, ThemeFile]:
    """All files of a theme's folder by name; none when there is no such folder."""
    return {file.name: file for file in _read(folder)}


def required(files: Mapping[str, ThemeFile], name: str, folder: Path) -> ThemeFile:
    """A file that no theme can do without. Raises TemplateError."""
    if name not in files:
        raise TemplateError(
            tr("The template {file} is missing.", file=folder / name),
            hint=tr("Install flashback again, or put the file back."),
        )
    return files[name]


def _read(folder: Path) -> Iterator[ThemeFile]:
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SUFFIXES or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        yield ThemeFile(name, path, _text(path))


def _text(path: Path) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise TemplateError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror),
            hint=tr("Check who may read the file, or remove it to use the shipped one."),
        ) from error
    if len(octets) > _MOST_OCTETS:
        raise _unfit(path, tr("{file} is too large for a template.", file=path))
    try:
        # A byte-order mark is how some editors of Windows greet the world.
        return octets.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _unfit(path, tr("{file} is not UTF-8 text.", file=path)) from error


def _unfit(path: Path, sentence: Sentence) -> TemplateError:
    hint = tr("Save {name} again as UTF-8 in your editor, or remove it.", name=path.name)
    return TemplateError(sentence, hint=hint)
