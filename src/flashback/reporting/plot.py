"""The geometry of the page's plots, in the units of their SVG view boxes. Pure."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flashback.reporting.chart import Columns, gathered

WIDTH: Final = 720
HEIGHT: Final = 220
_LEFT: Final = 48  #: room for the labels of the scale
_BELOW: Final = 26  #: room for the hours
_ABOVE: Final = 10
_MOST_COLUMNS: Final = 120
_TICKS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A column of a plot."""

    x: float
    y: float
    width: float
    height: float
    at: dt.datetime
    per_minute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on a scale."""

    place: float  #: x of an hour, y of a height
    value: float = 0
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Bars over time, with their scales."""

    bars: tuple[Bar, ...]
    heights: tuple[Tick, ...]
    hours: tuple[Tick, ...]
    left: int = _LEFT
    right: int = WIDTH
    floor: int = HEIGHT - _BELOW
    width: int = WIDTH
    height: int = HEIGHT


def plot_of(pace: Sequence[tuple[dt.datetime, int]]) -> Plot | None:
    """The plot of what was accepted per minute; None when nothing was."""
    columns = gathered(pace, most=_MOST_COLUMNS)
    if columns is None or columns.highest == 0:
        return None
    top = nice(columns.highest)
    floor = HEIGHT - _BELOW
    scale = (floor - _ABOVE) / top
    return Plot(
        bars=tuple(_bars(columns, floor, scale)),
        heights=tuple(
            Tick(place=floor - top * n / _TICKS * scale, value=top * n / _TICKS)
            for n in range(_TICKS + 1)
        ),
        hours=tuple(_hours(columns)),
    )


def nice(highest: float) -> float:
    """The end of a scale that holds ``highest`` and divides well by four."""
    power = 10.0 ** math.floor(math.log10(highest))
    fitting = (n * power for n in (1, 2, 4, 6, 8, 10) if n * power >= highest)
    return max(next(fitting), float(_TICKS))


def _bars(columns: Columns, floor: int, scale: float) -> list[Bar]:
    step = (WIDTH - _LEFT) / max(len(columns.per_minute), 12)
    gap = min(step * 0.2, 3.0)
    return [
        Bar(
            x=round(_LEFT + n * step + gap / 2, 2),
            y=round(floor - value * scale, 2),
            width=round(step - gap, 2),
            height=round(value * scale, 2),
            at=columns.begin + columns.step * n,
            per_minute=value,
        )
        for n, value in enumerate(columns.per_minute)
        if value
    ]


def _hours(columns: Columns) -> list[Tick]:
    """About six moments along the time axis."""
    count = len(columns.per_minute)
    step = (WIDTH - _LEFT) / max(count, 12)
    every = max(1, math.ceil(count / 6))
    return [
        Tick(place=round(_LEFT + n * step, 2), at=columns.begin + columns.step * n)
        for n in range(0, count, every)
    ]
