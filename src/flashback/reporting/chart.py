"""A run of counts over time: gathered into columns, and drawn with block characters. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_EIGHTHS: Final = len(_BLOCKS) - 1
_MINUTE: Final = dt.timedelta(minutes=1)
#: Minutes that a column may stand for: what a person can count in.
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Counts per minute, one for each step of time; empty: nothing happened."""

    begin: dt.datetime
    step: dt.timedelta
    per_minute: tuple[float, ...]

    @property
    def end(self) -> dt.datetime:
        """When the last column ends."""
        return self.begin + self.step * len(self.per_minute)

    @property
    def highest(self) -> float:
        """The highest column."""
        return max(self.per_minute, default=0.0)


def gathered(pace: Iterable[tuple[dt.datetime, int]], *, most: int) -> Columns | None:
    """The counts of each minute in at most so many columns; None when there are none.

    Minutes without a count may be missing from ``pace``; they are zero.
    """
    counted = sorted(pace)
    if not counted:
        return None
    begin, last = counted[0][0], counted[-1][0]
    minutes = int((last - begin) / _MINUTE) + 1
    fitting = (step for step in _STEPS if -(-minutes // step) <= most)
    step = next(fitting, -(-minutes // max(most, 1)))
    totals = [0] * -(-minutes // step)
    for minute, count in counted:
        totals[int((minute - begin) / _MINUTE) // step] += count
    # The last step has hardly ever ended with its last minute.
    spans = [step] * (len(totals) - 1) + [minutes - step * (len(totals) - 1)]
    return Columns(
        begin=begin,
        step=_MINUTE * step,
        per_minute=tuple(total / span for total, span in zip(totals, spans, strict=True)),
    )


def drawn(
    pace: Sequence[tuple[dt.datetime, int]], *, width: int, height: int, zone: dt.tzinfo | None
) -> list[str]:
    """Lines of a terminal with accepted copies per minute over time; none when there were none.

    ``width`` is the terminal's, in columns; ``height`` that of the drawing, in lines.
    """
    label_width = max((len(f"{count:,}") for _, count in pace), default=1)
    columns = gathered(pace, most=max(width - label_width - 4, 10))
    if columns is None or columns.highest == 0:
        return []
    # A short run is drawn wide enough to be seen.
    wide = max(1, min(4, (width - label_width - 4) // len(columns.per_minute)))
    rows = []
    for row in range(height, 0, -1):
        label = f"{round(columns.highest):,}" if row == height else "0" if row == 1 else ""
        cells = (_cell(value / columns.highest, row, height) for value in columns.per_minute)
        rows.append(f"  {label:>{label_width}} ┤{''.join(cell * wide for cell in cells)}".rstrip())
    return [*rows, *_axis(columns, label_width, wide, zone)]


def _cell(share: float, row: int, height: int) -> str:
    """The part of a column that stands in one row, counted from 1 below."""
    eighths = share * height * _EIGHTHS
    # What happened is seen, however little of it there was.
    filled = max(round(eighths), 1 if share else 0) - (row - 1) * _EIGHTHS
    return _BLOCKS[min(max(filled, 0), _EIGHTHS)]


def _axis(columns: Columns, label_width: int, wide: int, zone: dt.tzinfo | None) -> list[str]:
    line = "─" * (len(columns.per_minute) * wide)
    begin, end = (moment.astimezone(zone) for moment in (columns.begin, columns.end))
    pattern = "%H:%M" if begin.date() == end.date() else "%Y-%m-%d %H:%M"
    left, right = begin.strftime(pattern), end.strftime(pattern)
    gap = " " * max(len(line) - len(left) - len(right), 2)
    margin = " " * (label_width + 3)
    return [f"{margin}└{line}", f"{margin} {left}{gap}{right}"]
