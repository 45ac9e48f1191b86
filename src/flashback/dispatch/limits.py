"""How fast mail may leave, and when: settings as values, and the hours that they close. Pure.

``zone`` is where hours and days are counted; None is the machine's own time zone.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours of each day in which nothing leaves; they may span midnight."""

    begin: dt.time
    end: dt.time

    def __post_init__(self) -> None:
        if self.begin == self.end:
            msg = "quiet hours begin and end at different times"
            raise ValueError(msg)

    def until(self, now: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime | None:
        """When the quiet hours end that it is in now, in UTC; None outside of them."""
        local = now.astimezone(zone)
        hour = local.time()
        if self.begin < self.end:
            is_quiet = self.begin <= hour < self.end
        else:
            is_quiet = hour >= self.begin or hour < self.end
        if not is_quiet:
            return None
        return moment(local.date() if hour < self.end else local.date() + _DAY, self.end, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may leave at most. None and empty mean: as much as the relay takes."""

    per_minute: float | None = None  #: over all relays and senders
    relay: str = ""  #: names the relay whose own limit follows
    relay_per_minute: float | None = None
    per_domain: Mapping[str, float] = field(default_factory=dict)  #: a minute, by domain of readers
    quiet: QuietHours | None = None
    zone: dt.tzinfo | None = dt.UTC
    warm_up: Sequence[int] = ()  #: most messages on each of the first days
    warm_up_since: dt.date | None = None  #: the first of these days

    def on(self, day: dt.date) -> int | None:
        """Most messages on that day; None: no limit, or no longer."""
        if not self.warm_up or self.warm_up_since is None:
            return None
        index = max((day - self.warm_up_since).days, 0)
        return self.warm_up[index] if index < len(self.warm_up) else None

    def next_day(self, now: dt.datetime) -> dt.datetime:
        """When tomorrow begins, in UTC."""
        return moment(now.astimezone(self.zone).date() + _DAY, dt.time(), self.zone)


def moment(day: dt.date, hour: dt.time, zone: dt.tzinfo | None) -> dt.datetime:
    """A time on the wall, in UTC.

    Where clocks are set forward or back, it may be missing or come twice: then the later reading.
    """
    wall = dt.datetime.combine(day, hour, zone)
    return max(wall.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))
