"""What can be asked about mailings: one reading transaction a question."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from flashback.model import Account, Delivery, DeliveryState, Edition, Mailing
from flashback.store import mailings, opening, reports
from flashback.store.engine import Store
from flashback.store.reports import DomainAccount

_PAGE: Final = 1_000


class Told:
    """The questions; ``SqlLedger`` adds what changes something."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mailing(self, mailing_id: int) -> Mailing:
        """Raises UnknownMailingError."""
        with self._store.read() as connection:
            return mailings.mailing_by_id(connection, mailing_id)

    def mailings(self, *, limit: int | None = None) -> tuple[Mailing, ...]:
        """All mailings, newest first."""
        with self._store.read() as connection:
            return mailings.newest(connection, limit=limit)

    def mailing_of(self, issue_number: str) -> Mailing | None:
        """The newest mailing of an issue; None when it was never mailed."""
        with self._store.read() as connection:
            return _first(mailings.newest(connection, issue_number=issue_number, limit=1))

    def refuse_repetition(self, issue_number: str) -> None:
        """Raise RepeatedIssueError when the issue was opened as a mailing before."""
        with self._store.read() as connection:
            opening.refuse_repetition(connection, issue_number)

    def edition(self, digest: str) -> Edition:
        """An edition as it was when its mailing opened. Raises StoreError."""
        with self._store.read() as connection:
            return mailings.edition_by_digest(connection, digest)

    def account(self, mailing_id: int) -> Account:
        """The counts per state, from the rows themselves."""
        with self._store.read() as connection:
            return reports.account(connection, mailing_id)

    def deliveries(self, mailing_id: int, state: DeliveryState | None = None) -> Iterator[Delivery]:
        """Deliveries in order, read a page at a time; an erased person's address is empty."""
        states = DeliveryState if state is None else (state,)
        after: int | None = 0
        while after is not None:
            with self._store.read() as connection:
                page = reports.page_of_deliveries(
                    connection, mailing_id, states, after=after, limit=_PAGE
                )
            yield from page
            after = page[-1].id if len(page) == _PAGE else None

    def delivery(self, delivery_id: int) -> Delivery:
        """One delivery. Raises StoreError when there is none."""
        with self._store.read() as connection:
            return reports.delivery_by_id(connection, delivery_id)

    def reasons(self, mailing_id: int, state: DeliveryState) -> Sequence[tuple[str, int]]:
        """Why deliveries stand in a state, with counts: the 50 most common, most common first."""
        with self._store.read() as connection:
            return reports.reasons(connection, mailing_id, state)

    def domains(self, mailing_id: int) -> Sequence[DomainAccount]:
        """How the readers of each mail domain fared, the largest domain first."""
        with self._store.read() as connection:
            return reports.domains(connection, mailing_id)

    def pace(self, mailing_id: int) -> Sequence[tuple[dt.datetime, int]]:
        """How many were accepted in each minute that had any, in order."""
        with self._store.read() as connection:
            return reports.pace(connection, mailing_id)

    def next_due(self, mailing_id: int) -> dt.datetime | None:
        """When the first deferred delivery is tried again; None when none waits."""
        with self._store.read() as connection:
            return reports.next_due(connection, mailing_id)


def _first(found: Sequence[Mailing]) -> Mailing | None:
    return found[0] if found else None
