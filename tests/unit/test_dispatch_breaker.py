"""When a mailing stops by itself."""

import datetime as dt
from collections import Counter

import pytest
from dispatch_bench import MAILING, NOBODY, OK, SLOWER, Bench, Said
from hypothesis import given
from hypothesis import strategies as st

from flashback.dispatch import BreakerRule, dispatch
from flashback.dispatch.breaker import Breaker, way_of
from flashback.model import (
    Address,
    Claim,
    DeliveryState,
    MailingState,
    Message,
    Outcome,
    Reply,
    Result,
    Settlement,
)

S = DeliveryState
AT = dt.datetime(2011, 9, 2, 9, 0, tzinfo=dt.UTC)
BLOCKED = Reply(code=554, enhanced="5.7.1", lines=("Spam from <reader@example.org> refused",))
TOO_LONG = Reply(code=552, enhanced="5.2.3", lines=("Message too long",))
GREY = Reply(code=450, enhanced="4.2.0", lines=("Greylisted, come back",))


def ended(
    result: Result, reply: Reply | None = None, *, stage: str = "rcpt", dead: bool = False
) -> Settlement:
    claim = Claim(
        delivery_id=1, mailing_id=MAILING, subscriber_id=1, name="", language="fr",
        address=Address("reader@example.org", "reader@example.org"), edition_digest="", attempt=1,
        owner="me",
    )  # fmt: skip
    outcome = Outcome(claim=claim, result=result, at=AT, stage=stage, reply=reply)
    return Settlement(outcome=outcome, state=S.REFUSED, suppress=dead)


FINE = ended(Result.ACCEPTED, OK, stage="dot")
REFUSED = ended(Result.PERMANENT, BLOCKED, stage="dot")


def refused(*lines: str, code: int = 550, enhanced: str = "", stage: str = "rcpt") -> Settlement:
    return ended(Result.PERMANENT, Reply(code=code, enhanced=enhanced, lines=lines), stage=stage)


def test_a_dozen_refusals_alike_stop_the_mailing_and_say_why() -> None:
    """More than a fifth, and at least ten, of the last outcomes: the reason names the reply."""
    breaker = Breaker(BreakerRule())
    for _ in range(46):
        assert breaker.count(FINE) is None
    reasons = [breaker.count(REFUSED) for _ in range(12)]
    assert reasons[:11] == [None] * 11
    said = str(reasons[11])
    assert said.startswith("12 of the last 58 messages were answered alike: 554 5.7.1 Spam")
    assert "reader@" not in said


def test_exactly_the_share_is_not_yet_too_much() -> None:
    """Ten of fifty are a fifth, and not more than that; eleven of fifty-one are."""
    breaker = Breaker(BreakerRule())
    seen = [FINE] * 40 + [REFUSED] * 11
    assert [breaker.count(s) is not None for s in seen] == [False] * 50 + [True]


def test_few_refusals_never_stop_a_mailing() -> None:
    """Nine alike are not enough, even when nothing else happened."""
    breaker = Breaker(BreakerRule())
    assert [breaker.count(REFUSED) for _ in range(9)] == [None] * 9


def test_dead_addresses_are_one_way_whatever_the_words() -> None:
    """A bad list stops too: every dead address counts into the same group."""
    breaker = Breaker(BreakerRule())
    dead = [
        ended(Result.PERMANENT, Reply(code=550, enhanced=code, lines=(words,)), dead=True)
        for code, words in [("5.1.1", "unknown"), ("5.1.6", "moved")] * 5
    ]
    assert "10 of the last 10 addresses are dead" in str([breaker.count(d) for d in dead][-1])


def test_no_answer_at_all_is_a_way_too() -> None:
    """Ten messages past the dot without a reply stop the mailing before it doubts everybody."""
    breaker = Breaker(BreakerRule())
    doubt = ended(Result.UNKNOWN, stage="dot")
    assert "got no answer" in str([breaker.count(doubt) for _ in range(10)][-1])


def test_a_long_reply_is_cut() -> None:
    """The reason is a sentence, not a page."""
    breaker = Breaker(BreakerRule(at_least=1))
    assert len(str(breaker.count(refused("x" * 2000)))) < 300


@pytest.mark.parametrize("code", ["5.2.3", "5.3.4", "5.6.0", "5.6.10"])
def test_an_issue_at_fault_stops_after_three(code: str) -> None:
    """What is said of the message itself is said of every copy: three in a row are enough."""
    breaker = Breaker(BreakerRule())
    fault = refused("no", enhanced=code, stage="dot")
    assert [breaker.count(FINE), breaker.count(fault), breaker.count(fault)] == [None] * 3
    assert "The issue itself is refused, 3 times in a row" in str(breaker.count(fault))


def test_an_issue_fault_between_acceptances_is_one_reader_s_own_rule() -> None:
    """Not in a row: a small mailbox here and there does not stop the mailing."""
    breaker = Breaker(BreakerRule())
    fault = ended(Result.PERMANENT, TOO_LONG)
    assert [breaker.count(s) for s in [fault, fault, FINE] * 4] == [None] * 12


def test_what_was_not_tried_is_not_counted_unless_refused_for_good() -> None:
    """A connection that broke is nobody's refusal; a 5xx to MAIL is everybody's."""
    breaker = Breaker(BreakerRule())
    lost = ended(Result.UNTRIED, SLOWER, stage="mail")
    assert [breaker.count(lost) for _ in range(50)] == [None] * 50
    sender = ended(Result.UNTRIED, BLOCKED, stage="mail")
    assert "10 of the last 10" in str([breaker.count(sender) for _ in range(10)][-1])


def test_greylisting_is_no_failure() -> None:
    """A server that defers every first try is as it should be."""
    breaker = Breaker(BreakerRule())
    grey = ended(Result.TEMPORARY, GREY)
    assert [breaker.count(grey) for _ in range(50)] == [None] * 50


def test_the_same_way_forgets_names_and_numbers() -> None:
    """Without an enhanced code the first words decide, without addresses and numbers."""
    one = refused("<a@example.org> mailbox 12 is disabled for you")
    two = refused("<b@example.org> Mailbox 7345 is disabled for me")
    assert way_of(one) == way_of(two)


@pytest.mark.parametrize(
    "other",
    [
        refused("Spam", code=554, enhanced="5.7.1", stage="rcpt"),
        refused("Spam", code=554, enhanced="5.7.26", stage="dot"),
        refused("Spam", code=454, enhanced="5.7.1", stage="dot"),
        refused("Spam", code=554, stage="dot"),
    ],
)
def test_stage_class_and_code_tell_ways_apart(other: Settlement) -> None:
    """What was said elsewhere, or otherwise, is another way."""
    assert way_of(REFUSED) != way_of(other)


@given(
    ends=st.lists(st.sampled_from(["fine", "a", "b", "c"]), max_size=300),
    share=st.floats(0.05, 1.0),
    at_least=st.integers(1, 30),
    last=st.integers(1, 100),
)
def test_it_trips_exactly_by_its_rule(
    ends: list[str], share: float, at_least: int, last: int
) -> None:
    """At every step: when the way just seen has its number and more than its share, not else."""
    breaker = Breaker(BreakerRule(share=share, at_least=at_least, last=last))
    for index, end in enumerate(ends):
        tripped = breaker.count(FINE if end == "fine" else refused(end)) is not None
        seen = ends[max(0, index + 1 - last) : index + 1]
        alike = Counter(seen)[end]
        expected = end != "fine" and alike >= at_least and alike > share * len(seen)
        assert tripped == expected


def test_the_loop_pauses_the_mailing_and_gives_the_rest_back() -> None:
    """Tripped: the mailing is paused with its reason; what was taken is settled, the rest waits."""
    bench = Bench(100, ahead=4, script=lambda _m: ("dot", BLOCKED))
    dispatch(bench.line(window=50), MAILING)
    assert bench.ledger.state is MailingState.PAUSED
    assert bench.ledger.reason.startswith("10 of the last 10 messages were answered alike")
    assert bench.account == {S.REFUSED: 13, S.PLANNED: 87}
    assert len(bench.told) == 13
    assert bench.ledger.calls["pause"] == 1


def test_the_reason_is_put_in_the_words_of_staff() -> None:
    """The line is told how to say it."""
    bench = Bench(20, script=lambda _m: Result.PERMANENT)
    dispatch(bench.line(word=lambda sentence: f"FR {sentence.fields['count']}"), MAILING)
    assert bench.ledger.reason == "FR 10"


def test_what_is_known_is_settled_before_the_pause() -> None:
    """Whoever sees the mailing paused sees why in its figures."""
    bench = Bench(20, script=lambda _m: Result.PERMANENT)
    settled: list[int] = []
    bench.ledger.fails = lambda verb: (
        settled.append(len(bench.ledger.settlements)) if (verb == "pause") else None
    )
    dispatch(bench.line(), MAILING)
    assert settled == [10]


def test_a_paused_mailing_with_nothing_left_keeps_its_reason() -> None:
    """Paused by the last message: staff see the reason, and not a finished mailing."""
    bench = Bench(10, script=lambda _m: Result.PERMANENT)
    dispatch(bench.line(), MAILING)
    assert bench.ledger.state is MailingState.PAUSED


def test_one_slow_domain_does_not_stop_the_list() -> None:
    """Many echoes of one 421 are one; 421 from domain after domain is a reason to stop."""

    def script(message: Message) -> Said:
        if message.envelope.recipient.endswith("slow.example.org"):
            return ("rcpt", SLOWER)
        return Result.ACCEPTED

    slow = [f"r{n}@slow.example.org" for n in range(40)]
    bench = Bench(slow + [f"r{n}@example.org" for n in range(60)], ahead=30, script=script)
    dispatch(bench.line(window=50), MAILING)
    assert bench.ledger.state is MailingState.OPEN
    assert bench.account == {S.DEFERRED: 40, S.ACCEPTED: 60}

    many = Bench([f"r@d{n}.slow.example.org" for n in range(60)], script=script)
    dispatch(many.line(window=50), MAILING)
    assert many.ledger.state is MailingState.PAUSED


def test_a_run_that_is_resumed_counts_anew() -> None:
    """Whoever resumes has decided: ten more alike are needed to stop again."""
    bench = Bench(40, script=lambda _m: ("rcpt", NOBODY))
    dispatch(bench.line(), MAILING)
    bench.ledger.state = MailingState.OPEN
    dispatch(bench.line(), MAILING)
    assert bench.account == {S.REFUSED: 20, S.PLANNED: 20}
