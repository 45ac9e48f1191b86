"""Collect what the program says to staff into the French catalogue, and compile it.

New sentences arrive untranslated, old ones leave. Click's own words are collected with ours, so
that "Usage" and "No such option" are French as well.
"""

import datetime as dt
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from flashback.cli.commands import flashback

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "flashback"
FRENCH = SOURCE / "locale" / "fr" / "LC_MESSAGES" / "flashback.po"
COMPILED = FRENCH.with_suffix(".mo")

OURS = {"tr": None, "mark": None}
CLICKS = {"_": None, "gettext": None, "ngettext": (1, 2)}
#: Click's words that flashback never says: shell completion, pagers, editors.
UNHEARD = {"shell_completion.py", "_termui_impl.py", "testing.py", "parser.py"}
HEADER = "# What flashback says to staff, in French."


def collected() -> Catalog:
    """Everything that is said, with the file it is said in."""
    found = Catalog(locale="fr", fuzzy=False)
    for folder, keywords in ((SOURCE, OURS), (Path(click.__file__).parent, CLICKS)):
        for file, _line, message, _comments, _context in extract_from_dir(
            folder, method_map=[("**.py", "python")], keywords=keywords
        ):
            if file not in UNHEARD:
                found.add(message, locations=[(f"{folder.name}/{file}", 0)])
    for command in commands(flashback):
        found.add(command.help or "", locations=[(f"{SOURCE.name}/cli", 0)])
    return found


def commands(group: click.Group) -> Iterator[click.Command]:
    """Every command with its help, which is the docstring of its function."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield command
        if isinstance(command, click.Group):
            yield from commands(command)


def merged(known: Catalog) -> Catalog:
    """What is said now, with the translations that are known."""
    result = Catalog(locale="fr", fuzzy=False, header_comment=HEADER)
    for message in sorted(collected(), key=lambda m: str(m.id)):
        if message.id:
            old = known.get(message.id)
            files = sorted({(file, 0) for file, _line in message.locations})
            result.add(message.id, old.string if old else "", locations=files)
    return result


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as text, without dates: the same content is the same file."""
    out = io.BytesIO()
    write_po(out, catalogue, width=98, omit_header=True, include_lineno=False)
    head = (
        f'{HEADER}\nmsgid ""\nmsgstr ""\n"Language: fr\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
    )
    return head.encode() + out.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """The catalogue compiled; its dates say nothing, so that the same content is the same file."""
    out = io.BytesIO()
    catalogue.creation_date = catalogue.revision_date = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    write_mo(out, catalogue)
    return out.getvalue()


def read() -> Catalog:
    """The French catalogue as it stands."""
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr")


def untranslated(catalogue: Catalog) -> list[str]:
    """What still waits for its French."""
    return [
        str(m.id)
        for m in catalogue
        if m.id and not (all(m.string) if isinstance(m.string, tuple) else m.string)
    ]


def main() -> None:
    """Collect, merge, compile; say what is missing."""
    FRENCH.parent.mkdir(parents=True, exist_ok=True)
    known = read() if FRENCH.exists() else Catalog(locale="fr")
    FRENCH.write_bytes(as_po(merged(known)))
    COMPILED.write_bytes(as_mo(read()))
    missing = untranslated(read())
    sys.stdout.write("".join(f"untranslated: {text}\n" for text in missing))


if __name__ == "__main__":
    main()
