"""docs/configuration.md and the settings say the same."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from flashback.config import Config

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
#: A row of a table: its first cell.
ROW = re.compile(r"^\| (`.*?`) \|", re.MULTILINE)


def tables(kind: type, place: str = "") -> Iterator[tuple[str, type]]:
    """Every table with keys of its own, by its name in the file."""
    for name, hint in get_type_hints(kind).items():
        if isinstance(hint, type) and is_dataclass(hint):
            yield f"{place}{name}", hint
            yield from tables(hint, f"{place}{name}.")


def section(table: str) -> str:
    """What stands under the heading of a table."""
    return re.split(rf"^##+ \[{re.escape(table)}\]$", PAGE, flags=re.MULTILINE)[1].split("\n##")[0]


@pytest.mark.parametrize(("table", "kind"), [*tables(Config)])
def test_every_key_is_documented(table: str, kind: type) -> None:
    """Each key of each table has its row, and each row is a key."""
    rows = {key for row in ROW.findall(section(table)) for key in re.findall(r"`(\w+)`", row)}
    assert rows == {f.name for f in fields(kind)}


@pytest.mark.parametrize(("table", "kind"), [*tables(Config)])
def test_every_default_is_the_real_one(table: str, kind: type) -> None:
    """A default that stands in the page is the one in force."""
    settings = {f.name: f.default for f in fields(kind)}
    for line in section(table).splitlines():
        if not (row := ROW.match(line)) or "| Default |" not in section(table):
            continue
        keys = re.findall(r"`(\w+)`", row[1])
        told = re.findall(r"`(.*?)`", line.removesuffix("|").rpartition("|")[2])
        assert told == [written(settings[key]) for key in keys if settings[key] is not MAPPING]


MAPPING = next(f for f in fields(Config) if f.name == "segments").default


def written(value: object) -> str:
    """A default as it would stand in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else "[]" if value == () else str(value)


def test_the_tables_are_found() -> None:
    """Nested tables count, and tables of readers' own names have a heading as well."""
    assert {"relay", "relay.oauth", "dkim"} <= dict(tables(Config)).keys()
    assert section("relays.NAME")
    assert section("segments")
