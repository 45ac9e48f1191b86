"""When to try again."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from flashback.dispatch import retry
from flashback.dispatch.retry import RetryPolicy

AT = dt.datetime(2011, 9, 2, 9, 0, tzinfo=dt.UTC)
POLICY = RetryPolicy()


def wait(attempt: int, delivery_id: int = 1) -> dt.timedelta:
    due = retry.after(POLICY, delivery_id=delivery_id, attempt=attempt, at=AT, first_tried_at=None)
    assert due is not None
    return due - AT


def test_first_wait_is_a_quarter_of_an_hour_and_a_little() -> None:
    """The first retry comes after first_wait, lengthened by at most a quarter."""
    assert dt.timedelta(minutes=15) <= wait(1) < dt.timedelta(minutes=19)


def test_waits_double_up_to_the_longest() -> None:
    """The wait doubles with each attempt and stops growing at longest_wait."""
    assert dt.timedelta(minutes=30) <= wait(2) < dt.timedelta(minutes=38)
    assert dt.timedelta(hours=6) <= wait(9) < dt.timedelta(hours=7, minutes=31)


def test_patience_ends() -> None:
    """No retry is due later than give_up_after since the first try."""
    first = AT - dt.timedelta(hours=47, minutes=50)
    assert retry.after(POLICY, delivery_id=1, attempt=9, at=AT, first_tried_at=first) is None


@given(attempt=st.integers(1, 10_000), delivery_id=st.integers(1, 2**62))
def test_never_before_the_attempt_and_always_the_same(attempt: int, delivery_id: int) -> None:
    """A due time lies after its attempt, and asking twice gives the same answer."""
    assert wait(attempt, delivery_id) == wait(attempt, delivery_id) > dt.timedelta()


def test_a_thousand_deliveries_do_not_come_back_at_once() -> None:
    """Jitter spreads deliveries that were deferred in the same second."""
    assert len({wait(1, n) for n in range(1000)}) > 990
