"""When a mailing may leave: an hour as staff write it, and what is too late for it. Pure."""

import datetime as dt
from typing import Final

from flashback.model import Mailing

#: How late a scheduled mailing may start without a question, when staff set no limit.
_GRACE: Final = dt.timedelta(hours=1)


def moment(text: str, zone: dt.tzinfo | None) -> dt.datetime:
    """The hour in UTC of "2026-12-01 09:00", in that zone (None: the machine's) or its own offset.

    Raises ValueError for what is no hour; a day alone is none.
    """
    written = text.strip()
    hour = dt.datetime.fromisoformat(written)
    if ":" not in written:
        raise ValueError(written)
    local = hour if hour.tzinfo else hour.replace(tzinfo=zone)
    return local.astimezone(dt.UTC)


def shown(hour: dt.datetime, zone: dt.tzinfo | None) -> str:
    """An hour as staff write it."""
    return hour.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def until(mailing: Mailing, now: dt.datetime) -> dt.timedelta:
    """How long a mailing has to wait for its hour; zero when it may leave."""
    if mailing.not_before is None:
        return dt.timedelta(0)
    return max(mailing.not_before - now, dt.timedelta(0))


def too_late(mailing: Mailing, now: dt.datetime) -> bool:
    """Whether the hour of a mailing that has not begun is so long past that staff must be asked."""
    if mailing.not_after is not None:
        return now > mailing.not_after
    return mailing.not_before is not None and now > mailing.not_before + _GRACE
