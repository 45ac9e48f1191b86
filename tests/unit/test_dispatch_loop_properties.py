"""The loop, whatever the order of outcomes and wherever something breaks."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch_bench import MAILING, SLOWER, Bench, Said, build
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.dispatch import BreakerRule, Limits, Pace, dispatch
from flashback.errors import RelayUnreachableError, StoreError
from flashback.model import Claim, DeliveryState, Message, Result, Settlement
from flashback.sentences import tr

S = DeliveryState
WAYS: list[Said] = [*Result, ("dot", SLOWER)]
VERBS = ["claim", "note", "remember", "settle", "release", "beat", "draw"]
NEVER = BreakerRule(at_least=10_000)


@dataclass(frozen=True)
class Crash:
    """Something that breaks at its nth use, once or for good."""

    what: str
    nth: int
    kind: type[BaseException]
    for_good: bool


crashes = st.builds(
    Crash,
    what=st.sampled_from([*VERBS, "relay", "build", "tell"]),
    nth=st.integers(1, 8),
    kind=st.sampled_from([StoreError, RelayUnreachableError, KeyboardInterrupt, RuntimeError]),
    for_good=st.booleans(),
)


class Broken(Bench):
    """A bench on which one thing breaks."""

    def __init__(self, crash: Crash | None, readers: int, **relay: object) -> None:
        super().__init__(readers, **relay)
        self.crash = crash
        self.uses: Counter[str] = Counter()
        self.ledger.fails = self.broken

    def broken(self, what: str) -> BaseException | None:
        self.uses[what] += 1
        crash = self.crash
        if crash is None or crash.what != what:
            return None
        is_now = self.uses[what] >= crash.nth if crash.for_good else self.uses[what] == crash.nth
        return crash.kind(tr("broken")) if is_now else None

    def build(self, claim: Claim) -> Message:
        if (error := self.broken("build")) is not None:
            raise error
        return build(claim)


@settings(max_examples=400, deadline=None)
@given(
    data=st.data(),
    crash=st.none() | crashes,
    readers=st.integers(0, 12),
    ahead=st.integers(1, 6),
    together=st.integers(1, 4),
    window=st.integers(1, 5),
    batch=st.integers(1, 6),
    limit=st.none() | st.integers(0, 12),
    per_minute=st.none() | st.integers(10, 1000),
)
def test_each_message_taken_is_settled_once(
    *,
    data: st.DataObject,
    crash: Crash | None,
    readers: int,
    ahead: int,
    together: int,
    window: int,
    batch: int,
    limit: int | None,
    per_minute: int | None,
) -> None:
    """Nobody is lost, nobody repeated, nobody told early; only a dead store leaves claims open.

    The bench's ledger refuses to settle or release twice, and its ``tell`` refuses what is not
    durable.
    """
    bench = Broken(
        crash, readers, ahead=ahead, together=together, seconds=0.05,
        pick=lambda count: data.draw(st.integers(0, count - 1)),
    )  # fmt: skip

    def script(_message: Message) -> Said:
        error = bench.broken("relay")
        return error if error is not None else data.draw(st.sampled_from(WAYS))

    def tell(settlements: Sequence[Settlement]) -> None:
        if (error := bench.broken("tell")) is not None:
            raise error
        bench.tell(settlements)

    bench.relay.script = script
    pace = Pace(Limits(per_minute=per_minute), bench.ledger.draw)
    line = bench.line(
        build=bench.build, window=window, batch=batch, breaker=NEVER, pace=pace,
        tell=tell,
    )  # fmt: skip
    raised: BaseException | None = None
    try:
        dispatch(line, MAILING, limit=limit)
    except (StoreError, RelayUnreachableError, KeyboardInterrupt, RuntimeError) as error:
        raised = error

    account = bench.account
    assert sum(account.values()) == readers
    if crash is None or crash.what not in {"settle", "release"}:
        assert S.CLAIMED not in account
    # Whose dot has left is never sent to again by itself.
    left = {n for n, row in bench.ledger.rows.items() if row.state in {S.PLANNED, S.DEFERRED}}
    told_not_taken = {
        s.outcome.claim.subscriber_id
        for s in bench.ledger.settlements
        if s.outcome.result in {Result.TEMPORARY, Result.UNTRIED}
    }
    dots = Counter(bench.relay.accepted)
    assert all(count == 1 for address, count in dots.items() if not _was_refused(bench, address))
    assert all(
        bench.ledger.readers[n].address.mailbox not in dots or n in told_not_taken for n in left
    )
    # What was heard is in the store, unless the store is gone: then the journal has it.
    settled = [s.outcome for s in bench.ledger.settlements]
    is_store_gone = raised is not None and crash is not None and crash.what == "settle"
    assert is_store_gone or all(s.outcome in settled for s in bench.ledger.remembered)
    if raised is None and limit is None:
        assert S.PLANNED not in account
    if crash is None or (crash.what in VERBS and crash.kind is StoreError and not crash.for_good):
        assert raised is None or (crash and crash.what in {"note", "remember", "release"})
    if limit is not None:
        tried = [s for s in bench.ledger.settlements if s.outcome.result is not Result.UNTRIED]
        assert len(tried) <= limit


def _was_refused(bench: Bench, address: str) -> bool:
    """Whether a dot was answered with "not now"."""
    return any(
        s.outcome.claim.address.mailbox == address and s.state is S.DEFERRED
        for s in bench.ledger.settlements
    )


@settings(max_examples=50, deadline=None)
@given(data=st.data(), ahead=st.integers(1, 6), patience=st.integers(0, 72))
def test_with_patience_everything_comes_to_an_end(
    data: st.DataObject, ahead: int, patience: int
) -> None:
    """However often the relay says "not now", a patient run ends with nothing planned or claimed.

    With more patience than retries last, nothing is deferred either.
    """
    bench = Bench(
        4, ahead=ahead, script=lambda _m: data.draw(st.sampled_from([*WAYS, Result.ACCEPTED]))
    )

    def nap(seconds: float) -> None:
        """Sleep through the night at once: the loop asks again and again."""
        due = bench.ledger.next_due(MAILING)
        until = max(dt.timedelta(seconds=seconds), (due or bench.clock.now()) - bench.clock.now())
        bench.clock.forward(until)

    dispatch(bench.line(pause=nap, patience=dt.timedelta(hours=patience), breaker=NEVER), MAILING)
    assert S.PLANNED not in bench.account
    assert S.CLAIMED not in bench.account
    if patience >= 8:
        assert S.DEFERRED not in bench.account
