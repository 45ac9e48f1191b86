"""What this room needs of the world, as protocols: an address book and a clock."""

import datetime as dt
from typing import Protocol

from flashback.model import Subscriber


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> dt.datetime:
        """An aware time in UTC."""
        ...


class Book(Protocol):
    """The people who may be mailed. Each method is one transaction, durable on return."""

    def find(self, subscriber_id: int) -> Subscriber | None:
        """The person with a number; None for one that never was or was erased."""
        ...

    def unsubscribe(self, subscriber_id: int, *, at: dt.datetime, source: str) -> Subscriber:
        """Let a person leave; a second time changes nothing. Raises StoreError, also for nobody."""
        ...
