"""When a mailing may leave: what staff type, and what is too late."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from flashback.model import Mailing, MailingState
from flashback.workspace import hours

NINE = dt.datetime(2026, 12, 1, 9, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def scheduled(*, not_after: dt.datetime | None = None) -> Mailing:
    return Mailing(
        id=1, issue_number="35", title="F", state=MailingState.SCHEDULED, opened_at=NINE - HOUR,
        audience=1, editions={}, not_before=NINE, not_after=not_after,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 09:00", "08:00"),
        (" 2026-12-01T09:00 ", "08:00"),
        ("2026-07-01 09:00", "07:00"),
        ("2026-12-01 09:00+05:00", "04:00"),
        ("2026-12-01T09:00Z", "09:00"),
    ],
)
def test_an_hour_is_one_of_the_zone(text: str, utc: str) -> None:
    """Summer and winter; an offset that was typed wins. It is shown as it was typed."""
    zone = ZoneInfo("Europe/Paris")
    hour = hours.moment(text, zone)
    assert hour.strftime("%H:%M") == utc
    assert hour.utcoffset() == dt.timedelta(0)
    if "+" not in text and "Z" not in text:
        assert hours.shown(hour, zone) == text.strip().replace("T", " ")


@pytest.mark.parametrize("text", ["", "tomorrow", "09:00", "2026-12-01", "2026-13-01 09:00"])
def test_what_is_no_hour(text: str) -> None:
    """A day alone would be midnight, which nobody means."""
    with pytest.raises(ValueError, match=r".*"):
        hours.moment(text, None)


def test_how_late_is_too_late() -> None:
    """An hour, or what staff said."""
    assert hours.until(scheduled(), NINE - HOUR) == HOUR
    assert hours.until(scheduled(), NINE + HOUR) == dt.timedelta(0)
    assert not hours.too_late(scheduled(), NINE + HOUR)
    assert hours.too_late(scheduled(), NINE + HOUR * 1.01)
    strict = scheduled(not_after=NINE + HOUR / 2)
    assert not hours.too_late(strict, NINE + HOUR / 2)
    assert hours.too_late(strict, NINE + HOUR * 0.6)
