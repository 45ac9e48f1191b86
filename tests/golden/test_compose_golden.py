"""Golden files: what the example issue looks like today, so that a change is seen and meant."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from editions import editions, files_of

from flashback.model import Edition


@pytest.fixture(scope="module")
def composed() -> dict[str, Edition]:
    return {edition.language: edition for edition in editions()}


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_golden(language: str, composed: dict[str, Edition]) -> None:
    """HTML and text are the golden ones. After a change that is meant: make golden."""
    for path, text in files_of(composed[language]).items():
        assert path.read_bytes().decode() == text, f"{path.name} differs; see: make golden"


def test_every_golden_file_has_an_edition(composed: dict[str, Edition]) -> None:
    """No golden file is left over."""
    found = {
        path for suffix in ("html", "txt") for path in Path(__file__).parent.glob(f"*.{suffix}")
    }
    assert found == {path for edition in composed.values() for path in files_of(edition)}


def test_sizes(composed: dict[str, Edition]) -> None:
    """The example stays far below the 102 kB at which Gmail cuts a mail."""
    assert all(len(edition.html.encode()) < 60_000 for edition in composed.values())
