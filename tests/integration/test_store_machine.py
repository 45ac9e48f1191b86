"""A machine of random steps over the ledger and a relay: nobody lost, nobody repeated."""

import atexit
import datetime as dt
import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flashback.errors import LeaseLostError
from flashback.model import (
    Claim,
    DeliveryState,
    Result,
    Settlement,
    SubscriberStatus,
    SuppressionReason,
)
from flashback.store import Subscribers

from fixtures.stores import (
    AGREED,
    LEASE_OVER,
    MINUTE,
    NOW,
    address,
    ledger_of,
    opened,
    plan,
    settlement,
)

S = DeliveryState
RESULTS = st.sampled_from(list(Result))


@cache
def template() -> Path:
    """An empty store to copy: migrating takes longer than a hundred steps."""
    path = Path(tempfile.mkdtemp()) / "template.db"
    atexit.register(shutil.rmtree, path.parent)
    opened(f"sqlite:///{path}").close()
    return path


class Line(RuleBasedStateMachine):
    """Senders that claim, send, crash and come back, while readers leave."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(template(), self.folder / "store.db")
        self.store = opened(f"sqlite:///{self.folder}/store.db")
        self.ledger = ledger_of(self.store)
        self.book = Subscribers(self.store)
        self.now = NOW
        self.owner = "sender 1"
        self.owners = 1
        self.held: list[Claim] = []  # by the sender that runs, and not noted
        self.noted: list[Claim] = []  # and without an outcome
        self.known: list[Settlement] = []  # remembered, and not settled
        self.is_cancelled = False
        self.relay: Counter[int] = Counter()  # what it accepted, by delivery
        self.arrived: dict[int, bool] = {}  # of what was noted last, whether the relay took it
        self.resent: Counter[int] = Counter()  # what a person let leave again
        self.gone: set[int] = set()

    @initialize(count=st.integers(1, 8))
    def begin(self, count: int) -> None:
        """Open a mailing."""
        self.numbers = [
            self.book.add(
                address(f"r{number}@example.org"),
                now=NOW,
                status=SubscriberStatus.CONFIRMED,
                consent=AGREED,
            ).id
            for number in range(count)
        ]
        self.mailing = self.ledger.open(plan(), NOW)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        """Nothing is claimed for who left."""
        claims = self.ledger.claim(self.mailing.id, owner=self.owner, limit=limit, now=self.now)
        assert not self.gone & {claim.subscriber_id for claim in claims}
        assert not {c.delivery_id for c in claims} & {c.delivery_id for c in self.held}
        self.held += claims

    @precondition(lambda self: self.held)
    @rule(count=st.integers(1, 4), arrives=st.booleans())
    def note(self, count: int, *, arrives: bool) -> None:
        """Final dots leave; the relay may have taken them or not."""
        some, self.held = self.held[:count], self.held[count:]
        self.ledger.note(some, now=self.now)
        self.noted += some
        for claim in some:
            self.relay[claim.delivery_id] += arrives
            self.arrived[claim.delivery_id] = arrives

    @precondition(lambda self: self.held or self.noted)
    @rule(result=RESULTS, suppress=st.booleans(), at_once=st.booleans())
    def answer(self, result: Result, *, suppress: bool, at_once: bool) -> None:
        """An outcome comes; it is remembered until its batch is settled, or settled at once."""
        is_noted = bool(self.noted)
        claim = (self.noted or self.held).pop(0)
        if not is_noted and result in {Result.ACCEPTED, Result.UNKNOWN}:
            result = Result.UNTRIED  # nobody accepts what never left
        if is_noted and result is not Result.UNKNOWN:
            # Whatever we thought, now the relay tells whether it has it.
            self.relay[claim.delivery_id] -= self.arrived.pop(claim.delivery_id)
            self.relay[claim.delivery_id] += result is Result.ACCEPTED
        dead = suppress and result is Result.PERMANENT
        found = settlement(claim, result, at=self.now, suppress=dead)
        self.known.append(found)
        if at_once:
            self.settle()
        else:
            self.ledger.remember([found])

    @precondition(lambda self: self.known)
    @rule()
    def settle(self) -> None:
        """A batch of outcomes is written down."""
        self.ledger.settle(self.known)
        self._believe()

    def _believe(self) -> None:
        for found in self.known:
            if found.suppress:
                self.gone.add(found.outcome.claim.subscriber_id)
        self.known = []

    @precondition(lambda self: self.held or self.noted or self.known)
    @rule(loses=st.booleans())
    def crash(self, *, loses: bool) -> None:
        """The sender ends at the worst moment; another one recovers once the lease is over."""
        lost = self.held + self.noted
        held, noted, known = len(self.held), len(self.noted), len(self.known)
        if loses:
            for path in Path(self.folder, "journals").iterdir():
                path.unlink()
            held, noted, known = 0, held + noted + known, 0
            self.known = []
        self.held, self.noted = [], []
        assert self.ledger.recover(self.mailing.id, now=self.now).audience == 0
        self.now += LEASE_OVER
        before = self.ledger.account(self.mailing.id)
        found = self.ledger.recover(self.mailing.id, now=self.now)
        assert found.audience == held + noted + known
        doubts = sum(s.state is S.IN_DOUBT for s in self.known)
        assert found[S.IN_DOUBT] == noted + doubts
        free = found[S.PLANNED] + found[S.SKIPPED] + found[S.DEFERRED]
        waits = sum(s.state in {S.PLANNED, S.DEFERRED} for s in self.known)
        assert free == held + waits
        assert before.audience == self.ledger.account(self.mailing.id).audience
        self._believe()
        self.owners += 1
        for claim in lost:
            self._late(claim)
        # With the process, its notes in memory are gone; one that is only slow keeps them.
        self.ledger.close()
        self.owner = f"sender {self.owners}"

    def _late(self, claim: Claim) -> None:
        try:
            self.ledger.note([claim], now=self.now)
        except LeaseLostError:
            return
        raise AssertionError("a lost claim let a message leave")

    @rule()
    def stop(self) -> None:
        """A tidy end gives everything back but what was noted."""
        self.ledger.release(self.held + self.noted)
        self.held = []

    @rule(how=st.sampled_from(["pause", "pause", "reopen", "cancel"]), rare=st.integers(0, 5))
    def staff(self, how: str, rare: int) -> None:
        """Staff stop the mailing for a while, or for ever."""
        if how == "pause":
            self.ledger.pause(self.mailing.id, reason="lunch", now=self.now)
        elif how == "cancel" and not rare:
            waiting = self.ledger.account(self.mailing.id)
            skipped = self.ledger.cancel(self.mailing.id, reason="wrong", now=self.now)
            assert skipped == waiting[S.PLANNED] + waiting[S.DEFERRED]
            self.is_cancelled = True
        elif not self.is_cancelled:
            self.ledger.reopen(self.mailing.id, self.now)

    @rule(resend=st.booleans())
    def resolve(self, *, resend: bool) -> None:
        """A person decides about the doubt."""
        resend = resend and not self.is_cancelled
        doubtful = [d.id for d in self.ledger.deliveries(self.mailing.id, S.IN_DOUBT)]
        assert self.ledger.resolve_doubt(self.mailing.id, resend=resend, now=self.now) == len(
            doubtful
        )
        if resend:
            self.resent.update(doubtful)

    @rule(which=st.integers(0, 7), how=st.sampled_from(["leave", "suppress", "erase", "return"]))
    def reader(self, which: int, how: str) -> None:
        """Readers leave, complain, are erased, or come back with a new consent."""
        number = self.numbers[which % len(self.numbers)]
        person = self.book.find(number)
        if person is None:
            return
        match how:
            case "leave":
                self.book.unsubscribe(number, at=self.now, source="link")
            case "suppress":
                self.book.suppress(person.address.key, SuppressionReason.COMPLAINT, at=self.now)
            case "erase":
                self.book.remove(number, now=self.now)
            case _:
                self.book.confirm(number, AGREED)
        now = self.book.find(number)
        if now is not None and now.mailable:
            self.gone.discard(number)
        else:
            self.gone.add(number)

    @rule(minutes=st.integers(1, 20))
    def wait(self, minutes: int) -> None:
        """Time goes by; the sender's heart beats."""
        for _ in range(minutes):
            self.now += MINUTE
            self.ledger.beat(self.mailing.id, owner=self.owner, now=self.now)

    @invariant()
    def adds_up(self) -> None:
        """The counts are the audience, and what the ledger calls accepted did leave."""
        account = self.ledger.account(self.mailing.id)
        assert account.audience == self.mailing.audience
        assert account[S.CLAIMED] == len(self.held) + len(self.noted) + len(self.known)
        if self.is_cancelled:
            assert not account[S.PLANNED] + account[S.DEFERRED]
        for delivery, times in self.relay.items():
            assert times <= 1 + self.resent[delivery]

    def teardown(self) -> None:
        """In the end everybody is accounted for, and told apart."""
        if hasattr(self, "mailing"):
            self._finish()
        self.store.close()
        shutil.rmtree(self.folder)

    def _finish(self) -> None:
        self.ledger.settle(self.known)
        self._believe()
        self.now += dt.timedelta(days=1)
        self.ledger.recover(self.mailing.id, now=self.now)
        self.held, self.noted = [], []
        if not self.is_cancelled:
            self.ledger.reopen(self.mailing.id, self.now)
        while claims := self.ledger.claim(self.mailing.id, owner="last", limit=3, now=self.now):
            self.ledger.note(claims, now=self.now)
            self.relay.update(claim.delivery_id for claim in claims)
            self.ledger.settle([settlement(c, Result.ACCEPTED, at=self.now) for c in claims])
        self.ledger.finish(self.mailing.id, self.now)
        self.adds_up()
        for delivery in self.ledger.deliveries(self.mailing.id, S.PLANNED):
            raise AssertionError(f"lost: {delivery}")


TestLine = Line.TestCase
TestLine.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
