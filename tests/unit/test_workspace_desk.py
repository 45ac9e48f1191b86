"""The editor's desk: when the next issue is due."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.workspace.desk import _coming

DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1))
FRIDAY = dt.date(2011, 9, 2)


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (FRIDAY, dt.date(2011, 9, 9)),
        (dt.date(2011, 9, 9), dt.date(2011, 9, 9)),
        (dt.date(2011, 9, 10), dt.date(2011, 9, 16)),
        (dt.date(2011, 10, 12), dt.date(2011, 10, 14)),
        (dt.date(2011, 8, 1), dt.date(2011, 9, 9)),
    ],
    ids=["the same day", "a week later", "a day late", "after a pause", "written ahead"],
)
def test_the_next_issue_is_due_on_the_coming_sending_day(today: dt.date, due: dt.date) -> None:
    """The weekday of the last issue, after it, and not in the past."""
    assert _coming(FRIDAY, today) == due


@given(DAYS, DAYS)
def test_it_is_the_first_such_day(last: dt.date, today: dt.date) -> None:
    """Whole weeks after the last issue; a week less would be the last issue, or in the past."""
    due = _coming(last, today)
    assert (due - last).days % 7 == 0
    assert due > last
    assert due >= today
    before = due - dt.timedelta(weeks=1)
    assert before <= last or before < today
