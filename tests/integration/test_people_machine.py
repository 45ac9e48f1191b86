"""Whatever happens to the address book, in whatever order: who left is not mailed.

A machine adds, imports, confirms, lets go, suppresses, erases, purges, moves, lifts, exports and
imports its own exports again; beside it runs a model of five lines.
"""

import datetime as dt
import io
import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from flashback.errors import StoreError
from flashback.model import Circumstances, ConsentKind, SubscriberStatus, SuppressionReason
from flashback.rosters import WRITERS
from flashback.store import Subscribers, exporting, importing
from flashback.store.checking import check
from flashback.store.editing import Correction
from flashback.store.retention import Kind, purge

from fixtures.postgresql import PostgresqlServer
from fixtures.rosters import read
from fixtures.stores import AGREED, MINUTE, NOW, address, opened

DAY = dt.timedelta(days=1)
NAMES = ("amal", "sam", "zoe", "karim")
NAME = st.sampled_from(NAMES)
STATUS = st.sampled_from(["", "confirmed", "unconfirmed", "unsubscribed"])
REASON = st.sampled_from(["", "", "", "hard_bounce", "complaint", "manual"])
ROW = st.tuples(NAME, STATUS, REASON, st.sampled_from(["", "A name", "Another"]))


def _silent(_done: int, _of: int) -> None:
    """Nobody looks."""


class AddressBook(RuleBasedStateMachine):
    """One store, and what must be true of it."""

    @initialize()
    def begin(self) -> None:
        """An empty store, and nobody away."""
        self.folder = tempfile.mkdtemp()
        self.store = opened(self.new_url())
        self.book = Subscribers(self.store)
        self.now = NOW
        self.left: set[str] = set()
        self.barred: set[str] = set()
        self.erased: set[str] = set()
        self.exports: list[tuple[str, bytes]] = []

    def new_url(self) -> str:
        """Where a store may be made."""
        return f"sqlite:///{self.folder}/store.db"

    def teardown(self) -> None:
        """Nothing stays."""
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    def person(self, name: str) -> Any:
        """Somebody, if known."""
        return self.book.known(f"{name}@example.org")

    @rule(name=NAME, agreed=st.booleans())
    def add(self, name: str, agreed: bool) -> None:  # noqa: FBT001
        """Staff type an address in, with a consent or without."""
        status = SubscriberStatus.CONFIRMED if agreed else SubscriberStatus.UNCONFIRMED
        try:
            self.book.add(
                address(f"{name}@example.org"),
                now=self.now,
                status=status,
                consent=AGREED if agreed else None,
            )
        except StoreError:
            assert self.person(name) is not None or name in self.erased
        else:
            self.erased.discard(name)

    @rule(name=NAME)
    def confirm(self, name: str) -> None:
        """A new consent, recorded."""
        if person := self.person(name):
            self.book.confirm(person.id, AGREED)
            self.left.discard(name)

    @rule(name=NAME)
    def leave(self, name: str) -> None:
        """The link in a mail."""
        if person := self.person(name):
            self.book.unsubscribe(person.id, at=self.now, source="link")
            self.left.add(name)

    @rule(name=NAME, reason=st.sampled_from(list(SuppressionReason)))
    def suppress(self, name: str, reason: SuppressionReason) -> None:
        """A bounce, a complaint, a decision."""
        self.book.suppress(f"{name}@example.org", reason, at=self.now)
        self.barred.add(name)

    @rule(name=NAME)
    def erase(self, name: str) -> None:
        """Somebody wants to be forgotten."""
        if person := self.person(name):
            self.book.remove(person.id, now=self.now)
            self.erased.add(name)
            self.left.discard(name)
            self.barred.discard(name)

    @rule(which=st.integers(0, len(NAMES) - 1), to=NAME)
    def move(self, which: int, to: str) -> None:
        """Somebody has another address; lists that know the one of earlier days come in later."""
        people = self.book.list()
        if not people:
            return
        person = people[which % len(people)]
        name = person.address.mailbox.partition("@")[0]
        if name == to:
            return
        correction = Correction(
            address=address(f"{to}@example.org"),
            consent=AGREED if person.status is SubscriberStatus.CONFIRMED else None,
        )
        try:
            self.book.edit([person.address.key], correction, now=self.now)
        except StoreError:
            assert (
                person.status is SubscriberStatus.UNSUBSCRIBED
                or person.suppressed not in {None, SuppressionReason.HARD_BOUNCE}
                or self.person(to) is not None
                or to in self.barred | self.erased
            )
        else:
            assert to not in self.left | self.barred | self.erased
            assert name not in self.left
            self.erased.add(name)
            self.barred.discard(name)

    @rule(name=NAME)
    def lift(self, name: str) -> None:
        """Staff decide."""
        self.book.unsuppress(f"{name}@example.org")
        self.barred.discard(name)
        self.erased.discard(name)

    @rule(days=st.integers(1, 60))
    def purge(self, days: int) -> None:
        """Time goes by, and what is older than a month is purged: who said no stays away."""
        self.now += days * DAY
        before = [person.address for person in self.book.list()]
        purge(self.store, dict.fromkeys(Kind, self.now - 30 * DAY), now=self.now, told=_silent)
        for address_ in before:
            if self.book.known(address_.key) is not None:
                continue
            name = address_.mailbox.partition("@")[0]
            if self.book.erased_at(address_.key):
                self.erased.add(name)
                self.left.discard(name)
                self.barred.discard(name)
            assert name not in self.left | self.barred

    @rule(rows=st.lists(ROW, min_size=1, max_size=6), agreed=st.booleans())
    def bring_in(self, rows: list[tuple[str, str, str, str]], agreed: bool) -> None:  # noqa: FBT001
        """A list, from anywhere, with people twice in it."""
        lines = [f"{n}@example.org,{status},{reason},{words}" for n, status, reason, words in rows]
        content = "address,status,suppressed,name\n" + "\n".join(lines) + "\n"
        told = Circumstances(source="import:x", now=self.now, consent="Yes" if agreed else "")
        self.taken(read(content, told).rows)
        for name, _, reason, _ in rows:
            if reason and name not in self.erased:
                self.barred.add(name)
            person = self.person(name)
            # Unless another row of the same list says worse, which is heard instead.
            if person is not None and person.status is SubscriberStatus.UNSUBSCRIBED:
                self.left.add(name)

    @rule(kind=st.sampled_from(sorted(WRITERS)))
    def give_out(self, kind: str) -> None:
        """An export is kept."""
        out = io.BytesIO()
        with exporting(self.store) as (facts, fields):
            WRITERS[kind](out, facts, fields)
        if out.getvalue():  # an empty store is an empty file of JSON lines
            self.exports.append((kind, out.getvalue()))

    @rule(data=st.data())
    def bring_in_again(self, data: st.DataObject) -> None:
        """An export of earlier days comes back, with all that it says of consents."""
        if self.exports:
            kind, content = data.draw(st.sampled_from(self.exports))
            self.taken(read(content, name=f"export.{kind}").rows)
            for name in NAMES:  # what an old export knows of leaving is heard as well
                person = self.person(name)
                if person is not None and person.status is SubscriberStatus.UNSUBSCRIBED:
                    self.left.add(name)
                if self.book.suppression(f"{name}@example.org") is not None:
                    self.barred.add(name)

    def taken(self, rows: Any) -> None:
        """Planned, then done."""
        with importing(self.store) as people:
            plan = people.plan(rows)
            assert people.apply(now=self.now) == plan
        with importing(self.store) as people:
            assert not people.plan(rows).new, "the same list twice brings nobody new"
        self.now += MINUTE

    @invariant()
    def nobody_is_mailed_who_left(self) -> None:
        """Mailable is only who neither left nor is forbidden, and agreed last."""
        if not hasattr(self, "store"):
            return
        away = self.left | self.barred | self.erased
        for number, _ in self.book.audience():
            person = self.book.find(number)
            assert person is not None
            assert person.mailable
            assert person.address.mailbox.partition("@")[0] not in away
            history = self.book.history(number)
            assert history.suppression is None
            assert history.consents[-1].kind is ConsentKind.GRANTED
        for name in self.erased:
            assert self.person(name) is None
        assert check(self.store) == ()


TestAddressBook = AddressBook.TestCase
TestAddressBook.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.postgresql
def test_the_same_on_postgresql(postgresql_server: PostgresqlServer) -> None:
    """The machine once more, each time in a new database."""
    template = postgresql_server.new_database()
    opened(template).close()

    class OnPostgresql(AddressBook):
        def new_url(self) -> str:
            return postgresql_server.new_database(template.rpartition("/")[2])

    few = settings(max_examples=10, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(OnPostgresql, settings=few)
