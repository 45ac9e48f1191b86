"""Reports: charts, plots, pages, speeds and metrics, made from values alone."""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback import resources
from flashback.model import Account, DeliveryState, Mailing, MailingState
from flashback.reporting import Domain, Figures, Watch, drawn, metrics, reasons_of
from flashback.reporting.chart import gathered
from flashback.reporting.page import duration, number, page, percent
from flashback.reporting.plot import HEIGHT, WIDTH, nice, plot_of

NOON = dt.datetime(2026, 12, 1, 12, 0, tzinfo=dt.UTC)
S = DeliveryState
Pace = Sequence[tuple[dt.datetime, int]]


def pace(*counts: int) -> Pace:
    """So many in each minute from noon; minutes with none are left out, as the ledger does."""
    return [(NOON + dt.timedelta(minutes=n), c) for n, c in enumerate(counts) if c]


def mailing(state: MailingState = MailingState.OPEN, /, **account: int) -> tuple[Mailing, Account]:
    counts = Account({S(name): count for name, count in account.items()})
    return (
        Mailing(
            id=12, issue_number="35", title="Flash-back", state=state, opened_at=NOON,
            audience=counts.audience, editions={},
        ),
        counts,
    )  # fmt: skip


def figures(*, reason: str = "", **account: int) -> Figures:
    found, counts = mailing(**account)
    return Figures(
        mailing=found,
        account=counts,
        reasons={S.REFUSED: reasons_of([(reason, 1)])} if reason else {},
        domains=[Domain(name=reason or "example.org", copies=2, accepted=1, open=1, seconds=5.0)],
        pace=pace(3, 0, 5),
        newsletter=reason or "Flash-back",
        made_at=NOON,
        zone=dt.UTC,
    )


paces = st.lists(
    st.tuples(st.integers(0, 5000).map(lambda n: NOON + dt.timedelta(minutes=n)),
              st.integers(1, 10_000)),
    min_size=1, max_size=60, unique_by=lambda pair: pair[0],
)  # fmt: skip


@given(paces, st.integers(1, 200))
def test_gathering_loses_nobody(counts: Pace, most: int) -> None:
    """However the minutes are gathered, the columns hold everybody, and are not too many."""
    columns = gathered(counts, most=most)
    assert columns is not None
    assert len(columns.per_minute) <= most
    minutes = int((max(m for m, _ in counts) - columns.begin).total_seconds()) // 60 + 1
    step = int(columns.step.total_seconds()) // 60
    spans = [step] * (len(columns.per_minute) - 1)
    spans.append(minutes - sum(spans))
    total = sum(value * span for value, span in zip(columns.per_minute, spans, strict=True))
    assert round(total) == sum(count for _, count in counts)


@given(paces, st.integers(20, 150))
def test_a_chart_fits_its_terminal(counts: Pace, width: int) -> None:
    """Each line of it; and each minute in which something was accepted can be seen."""
    lines = drawn(counts, width=width, height=6, zone=dt.UTC)
    # A span of days has two long labels, which a narrow terminal cannot hold side by side.
    assert max(map(len, lines[:7])) <= max(width, 24)
    assert re.search("[▁▂▃▄▅▆▇█]", lines[5])


def test_a_chart_shows_a_gap() -> None:
    """Scale on the left, hours below, nothing where nothing happened."""
    assert drawn(pace(8, 4, 0, 8), width=40, height=2, zone=dt.UTC) == [
        "  8 ┤████        ████",
        "  0 ┤████████    ████",
        "    └────────────────",
        "     12:00      12:04",
    ]
    assert drawn([], width=40, height=2, zone=dt.UTC) == []


@given(st.floats(0.1, 1e7))
def test_a_scale_holds_its_highest(highest: float) -> None:
    """It ends at a round number not far above."""
    top = nice(highest)
    assert top >= highest
    assert top <= max(highest * 2.0001, 4)


@given(paces)
def test_a_plot_stays_in_its_frame(counts: Pace) -> None:
    """No bar stands outside."""
    plot = plot_of(counts)
    assert plot is not None
    for bar in plot.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH + 0.01
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT
    assert plot_of([]) is None


def test_reasons_that_differ_by_the_reader_are_one() -> None:
    """Relays repeat the address; a report counts the reason, and shows nobody's."""
    told = reasons_of(
        [
            ("550 5.1.1 <ann@example.org>: unknown", 2),
            ("452 4.2.2 full", 4),
            ("550 5.1.1 <sam@example.org>: unknown", 3),
        ]
    )
    assert [(reason.text, reason.count) for reason in told] == [
        ("550 5.1.1 …@example.org: unknown", 5),
        ("452 4.2.2 full", 4),
    ]


@given(st.text(alphabet="<>&\"'/= abcé\x00\u202e", max_size=40))
def test_what_a_stranger_wrote_makes_no_element(hostile: str) -> None:
    """The page has the same elements and attributes whatever was said."""
    found = figures(reason=hostile or "x", accepted=1, refused=1)
    quiet = figures(reason="x", accepted=1, refused=1)
    told, expected = (page(f, templates(), language="en") for f in (found, quiet))
    assert re.findall("<[a-z/!][^>]*>", told) == re.findall("<[a-z/!][^>]*>", expected)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_page_tells_the_sum(language: str) -> None:
    """Every state with its count; an account that does not add up is shouted."""
    sound = page(figures(accepted=1200, planned=34), templates(), language=language)
    assert number(1234, language) in sound
    assert 'class="alarm"' not in sound
    found = figures(accepted=5)
    broken = Figures(mailing=mailing(accepted=6)[0], account=found.account, made_at=NOON)
    assert 'class="alarm"' in page(broken, templates(), language=language)


def test_numbers_as_people_write_them() -> None:
    """French thousands and commas; a share that is not all is never 100 %."""
    assert number(1234567, "fr") == "1\u202f234\u202f567"
    assert number(2.5, "en") == "2.5"
    assert percent(1, 3, "fr") == "33,3\xa0%"
    assert percent(99_999, 100_000, "en") == "> 99.9 %"
    assert percent(1, 100_000, "en") == "< 0.1 %"
    assert (percent(5, 5, "en"), percent(0, 5, "en"), percent(0, 0, "en")) == (
        "100 %", "0 %", "0 %",
    )  # fmt: skip
    spans = (None, 4.25, 44, 720, 11_100)
    assert [duration(s) for s in spans] == ["–", "4.2 s", "44 s", "12 min", "3 h 05"]


def test_speed_and_time_left() -> None:
    """Over the last minute, from what was seen; unknown at the first look."""
    watch = Watch()
    first = watch.seen(*mailing(planned=600), NOON)
    assert (first.per_minute, first.left, first.moving) == (None, None, True)
    later = watch.seen(*mailing(planned=500, accepted=100), NOON + dt.timedelta(seconds=30))
    assert (later.per_minute, later.left) == (200.0, dt.timedelta(seconds=150))
    for seconds in (60, 90, 120):
        last = watch.seen(*mailing(planned=500, accepted=100), NOON + dt.timedelta(seconds=seconds))
    assert (last.per_minute, last.left) == (0.0, None)
    assert round(last.share, 3) == round(1 / 6, 3)
    ended = watch.seen(
        *mailing(MailingState.PAUSED, planned=500, accepted=100), NOON + dt.timedelta(seconds=150)
    )
    assert not ended.moving


def test_metrics_quote_what_an_editor_wrote() -> None:
    """An issue's number cannot end its label."""
    found, counts = mailing(accepted=1)
    odd = Mailing(
        id=1, issue_number='3"5\\', title="", state=found.state, opened_at=NOON, audience=1,
        editions={},
    )  # fmt: skip
    assert 'issue="3\\"5\\\\",state="accepted"} 1' in metrics([(odd, counts)])


def templates() -> Path:
    """The shipped ones."""
    return resources.templates("web")
