"""What of a purge needs no database: which words stay, and how large a page is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.store import paging, replies


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("550 5.1.1 <sam@example.org>: no such user", "550 5.1.1"),
        ("550 no such user", "550"),
        ("250 2.0.0 Ok: queued as 4ZQ", "250 2.0.0"),
        ("451 4.7.500", "451 4.7.500"),
        ("5.1.1 sam@example.org", "5.1.1"),
        ("550", "550"),
        ("550sam@example.org", ""),
        ("550 5.1.1sam@example.org", "550"),
        ("sam@example.org broke the line", ""),
        ("", ""),
    ],
)
def test_codes_stay_and_words_go(words: str, kept: str) -> None:
    """What counts in a report is kept, and nothing that could name anybody."""
    assert replies.codes(words) == kept


@given(st.text() | st.from_regex(r"\A[245]\d\d( [245]\.\d\.\d)?.*"))
def test_what_stays_is_none_of_what_goes(words: str) -> None:
    """Otherwise a purge would find it again each time."""
    kept = replies.codes(words)
    assert not kept.strip("0123456789. ")
    assert replies.codes(kept) == kept
    assert words.startswith(kept)


def test_pages_fit_the_time_that_they_take() -> None:
    """They grow while it is short, shrink when it is long, and never end at nobody."""
    sizes = [paging.FIRST]
    for took in (0.001, 0.001, 0.07, 3.0, *[0.001] * 9):
        sizes.append(paging.resized(sizes[-1], took))
    assert sizes[:5] == [20, 40, 80, 80, 40]
    assert sizes[-1] == paging.LARGEST
    assert paging.resized(1, 9.0) == 1
