"""How fast, and when."""

import datetime as dt
import itertools
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from dispatch_bench import MAILING, SLOWER, Bench, Book, Said
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flashback.dispatch import Limits, Pace, QuietHours, dispatch
from flashback.model import DeliveryState, Message, Result

S = DeliveryState
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
NIGHT = QuietHours(dt.time(22), dt.time(7))
RABAT = ZoneInfo("Africa/Casablanca")


def mixed(**domains: int) -> list[str]:
    """Readers of several domains, in turns."""
    left, readers = Counter(domains), []
    while left := +left:
        for name in list(left):
            readers.append(f"r{left[name]}@{name}.example.org")
            left[name] -= 1
    return readers


def most_in_a_minute(times: list[dt.datetime]) -> int:
    return max((sum(t <= u < t + MINUTE for u in times) for t in times), default=0)


def limited(bench: Bench, limits: Limits) -> Pace:
    return Pace(limits, bench.ledger.draw)


@settings(max_examples=40, deadline=None)
@given(
    overall=st.none() | st.floats(0.4, 200),
    relay=st.none() | st.floats(0.4, 200),
    domain=st.none() | st.floats(0.4, 200),
    seconds=st.sampled_from([0.0, 0.01, 0.3]),
    ahead=st.integers(1, 4),
    readers=st.integers(1, 60),
)
def test_no_limit_is_passed_in_any_minute(
    *,
    overall: float | None,
    relay: float | None,
    domain: float | None,
    seconds: float,
    ahead: int,
    readers: int,
) -> None:
    """Wherever a minute begins, no more leaves in it than the limits say; and all leave."""
    bench = Bench(mixed(a=readers, b=readers // 2), seconds=seconds, ahead=ahead)
    taken: list[tuple[str, dt.datetime]] = []

    def script(message: Message) -> Said:
        taken.append((message.claim.address.domain, bench.clock.now()))
        return Result.ACCEPTED

    bench.relay.script = script
    limits = Limits(
        per_minute=overall,
        relay="one",
        relay_per_minute=relay,
        per_domain={} if domain is None else {"a.example.org": domain},
    )
    dispatch(bench.line(pace=limited(bench, limits), window=200, batch=50), MAILING)
    assert bench.account == {S.ACCEPTED: readers + readers // 2}
    slack = ahead - 1  # taken by the relay in one minute, spoken in the next
    for limit, times in [
        (overall, [t for _, t in taken]),
        (relay, [t for _, t in taken]),
        (domain, [t for d, t in taken if d == "a.example.org"]),
    ]:
        if limit is not None:
            assert most_in_a_minute(times) <= max(1, int(limit)) + slack


def test_a_limit_is_used_up() -> None:
    """A limit is no brake below itself: an hour's worth takes about an hour."""
    bench = Bench(600)
    dispatch(bench.line(pace=limited(bench, Limits(per_minute=60)), window=50), MAILING)
    assert bench.account == {S.ACCEPTED: 600}
    assert 9 * 60 <= bench.seconds() <= 10.5 * 60
    assert bench.ledger.calls["draw"] < 2 * bench.seconds() + 2


def test_two_senders_share_a_limit() -> None:
    """The buckets are in the store: two senders together pass a limit by a handful at most."""
    bench = Bench(1)
    one, two = (limited(bench, Limits(per_minute=60)) for _ in range(2))
    left: list[dt.datetime] = []
    while bench.seconds() < 300:
        for pace in (one, two):
            now = bench.clock.now()
            if not pace.wait(now):
                pace.spend("example.org", now)
                left.append(now)
        bench.clock.forward(dt.timedelta(seconds=0.1))
    assert len(left) <= 300 + 10
    assert most_in_a_minute(left) <= 60 + 2 * 10


def test_a_slow_domain_holds_up_nobody_else() -> None:
    """Messages of a limited domain stand aside, and others go first."""
    bench = Bench(mixed(slow=30, fast=30), seconds=0.001)
    limits = Limits(per_domain={"slow.example.org": 6})
    dispatch(bench.line(pace=limited(bench, limits), window=100), MAILING)
    when = {a: (t - bench.began).total_seconds() for a, t in bench.relay.accepted_at}
    assert max(t for a, t in when.items() if "fast" in a) < 1
    assert 4 * 60 < max(when.values()) < 6 * 60
    order = [a for a, _ in bench.relay.accepted_at if "slow" in a]
    assert order == [f"r{n}@slow.example.org" for n in range(30, 0, -1)]


def test_what_stands_aside_is_bounded_and_the_surplus_comes_back_in_time() -> None:
    """Two windows wait here; the surplus is put off, untried, and still all leave in one run."""
    bench = Bench(mixed(slow=60, fast=20), seconds=0.001)
    limits = Limits(per_domain={"slow.example.org": 6})
    dispatch(bench.line(pace=limited(bench, limits), window=10), MAILING)
    put_off = [s for s in bench.told if s.state is S.DEFERRED]
    assert len(put_off) >= 20
    assert {s.outcome.result for s in put_off} == {Result.UNTRIED}
    assert all(s.due_at and s.due_at > s.outcome.at for s in put_off)
    due = sorted(s.due_at for s in put_off if s.due_at)
    assert min(b - a for a, b in itertools.pairwise(due)) >= dt.timedelta(seconds=10)
    assert bench.account == {S.ACCEPTED: 80}
    assert bench.seconds() < 60 / 6 * 60 * 1.2
    assert {row.attempts for row in bench.ledger.rows.values()} == {1}


@pytest.mark.parametrize("sent", [1, 2])
def test_a_clock_that_is_set_back_does_not_stop_the_mailing(sent: int) -> None:
    """An hour back costs at most a minute's waiting, not an hour's."""
    bench = Bench(1)
    pace = limited(bench, Limits(per_minute=2))
    for _ in range(sent):
        while pace.wait(bench.clock.now()):
            bench.clock.forward(dt.timedelta(seconds=1))
        pace.spend("example.org", bench.clock.now())
    bench.clock.forward(-HOUR)
    bench.ledger._buckets.clear()  # a store's bucket is its own affair
    pace.wait(bench.clock.now())
    assert pace.wait(bench.clock.now()) <= 60


# 421 and 4.7.x -----------------------------------------------------------------------------------


def slow_until(bench: Bench, minutes: float) -> None:
    """slow.example.org says 421 for so many minutes."""

    def script(message: Message) -> Said:
        is_slow = message.claim.address.domain == "slow.example.org"
        return ("dot", SLOWER) if is_slow and bench.seconds() < minutes * 60 else Result.ACCEPTED

    bench.relay.script = script


def test_a_domain_that_says_slower_is_left_alone() -> None:
    """The reader's try counts and is deferred; the domain's others wait untried for a minute."""
    bench = Bench(mixed(slow=5, fast=5))
    slow_until(bench, 1)
    dispatch(bench.line(), MAILING)
    assert bench.account == {S.ACCEPTED: 5, S.DEFERRED: 5}
    rows = [
        r for n, r in bench.ledger.rows.items() if "slow" in bench.ledger.readers[n].address.domain
    ]
    assert [row.attempts for row in rows] == [1, 0, 0, 0, 0]
    waits = [row.due_at - bench.began for row in rows[1:] if row.due_at]
    assert all(MINUTE <= wait <= 1.25 * MINUTE for wait in waits)
    assert len(set(waits)) == 4


def test_holds_grow_and_an_acceptance_ends_them() -> None:
    """1, 2, 4, 8, 16, 30, 30 minutes; after a message was taken, one minute again."""
    bench = Bench(["r@slow.example.org"])
    (claim,) = bench.ledger.claim(MAILING, owner="me", limit=1, now=bench.clock.now())
    message = bench.line().build(claim)
    pace = limited(bench, Limits())
    lengths: list[float] = []
    for _ in range(7):
        heard = bench.relay._outcome(message, ("rcpt", SLOWER))
        assert pace.holds.hear_refusal(heard) is False
        assert pace.holds.hear_refusal(heard) is True
        began = bench.clock.now()
        while pace.held_until(claim, bench.clock.now()):
            bench.clock.forward(dt.timedelta(seconds=10))
        lengths.append((bench.clock.now() - began) / MINUTE)
    assert lengths == [1, 2, 4, 8, 16, 30, 30]
    pace.holds.hear_acceptance(bench.relay._outcome(message, Result.ACCEPTED))
    assert pace.is_free
    pace.holds.hear_refusal(bench.relay._outcome(message, ("rcpt", SLOWER)))
    until = pace.held_until(claim, bench.clock.now())
    assert until is not None
    assert until - bench.clock.now() < 1.3 * MINUTE


def test_an_acceptance_within_a_hold_does_not_end_it() -> None:
    """A message that was on its way when the domain said "slower" proves nothing."""
    bench = Bench(["r@slow.example.org"])
    (claim,) = bench.ledger.claim(MAILING, owner="me", limit=1, now=bench.clock.now())
    message = bench.line().build(claim)
    pace = limited(bench, Limits())
    pace.holds.hear_refusal(bench.relay._outcome(message, ("dot", SLOWER)))
    pace.holds.hear_acceptance(bench.relay._outcome(message, Result.ACCEPTED))
    assert pace.held_until(claim, bench.clock.now())


def test_what_stands_aside_is_put_off_when_its_domain_is_held() -> None:
    """A token is of no use while the domain is left alone: nobody waits for one here."""
    bench = Bench(mixed(slow=20))

    def script(_message: Message) -> Said:
        return Result.ACCEPTED if bench.seconds() < 5 else ("dot", SLOWER)

    bench.relay.script = script
    limits = Limits(per_domain={"slow.example.org": 6})
    dispatch(bench.line(pace=limited(bench, limits), window=30), MAILING)
    assert bench.account == {S.ACCEPTED: 1, S.DEFERRED: 19}
    assert sum(row.attempts for row in bench.ledger.rows.values()) == 2
    assert bench.seconds() < 30


def test_a_patient_run_comes_back_to_a_slow_domain() -> None:
    """Held, deferred, waited for, and accepted in the end."""
    bench = Bench(mixed(slow=8, fast=3))
    slow_until(bench, 5)
    dispatch(bench.line(patience=dt.timedelta(days=2)), MAILING)
    assert bench.account == {S.ACCEPTED: 11}


# Quiet hours and warm-up --------------------------------------------------------------------------


def test_nothing_is_claimed_in_quiet_hours() -> None:
    """At night the relay is not called; the pace says when to come back."""
    bench = Bench()
    bench.clock.at = dt.datetime(2011, 9, 2, 23, 30, tzinfo=dt.UTC)
    pace = limited(bench, Limits(quiet=NIGHT))
    dispatch(bench.line(pace=pace), MAILING)
    assert bench.ledger.calls["claim"] == 0
    assert bench.relay.connections == 0
    assert pace.closed_until(bench.clock.now()) == dt.datetime(2011, 9, 3, 7, tzinfo=dt.UTC)


def test_quiet_hours_that_begin_end_the_run() -> None:
    """What was claimed and not yet taken is given back when the evening comes."""
    bench = Bench(100, seconds=60)
    bench.clock.at = dt.datetime(2011, 9, 2, 21, 30, tzinfo=dt.UTC)
    dispatch(bench.line(pace=limited(bench, Limits(quiet=NIGHT)), window=100), MAILING)
    assert bench.account == {S.ACCEPTED: 30, S.PLANNED: 70}


def test_patience_bridges_the_night() -> None:
    """A patient run sleeps until the morning and goes on."""
    bench = Bench(100, seconds=60)
    bench.clock.at = dt.datetime(2011, 9, 2, 21, 30, tzinfo=dt.UTC)
    line = bench.line(pace=limited(bench, Limits(quiet=NIGHT)), patience=12 * HOUR)
    dispatch(line, MAILING)
    assert bench.account == {S.ACCEPTED: 100}
    assert all(7 <= at.hour < 23 for _, at in bench.relay.accepted_at)


def test_a_patient_run_does_not_wait_for_the_morning_with_nothing_to_do() -> None:
    """A mailing that has come to its end is finished at once, at whatever hour."""
    bench = Bench(0)
    bench.clock.at = dt.datetime(2011, 9, 2, 23, 30, tzinfo=dt.UTC)
    dispatch(bench.line(pace=limited(bench, Limits(quiet=NIGHT)), patience=12 * HOUR), MAILING)
    assert bench.pauses == []


def test_quiet_hours_are_hours_of_the_zone() -> None:
    """22:00 is 22:00 on the wall where the newsletter is at home."""
    utc = dt.datetime(2011, 12, 2, 23, 30, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(dt.UTC)
    assert NIGHT.until(utc, ZoneInfo("Asia/Tokyo")) == dt.datetime(2011, 12, 2, 22, tzinfo=dt.UTC)
    assert NIGHT.until(utc, dt.UTC) is None


def test_quiet_hours_within_a_day() -> None:
    """They need not span midnight."""
    noon = QuietHours(dt.time(12), dt.time(14))
    at = dt.datetime(2011, 9, 2, 13, tzinfo=dt.UTC)
    assert noon.until(at, dt.UTC) == at + HOUR
    assert noon.until(at + HOUR, dt.UTC) is None
    assert noon.until(at - 2 * HOUR, dt.UTC) is None


def test_an_hour_that_comes_twice_ends_the_night_the_second_time() -> None:
    """Where clocks are set back, 02:30 is the later one; where it is missing, what comes after."""
    late = QuietHours(dt.time(23), dt.time(2, 30))
    paris = ZoneInfo("Europe/Paris")
    autumn = dt.datetime(2011, 10, 29, 23, tzinfo=dt.UTC)
    assert late.until(autumn, paris) == dt.datetime(2011, 10, 30, 1, 30, tzinfo=dt.UTC)
    spring = dt.datetime(2011, 3, 27, 0, 45, tzinfo=dt.UTC)
    assert late.until(spring, paris) == dt.datetime(2011, 3, 27, 1, 30, tzinfo=dt.UTC)


def test_quiet_hours_have_a_length() -> None:
    """The same hour twice would be never, or always."""
    with pytest.raises(ValueError, match="different"):
        QuietHours(dt.time(7), dt.time(7))


@given(
    hours=st.floats(0, 20 * 365 * 24),
    begin=st.times(),
    end=st.times(),
    zone=st.sampled_from([dt.UTC, None, RABAT, ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Beirut")]),
)
def test_quiet_hours_end_in_the_future_and_soon(
    hours: float, begin: dt.time, end: dt.time, zone: dt.tzinfo | None
) -> None:
    """Whatever clocks do that night, the end lies ahead, within a day and an hour."""
    assume(begin != end)
    now = dt.datetime(2010, 1, 1, tzinfo=dt.UTC) + hours * HOUR
    until = QuietHours(begin, end).until(now, zone)
    if until is not None:
        assert now < until <= now + dt.timedelta(hours=25)


def test_a_warm_up_ends_the_day_at_its_limit() -> None:
    """So many on the first day, so many on the next; after the last, as many as there are."""
    bench = Bench(200)
    bench.clock.at = dt.datetime(2011, 9, 2, 9, tzinfo=dt.UTC)
    limits = Limits(warm_up=(30, 60), warm_up_since=dt.date(2011, 9, 2))
    days = []
    for _ in range(3):
        pace = limited(bench, limits)
        dispatch(bench.line(pace=pace, window=50), MAILING)
        days.append(bench.account[S.ACCEPTED])
        closed = pace.closed_until(bench.clock.now())
        if closed is not None:
            assert closed.time() == dt.time()
            bench.clock.at = closed
    assert days == [30, 90, 200]


def test_a_spent_day_is_closed_at_once() -> None:
    """The moment the last token is gone, the pace says until when."""
    bench = Bench(1)
    pace = limited(bench, Limits(warm_up=(1,), warm_up_since=bench.began.date()))
    now = bench.clock.now()
    assert (pace.closed_until(now), pace.wait(now)) == (None, 0.0)
    pace.spend("example.org", now)
    assert pace.wait(now) > 0
    assert pace.closed_until(now) == dt.datetime(2011, 9, 3, tzinfo=dt.UTC)


def test_a_warm_up_counts_over_runs_and_senders() -> None:
    """The day's allowance is in the store: a second run of the day gets what is left."""
    bench = Bench(200)
    limits = Limits(warm_up=(50,), warm_up_since=bench.began.date())
    dispatch(bench.line(pace=limited(bench, limits), window=50), MAILING, limit=20)
    dispatch(bench.line(pace=limited(bench, limits), window=50), MAILING)
    assert bench.account[S.ACCEPTED] == 50
    dispatch(bench.line(pace=limited(bench, limits), window=50), MAILING)
    assert bench.account[S.ACCEPTED] == 50


def test_patience_carries_a_warm_up_over_days() -> None:
    """A patient run goes on each midnight."""
    bench = Bench(100)
    limits = Limits(warm_up=(30, 60), warm_up_since=bench.began.date())
    dispatch(bench.line(pace=limited(bench, limits), patience=25 * HOUR, window=50), MAILING)
    assert bench.account == {S.ACCEPTED: 100}
    assert bench.clock.now().date() == bench.began.date() + dt.timedelta(days=2)


def test_before_its_first_day_a_warm_up_is_as_on_that_day() -> None:
    """Nobody gets round it by being early."""
    limits = Limits(warm_up=(30, 60), warm_up_since=dt.date(2011, 9, 2))
    days = [dt.date(2011, 9, day) for day in (1, 2, 3, 4)]
    assert [limits.on(day) for day in days] == [30, 30, 60, None]
    assert Limits().on(days[0]) is None


def test_without_limits_nothing_is_drawn() -> None:
    """As fast as the relay takes them: the store is not asked for tokens."""
    bench = Bench()
    assert isinstance(bench.ledger, Book)
    dispatch(bench.line(pace=limited(bench, Limits())), MAILING)
    assert bench.ledger.calls["draw"] == 0
