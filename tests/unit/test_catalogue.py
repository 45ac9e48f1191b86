"""The French catalogue: complete, faithful, compiled."""

import importlib.util
import string
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from flashback.sentences import tr

TOOL = Path(__file__).parents[2] / "tools" / "catalogue.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool that collects and compiles."""
    spec = importlib.util.spec_from_file_location("catalogue", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["catalogue"] = module
    spec.loader.exec_module(module)
    return module


def placeholders(text: str) -> list[str]:
    """The fields of a sentence, whatever their order."""
    return sorted(str(name) for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def said(catalogue: Catalog) -> list[tuple[str, ...]]:
    """Each sentence with its translations."""
    together = ([*flat(m.id), *flat(m.string)] for m in catalogue if m.id)
    return sorted(tuple(words) for words in together)


def flat(words: str | Sequence[str] | None) -> list[str]:
    """A sentence, or its singular and plural."""
    return [words] if isinstance(words, str) else list(words or ())


def test_everything_said_is_in_the_catalogue(tool: ModuleType) -> None:
    """Collecting the sentences again changes nothing. Else: make catalogue."""
    assert tool.as_po(tool.merged(tool.read())) == tool.FRENCH.read_bytes()


def test_everything_has_its_french(tool: ModuleType) -> None:
    """No sentence waits for its translation."""
    assert tool.untranslated(tool.read()) == []


def test_translations_keep_the_fields(tool: ModuleType) -> None:
    """A sentence and its French have the same fields; nothing is lost, nothing made up."""
    for message in tool.read():
        if message.id and isinstance(message.id, str) and not message.id.startswith("%"):
            assert placeholders(message.string) == placeholders(message.id), message.id


def test_the_compiled_catalogue_is_its_source(tool: ModuleType) -> None:
    """What is installed is what was translated. Else: make catalogue."""
    with tool.COMPILED.open("rb") as file:
        compiled = read_mo(file)
    assert said(compiled) == said(tool.read())


def test_a_sentence_is_told_in_french() -> None:
    """A sentence is translated when it is shown, and its fields stay."""
    sentence = tr("Send to {count} readers?", count=60)
    assert sentence.in_language("fr") != str(sentence)
    assert "60" in sentence.in_language("fr")
