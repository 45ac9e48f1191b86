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
from flashback.model import Claim, DeliveryState, Result, SubscriberStatus, SuppressionReason
from flashback.store import SqlLedger, Subscribers

from fixtures.stores import AGREED, LEASE_OVER, MINUTE, NOW, address, opened, plan, settlement

S = DeliveryState
RESULTS = st.sampled_from([Result.ACCEPTED, Result.TEMPORARY, Result.PERMANENT, Result.UNKNOWN])


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
        self.ledger = SqlLedger(self.store)
        self.book = Subscribers(self.store)
        self.now = NOW
        self.owner = "sender 1"
        self.owners = 1
        self.held: list[Claim] = []  # by the sender that runs
        self.relay: Counter[int] = Counter()  # what it accepted, by delivery
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
        self.mailing = self.ledger.open(plan(self.numbers), NOW)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        """Nothing is claimed for who left."""
        claims = self.ledger.claim(self.mailing.id, owner=self.owner, limit=limit, now=self.now)
        assert not self.gone & {claim.subscriber_id for claim in claims}
        assert not {c.delivery_id for c in claims} & {c.delivery_id for c in self.held}
        self.held += claims

    @precondition(lambda self: self.held)
    @rule(result=RESULTS, arrives=st.booleans(), suppress=st.booleans())
    def send(self, result: Result, *, arrives: bool, suppress: bool) -> None:
        """Send one message and write down what came of it."""
        claim = self.held.pop(0)
        if result in {Result.ACCEPTED, Result.UNKNOWN}:
            self._dot(claim, arrives=arrives or result is Result.ACCEPTED)
        dead = suppress and result is Result.PERMANENT
        if dead:
            self.gone.add(claim.subscriber_id)
        self.ledger.settle([settlement(claim, result, at=self.now, suppress=dead)])

    def _dot(self, claim: Claim, *, arrives: bool) -> None:
        self.ledger.before_final_dot(claim, now=self.now)
        self.relay[claim.delivery_id] += arrives

    @precondition(lambda self: self.held)
    @rule(past=st.booleans(), arrives=st.booleans())
    def crash(self, *, past: bool, arrives: bool) -> None:
        """The sender ends at the worst moment; another one recovers once the lease is over."""
        lost = self.held
        doubtful = 0
        if past:
            self._dot(lost[0], arrives=arrives)
            doubtful = 1
        self.held = []
        self.owners += 1
        self.owner = f"sender {self.owners}"
        assert self.ledger.recover(self.mailing.id, now=self.now).audience == 0
        self.now += LEASE_OVER
        found = self.ledger.recover(self.mailing.id, now=self.now)
        assert found[S.IN_DOUBT] == doubtful
        assert found[S.PLANNED] == len(lost) - doubtful
        for claim in lost:
            self._late(claim)

    def _late(self, claim: Claim) -> None:
        try:
            self.ledger.before_final_dot(claim, now=self.now)
        except LeaseLostError:
            return
        raise AssertionError("a lost claim let a message leave")

    @precondition(lambda self: self.held)
    @rule()
    def stop(self) -> None:
        """A tidy end gives everything back."""
        self.ledger.release(self.held)
        self.held = []

    @rule(resend=st.booleans())
    def resolve(self, *, resend: bool) -> None:
        """A person decides about the doubt."""
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
        self.now += minutes * MINUTE
        assert self.ledger.claim(self.mailing.id, owner=self.owner, limit=0, now=self.now) == []

    @invariant()
    def adds_up(self) -> None:
        """The counts are the audience, and what the ledger calls accepted did leave."""
        account = self.ledger.account(self.mailing.id)
        assert account.audience == self.mailing.audience
        assert account[S.CLAIMED] == len(self.held)
        for delivery, times in self.relay.items():
            assert times <= 1 + self.resent[delivery]

    def teardown(self) -> None:
        """In the end everybody is accounted for, and told apart."""
        if hasattr(self, "mailing"):
            self._finish()
        self.store.close()
        shutil.rmtree(self.folder)

    def _finish(self) -> None:
        self.ledger.release(self.held)
        self.held = []
        self.now += dt.timedelta(days=1)
        while claims := self.ledger.claim(self.mailing.id, owner=self.owner, limit=3, now=self.now):
            for claim in claims:
                self._dot(claim, arrives=True)
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
