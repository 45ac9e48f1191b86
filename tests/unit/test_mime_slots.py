"""Slots: one pass, escaped, and never a value taken for a slot."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.errors import TemplateError
from flashback.mime import fill_html, fill_text
from flashback.model import Slot

VALUES = {
    Slot.UNSUBSCRIBE_URL: "https://example.org/?a=1&b=2",
    Slot.READER_ADDRESS: "n@example.org",
    Slot.READER_NAME: "__FB_READER_ADDRESS__",
}


def test_html_is_escaped_and_text_is_not() -> None:
    """The same value, written for where it stands."""
    assert fill_html('<a href="__FB_UNSUBSCRIBE_URL__">', VALUES) == (
        '<a href="https://example.org/?a=1&amp;b=2">'
    )
    assert fill_text("__FB_UNSUBSCRIBE_URL__", VALUES) == "https://example.org/?a=1&b=2"


def test_a_name_that_looks_like_a_slot_stays_a_name() -> None:
    """Values are not looked at again."""
    assert fill_text("Bonjour __FB_READER_NAME__", VALUES) == "Bonjour __FB_READER_ADDRESS__"


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_no_name_gets_out_of_its_attribute(name: str) -> None:
    """Neither quote nor angle bracket survives in HTML."""
    filled = fill_html('<p title="__FB_READER_NAME__">', {Slot.READER_NAME: name})
    assert not set('<>"') & set(filled.removeprefix('<p title="').removesuffix('">'))


@pytest.mark.parametrize("fill", [fill_html, fill_text])
def test_unknown_slot_is_refused(fill: object) -> None:
    """A slot nobody can fill must not reach a reader."""
    assert callable(fill)
    with pytest.raises(TemplateError, match="SHOE_SIZE"):
        fill("__FB_SHOE_SIZE__", VALUES)
