"""The loop, on a ledger and a relay in memory."""

import datetime as dt
from collections.abc import Callable

import pytest
from dispatch_bench import MAILING, NOBODY, Bench, Said, build

from flashback.dispatch import Line, RetryPolicy, dispatch
from flashback.dispatch.ports import Ledger, Transport
from flashback.errors import LeaseLostError, RelayUnreachableError, StoreError
from flashback.model import Claim, DeliveryState, MailingState, Message, Result
from flashback.sentences import tr
from flashback.testing import MemoryTransport

S = DeliveryState
GONE = RelayUnreachableError(tr("gone"))


def failing(verb: str, *, times: int) -> Callable[[str], BaseException | None]:
    """A store that fails the first times it is asked to do this."""
    failures = [StoreError(tr("locked")) for _ in range(times)]
    return lambda asked: failures.pop() if asked == verb and failures else None


def test_the_public_fakes_fit_the_ports() -> None:
    """Whoever builds on this package can run a mailing in memory."""
    bench = Bench()
    ledger: Ledger = bench.ledger
    transport: Transport = MemoryTransport(clock=bench.clock)
    line = Line(
        ledger=ledger, transport=transport, build=build, clock=bench.clock, owner="me",
        is_dead_address=lambda _reply: False,
    )  # fmt: skip
    assert dispatch(line, MAILING)[S.ACCEPTED] == 5


def test_everybody_gets_it_once() -> None:
    """All planned deliveries are accepted, in windows, and the mailing is finished."""
    bench = Bench(ahead=3)
    account = dispatch(bench.line(), MAILING)
    assert account[S.ACCEPTED] == account.audience == 5
    assert sorted(bench.relay.accepted) == [f"reader{n}@example.org" for n in range(1, 6)]
    assert bench.ledger.state is MailingState.FINISHED
    assert len(bench.told) == 5
    assert bench.relay.connections == 1


def test_a_second_run_sends_nothing() -> None:
    """Dispatching a finished mailing again repeats nobody, and does not call the relay."""
    bench = Bench()
    dispatch(bench.line(), MAILING)
    bench.relay.is_down = GONE
    assert dispatch(bench.line(), MAILING)[S.ACCEPTED] == 5
    assert len(bench.relay.accepted) == 5


def test_limit_ends_the_run_and_leaves_the_rest_planned() -> None:
    """A limit counts deliveries tried in this run; of what is claimed, nothing stays claimed."""
    bench = Bench(ahead=2)
    dispatch(bench.line(), MAILING, limit=3)
    assert bench.account == {S.ACCEPTED: 3, S.PLANNED: 2}
    assert bench.ledger.state is MailingState.OPEN


def test_a_limit_counts_tries_and_not_what_came_back_untried() -> None:
    """A message that the relay gave back unspoken leaves its place to be tried again."""
    answers = [Result.UNTRIED, Result.ACCEPTED, Result.ACCEPTED]
    bench = Bench(3, script=lambda _message: answers.pop(0))
    dispatch(bench.line(), MAILING, limit=2)
    assert bench.account == {S.ACCEPTED: 2, S.PLANNED: 1}


def test_not_now_waits_and_comes_back() -> None:
    """A 4xx defers; the delivery is tried again once it is due, and not before."""
    answers = [Result.TEMPORARY, Result.ACCEPTED]
    bench = Bench(1, script=lambda _message: answers.pop(0))
    assert dispatch(bench.line(), MAILING)[S.DEFERRED] == 1
    assert dispatch(bench.line(), MAILING)[S.DEFERRED] == 1
    bench.clock.forward(dt.timedelta(minutes=20))
    assert dispatch(bench.line(), MAILING)[S.ACCEPTED] == 1


def test_patience_ends_in_refusal() -> None:
    """A delivery that is always deferred is given up after two days."""
    bench = Bench(1, script=lambda _message: Result.TEMPORARY)
    for _ in range(20):
        dispatch(bench.line(), MAILING)
        bench.clock.forward(dt.timedelta(hours=8))
    assert bench.account == {S.REFUSED: 1}


def test_a_dead_address_is_suppressed() -> None:
    """A refusal at RCPT that names a dead address leads to a suppression; one at the dot not."""
    bench = Bench(
        ["dead@example.org", "disliked@example.org"],
        script=lambda m: ("rcpt" if m.claim.subscriber_id == 1 else "dot", NOBODY),
    )
    assert dispatch(bench.line(), MAILING)[S.REFUSED] == 2
    assert bench.ledger.suppressed == {"dead@example.org"}


def test_no_reply_to_the_final_dot_is_in_doubt_and_not_repeated() -> None:
    """Past the final dot without a reply: in doubt; a further run leaves it so."""
    bench = Bench(1, script=lambda _message: Result.UNKNOWN)
    assert dispatch(bench.line(), MAILING)[S.IN_DOUBT] == 1
    assert dispatch(bench.line(), MAILING)[S.IN_DOUBT] == 1
    assert len(bench.relay.accepted) == 1


def test_what_comes_back_untried_goes_again_in_the_same_run() -> None:
    """A connection that broke before anything was said costs nobody a try, or a run."""
    answers = [Result.UNTRIED, Result.UNTRIED]
    bench = Bench(2, script=lambda _m: answers.pop() if answers else Result.ACCEPTED)
    assert dispatch(bench.line(), MAILING)[S.ACCEPTED] == 2
    assert {row.attempts for row in bench.ledger.rows.values()} == {1}


def test_what_always_comes_back_untried_does_not_go_round_for_ever() -> None:
    """The third time in one run, it waits as if it had been deferred, without counting a try."""
    bench = Bench(1, script=lambda _message: Result.UNTRIED)
    assert dispatch(bench.line(), MAILING)[S.DEFERRED] == 1
    row = bench.ledger.rows[1]
    assert len(bench.relay.taken) == 3
    assert row.attempts == 0
    assert row.due_at == bench.clock.now() + RetryPolicy().first_wait


def test_a_relay_that_fails_gives_the_rest_back() -> None:
    """When the relay is lost, nothing stays claimed and nobody is lost or counted as tried."""

    def script(message: Message) -> Said:
        return GONE if message.claim.subscriber_id == 3 else Result.ACCEPTED

    bench = Bench(script=script)
    with pytest.raises(RelayUnreachableError):
        dispatch(bench.line(), MAILING)
    assert bench.account == {S.ACCEPTED: 2, S.PLANNED: 3}
    assert [row.attempts for row in bench.ledger.rows.values()] == [1, 1, 0, 0, 0]


def test_a_relay_that_does_not_answer_costs_nobody_a_try() -> None:
    """When the connection fails, what was claimed is planned again, as if never claimed."""
    bench = Bench(is_down=GONE)
    with pytest.raises(RelayUnreachableError):
        dispatch(bench.line(), MAILING)
    assert bench.account == {S.PLANNED: 5}
    assert {row.attempts for row in bench.ledger.rows.values()} == {0}


def test_stop_settles_what_is_on_its_way_and_gives_the_rest_back() -> None:
    """A polite stop ends between two messages: what was taken gets its outcome."""
    bench = Bench(9, ahead=3)
    dispatch(bench.line(stop=lambda: len(bench.relay.taken) >= 4, window=6), MAILING)
    assert bench.account == {S.ACCEPTED: 4, S.PLANNED: 5}


@pytest.mark.parametrize("state", [MailingState.PAUSED, MailingState.CANCELLED])
def test_staff_pause_a_running_mailing(state: MailingState) -> None:
    """A pause or a cancellation is heard within half a second; what was taken is settled."""
    bench = Bench(100, ahead=2, seconds=0.1)

    def told(_message: Message) -> Said:
        if len(bench.relay.taken) == 10:
            bench.ledger.state = state
        return Result.ACCEPTED

    bench.relay.script = told
    dispatch(bench.line(window=50), MAILING)
    assert 10 <= bench.account[S.ACCEPTED] <= 17
    rest = S.SKIPPED if state is MailingState.CANCELLED else S.PLANNED
    assert bench.account[rest] == 100 - bench.account[S.ACCEPTED]
    assert bench.ledger.state is state


def test_a_cancelled_mailing_is_not_finished() -> None:
    """Cancelled stays cancelled, even when nothing was left to do."""
    bench = Bench(0)
    bench.ledger.state = MailingState.CANCELLED
    dispatch(bench.line(), MAILING)
    assert bench.ledger.state is MailingState.CANCELLED


def test_the_lease_is_renewed_at_most_twice_a_second() -> None:
    """A sender shows that it lives, and leaves the store in peace."""
    bench = Bench(100, seconds=0.1)
    dispatch(bench.line(window=50), MAILING)
    assert 15 <= bench.ledger.calls["beat"] <= 20


def test_outcomes_are_settled_by_the_batch_and_remembered_at_once() -> None:
    """A fast relay costs one transaction a batch; the journal has every outcome at once."""
    bench = Bench(100, together=5)
    dispatch(bench.line(batch=20, window=50), MAILING)
    assert bench.ledger.calls["settle"] == 5
    assert bench.ledger.calls["remember"] == 100  # this relay answers one at a time


def test_slow_outcomes_are_settled_within_half_a_second() -> None:
    """Whoever watches a slow mailing sees it move."""
    bench = Bench(40, seconds=0.1)
    dispatch(bench.line(window=50), MAILING)
    assert 6 <= bench.ledger.calls["settle"] <= 9


def test_a_second_interruption_leaves_what_is_past_the_dot_in_doubt() -> None:
    """Ctrl-C while waiting for the final reply: the delivery is named as in doubt, at once."""
    bench = Bench(3, script=lambda _message: KeyboardInterrupt(), ahead=2)
    with pytest.raises(KeyboardInterrupt):
        dispatch(bench.line(), MAILING)
    assert bench.account == {S.IN_DOUBT: 1, S.PLANNED: 2}
    (told,) = bench.told
    assert "interrupted while waiting" in told.outcome.detail


def test_a_store_that_fails_stops_the_line() -> None:
    """When an outcome cannot be written, nothing more leaves; the journal knows what did."""
    bench = Bench()
    bench.ledger.fails = lambda verb: (
        StoreError(tr("disk full")) if verb in {"settle", "release"} else None
    )
    with pytest.raises(StoreError, match="disk full"):
        dispatch(bench.line(batch=1), MAILING)
    assert len(bench.relay.accepted) == 1
    assert [s.state for s in bench.ledger.remembered] == [S.ACCEPTED]
    assert bench.told == []


def test_the_relay_is_silenced_before_anything_is_given_back() -> None:
    """No dot leaves of a claim that others may already have."""
    bench = Bench(ahead=2)
    speaking: list[bool] = []

    def fails(verb: str) -> BaseException | None:
        if verb == "release":
            speaking.append(bench.relay.is_speaking)
        return KeyboardInterrupt() if verb == "settle" else None

    bench.ledger.fails = fails
    with pytest.raises(KeyboardInterrupt):
        dispatch(bench.line(batch=1), MAILING)
    assert speaking == [False]


def test_a_store_that_stumbles_costs_nothing() -> None:
    """A store that cannot write for a moment: the reply is kept, written, and the line goes on."""
    bench = Bench()
    bench.ledger.fails = failing("settle", times=2)
    assert dispatch(bench.line(), MAILING)[S.ACCEPTED] == 5
    assert bench.pauses == [0.5, 2.0]


def test_a_known_reply_is_never_in_doubt() -> None:
    """When the store fails at the settlement and comes back, the 250 is written, not a doubt."""
    bench = Bench()
    bench.ledger.fails = failing("settle", times=4)
    with pytest.raises(StoreError, match="locked"):
        dispatch(bench.line(batch=1), MAILING)
    assert bench.account == {S.ACCEPTED: 1, S.PLANNED: 4}


def test_an_outcome_that_cannot_be_remembered_is_settled() -> None:
    """When only the journal fails, the line stops, and no reply that was heard is lost."""
    bench = Bench()
    bench.ledger.fails = failing("remember", times=1)
    with pytest.raises(StoreError, match="locked"):
        dispatch(bench.line(), MAILING)
    assert bench.account == {S.ACCEPTED: 1, S.PLANNED: 4}


def test_a_store_that_hands_out_nothing_more_lets_the_rest_be_heard() -> None:
    """When no window can be claimed, what is on its way still gets its reply; then it is told."""
    bench = Bench(ahead=9)
    asked: list[str] = []

    def fails(verb: str) -> BaseException | None:
        asked.extend([verb] * (verb == "claim"))
        return StoreError(tr("locked")) if verb == "claim" and len(asked) > 1 else None

    bench.ledger.fails = fails
    with pytest.raises(StoreError, match="locked"):
        dispatch(bench.line(), MAILING)
    assert bench.account == {S.ACCEPTED: 2, S.PLANNED: 3}


def test_a_lost_lease_keeps_the_message_home() -> None:
    """When others may have taken our claims, no dot leaves, and the line stops."""
    bench = Bench(1)
    bench.ledger.fails = lambda verb: LeaseLostError(tr("lost")) if verb == "note" else None
    with pytest.raises(LeaseLostError):
        dispatch(bench.line(), MAILING)
    assert bench.relay.accepted == []
    assert bench.account == {S.PLANNED: 1}


def test_a_message_that_cannot_be_built_stops_the_line_tidily() -> None:
    """A builder's fault puts nobody in doubt: what was taken before it is heard and settled."""

    def brittle(claim: Claim) -> Message:
        if claim.subscriber_id == 4:
            msg = "no such edition"
            raise LookupError(msg)
        return build(claim)

    bench = Bench(ahead=9)
    with pytest.raises(LookupError, match="no such edition"):
        dispatch(bench.line(build=brittle), MAILING)
    assert bench.account == {S.ACCEPTED: 3, S.PLANNED: 2}


def test_deferred_deliveries_are_waited_for_within_patience() -> None:
    """With patience, the run waits for the retry, parts from the relay meanwhile, and ends."""
    answers = [Result.TEMPORARY, Result.ACCEPTED]
    bench = Bench(1, script=lambda _message: answers.pop(0))
    dispatch(bench.line(patience=dt.timedelta(hours=1)), MAILING)
    assert bench.account == {S.ACCEPTED: 1}
    assert bench.relay.connections == 2
    assert max(bench.pauses) <= 0.5
    assert bench.ledger.calls["beat"] <= 2 * bench.seconds() + 1
    assert bench.seconds() < 60 * 20


def test_a_short_wait_keeps_the_relay() -> None:
    """Below a minute the connection stays: nobody parts for so little."""
    answers = [Result.TEMPORARY, Result.ACCEPTED]
    bench = Bench(1, script=lambda _message: answers.pop(0), seconds=0.6)
    policy = RetryPolicy(first_wait=dt.timedelta(seconds=20))
    dispatch(bench.line(patience=dt.timedelta(hours=1), policy=policy), MAILING)
    assert bench.account == {S.ACCEPTED: 1}
    assert bench.relay.connections == 1
    assert bench.pauses == []


def test_what_is_planned_while_a_run_waits_is_sent_within_a_minute() -> None:
    """Staff resend a refused copy: the waiting run sees it before the retry is due."""
    answers = [Result.TEMPORARY, Result.PERMANENT, Result.ACCEPTED, Result.ACCEPTED]
    bench = Bench(2, script=lambda _message: answers.pop(0))

    def pause(seconds: float) -> None:
        if 90 <= bench.seconds() < 90.5:
            bench.ledger.resend(MAILING, S.REFUSED, bench.clock.now())
        bench.pause(seconds)

    line = bench.line(
        patience=dt.timedelta(hours=1), pause=pause, is_dead_address=lambda _reply: False
    )
    dispatch(line, MAILING)
    assert bench.account == {S.ACCEPTED: 2}
    assert (bench.relay.accepted_at[0][1] - bench.began).total_seconds() < 160


def test_beyond_patience_the_run_ends() -> None:
    """What is due later than patience reaches is left deferred."""
    bench = Bench(1, script=lambda _message: Result.TEMPORARY)
    dispatch(bench.line(patience=dt.timedelta(minutes=14)), MAILING)
    assert bench.account == {S.DEFERRED: 1}
    assert bench.pauses == []


@pytest.mark.parametrize("by", ["stop", "pause"])
def test_waiting_ends_when_staff_say_so(by: str) -> None:
    """A stop or a pause is heard while waiting, too."""
    bench = Bench(1, script=lambda _message: Result.TEMPORARY)

    def late() -> bool:
        if bench.seconds() < 30:
            return False
        if by == "pause":
            bench.ledger.state = MailingState.PAUSED
        return by == "stop"

    dispatch(bench.line(patience=dt.timedelta(hours=1), stop=late), MAILING)
    assert bench.account == {S.DEFERRED: 1}
    assert 30 <= bench.seconds() < 32
