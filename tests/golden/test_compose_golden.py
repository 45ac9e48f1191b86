"""Golden files: what the example issue looks like today, so that a change is seen and meant."""

import email
import email.policy
import re
import sys
from email.message import EmailMessage
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
    """HTML, text and message are the golden ones. After a change that is meant: make golden."""
    for path, content in files_of(composed[language]).items():
        assert path.read_bytes() == content, f"{path.name} differs; see: make golden"


def test_every_golden_file_has_an_edition(composed: dict[str, Edition]) -> None:
    """No golden file is left over."""
    found = {
        path
        for suffix in ("html", "txt", "eml")
        for path in Path(__file__).parent.glob(f"*.{suffix}")
    }
    assert found == {path for edition in composed.values() for path in files_of(edition)}


def test_sizes(composed: dict[str, Edition]) -> None:
    """The example stays far below the 102 kB at which Gmail cuts a mail."""
    assert all(len(edition.html.encode()) < 60_000 for edition in composed.values())


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_the_message_reads_back(language: str, composed: dict[str, Edition]) -> None:
    """The standard library finds both parts in the golden message, word for word but the slots."""
    message = email.message_from_bytes(
        (Path(__file__).parent / f"{language}.eml").read_bytes(), policy=email.policy.SMTP
    )
    assert isinstance(message, EmailMessage)
    for kind, whole in (("plain", composed[language].text), ("html", composed[language].html)):
        part = message.get_body((kind,))
        assert part is not None
        pieces = re.split(r"__FB_[A-Z_]+?__", whole.replace("\n", ""))
        content = part.get_content().replace("\r", "").replace("\n", "")
        assert all(piece in content for piece in pieces)
        assert "__FB_" not in content
