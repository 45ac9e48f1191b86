"""What is asked often is answered by an index: both databases tell how they would go about it.

The statements are those that the store really runs, heard at the engine's door.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from sqlalchemy import event, text

from flashback.model import DeliveryState, Mailing, Result, SubscriberStatus
from flashback.store import SqlLedger, Store, Subscribers, compile_segment, people, telling

from fixtures import crowds
from fixtures.postgresql import postgresql_server
from fixtures.stores import MINUTE, NOW, ledger_of, opened, plan, settlement

__all__ = ["postgresql_server"]

CROWD: Final = 20_000
WINDOW: Final = 50
PAGE: Final = 10
#: The tables with a row for each person, or more; whatever else there is may be read whole.
LARGE: Final = r"(?:subscribers|deliveries|attempts|consents)"
READS_ALL: Final = re.compile(rf"^SCAN {LARGE}\b|Seq Scan on {LARGE}\b")
SORTS: Final = re.compile(r"TEMP B-TREE|Sort\b")
COUNTS_BY_INDEX: Final = re.compile(r"USING COVERING INDEX ix_|Index Only Scan using ix_")


@dataclass
class Crowd:
    """A store full of people, with a mailing to them that is half done."""

    store: Store
    book: Subscribers
    ledger: SqlLedger
    mailing: Mailing
    heard: list[tuple[str, Any]] = field(default_factory=list)

    def plans(self, work: Callable[[], object]) -> dict[str, list[str]]:
        """How the database goes about each statement of some work."""
        self.heard.clear()
        work()
        # SQLite's plan of an INSERT shows a search for rows that came before what they refer to;
        # it is skipped where there are none (OP_FkIfZero).
        plain = {one: values for one, values in self.heard if one.startswith(("SELECT", "UPDATE"))}
        assert plain
        return {statement: self._plan(statement, values) for statement, values in plain.items()}

    def _plan(self, statement: str, values: Any) -> list[str]:
        explain = "EXPLAIN QUERY PLAN" if self.store.one_machine else "EXPLAIN (COSTS OFF)"
        with self.store.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"{explain} {statement}", values).all()
        return [str(row[-1]).strip().removeprefix("->").strip() for row in rows]


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def crowd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    if request.param == "sqlite":
        store = opened(f"sqlite:///{tmp_path_factory.mktemp('crowd')}/store.db")
    else:
        store = opened(request.getfixturevalue("postgresql_server").new_database())
    crowds.gather(store, CROWD)
    ledger = ledger_of(store)
    mailing = ledger.open(plan(), NOW)
    with store.write() as connection:
        connection.execute(text("UPDATE deliveries SET state = 'accepted' WHERE id < 9000"))
        connection.execute(
            text(
                "UPDATE deliveries SET state = 'deferred', due_at = changed_at"
                " WHERE id BETWEEN 9000 AND 9019"
            )
        )
    crowds.look_over(store)
    found = Crowd(store, Subscribers(store), ledger, mailing)

    def hear(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: Any) -> None:
        found.heard.append((statement, values[0] if many else values))

    event.listen(store.engine, "before_cursor_execute", hear)
    yield found
    ledger.close()
    store.close()


def a_window(crowd: Crowd) -> None:
    """Claimed, partly settled, partly given back."""
    claims = crowd.ledger.claim(
        crowd.mailing.id, owner="somebody", limit=WINDOW, now=NOW + 60 * MINUTE
    )
    assert len(claims) == WINDOW
    half = WINDOW // 2
    outcomes = (Result.ACCEPTED, Result.TEMPORARY, Result.PERMANENT)
    crowd.ledger.settle(
        [settlement(c, r) for c, r in zip(claims[:half], itertools.cycle(outcomes), strict=False)]
    )
    crowd.ledger.release(claims[half:])


def some_keys(crowd: Crowd) -> None:
    keys = [person.address.key for person in crowd.book.list(limit=WINDOW, after=CROWD // 2)]
    with crowd.store.read() as connection:
        assert len(people.by_keys(connection, keys)) == WINDOW
        people.suppressed_keys(connection, keys)


def a_page(crowd: Crowd, **asked: Any) -> None:
    assert len(crowd.book.list(limit=PAGE, after=CROWD // 4, **asked)) == PAGE


def of_segment(crowd: Crowd, expression: str) -> None:
    a_page(crowd, condition=compile_segment(expression))


def deliveries(crowd: Crowd, state: DeliveryState | None) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(telling, "_PAGE", WINDOW)  # as small beside the crowd as in real life
        found = crowd.ledger.deliveries(crowd.mailing.id, state)
        assert len(list(itertools.islice(found, WINDOW))) == WINDOW


PAGES: Final[dict[str, Callable[[Crowd], object]]] = {
    "a window": a_window,
    "the next hour": lambda crowd: crowd.ledger.next_due(crowd.mailing.id),
    "some keys": some_keys,
    "one address": lambda crowd: crowd.book.known("reader7@d7.example.org"),
    "one number": lambda crowd: crowd.book.find(7),
    "people": a_page,
    "people of a language": lambda crowd: a_page(crowd, language="en"),
    "people with a status": lambda crowd: a_page(crowd, status=SubscriberStatus.UNSUBSCRIBED),
    "people of a segment": lambda crowd: of_segment(crowd, 'organisation = "Amana 7"'),
    "people of a wide segment": lambda crowd: of_segment(crowd, "joined >= 2011-09-01"),
    "deliveries": lambda crowd: deliveries(crowd, None),
    "deliveries in a state": lambda crowd: deliveries(crowd, DeliveryState.ACCEPTED),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_by_an_index(crowd: Crowd, name: str) -> None:
    """Whatever the position, no table is read from its beginning and nothing is sorted."""
    for statement, found in crowd.plans(lambda: PAGES[name](crowd)).items():
        assert not any(READS_ALL.search(step) for step in found), f"{statement:.500}\n{found}"
        # PostgreSQL puts the very rows of a window in order before it locks them.
        if "deliveries.id IN" not in statement:
            assert not any(SORTS.search(step) for step in found), f"{statement:.500}\n{found}"


@pytest.mark.parametrize(
    "expression",
    [
        'language = "en"',
        'organisation = "Amana 7"',
        'status = "unsubscribed"',
        "joined = 2011-09-02",
        "joined >= 2011-09-02",
    ],
)
def test_a_segment_is_counted_in_an_index(crowd: Crowd, expression: str) -> None:
    """A language, an organisation, a status and a day are counted without looking at a person."""
    condition = compile_segment(expression)
    expected = crowd.book.list(condition=condition, limit=CROWD)
    mailable = sum(person.mailable for person in expected)
    assert crowd.book.count(condition) == (len(expected), mailable)
    (_, count), *_ = crowd.plans(lambda: crowd.book.count(condition)).items()
    assert any(COUNTS_BY_INDEX.search(step) for step in count), count
    assert not any(READS_ALL.search(step) for step in count), count


def test_everybody_is_counted_in_an_index(crowd: Crowd) -> None:
    """So are all people, and those of each language by status; in SQLite nothing is sorted."""
    assert crowd.book.count() == (CROWD, CROWD * 91 // 100)
    counts = crowd.book.counts()
    assert counts["en", SubscriberStatus.UNSUBSCRIBED] == CROWD // 100
    assert sum(counts.values()) == CROWD
    if crowd.store.one_machine:  # PostgreSQL may well find reading 20,000 rows cheaper
        for work in (crowd.book.count, crowd.book.counts):
            (_, count), *_ = crowd.plans(work).items()
            assert all(COUNTS_BY_INDEX.search(step) for step in count), count


def test_the_rules_can_be_broken(crowd: Crowd) -> None:
    """A statement that no index answers, and one that sorts, are seen."""
    unknown = compile_segment('name = "Lectrice 7"')
    (_, count), *_ = crowd.plans(lambda: crowd.book.count(unknown)).items()
    assert any(READS_ALL.search(step) for step in count)

    def by_name() -> None:
        with crowd.store.read() as connection:
            connection.execute(people.PEOPLE.order_by(text("name")).limit(5)).all()

    (found,) = crowd.plans(by_name).values()
    assert any(SORTS.search(step) for step in found)
