"""What dispatch needs of the world, as protocols: a ledger, a transport, a clock.

The worker is handed these; it knows no SQL and no socket. ``flashback.testing`` has a fake of
each that remembers, and the same tests run against fake and real.
"""

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from flashback.model import Account, Claim, Mailing, Message, Outcome, Plan, Settlement

#: Called after the body and before the final dot. Returns only when it is durable that the
#: message is about to leave; raises LeaseLostError when it must not.
BeforeFinalDot = Callable[[Claim], None]


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> dt.datetime:
        """An aware time in UTC."""
        ...


class Ledger(Protocol):
    """The durable account of mailings. Every method is one transaction, durable on return."""

    def open(self, plan: Plan, now: dt.datetime) -> Mailing:
        """Write mailing, editions and all deliveries at once; all or nothing.

        Raises RepeatedIssueError when the issue was opened before and the plan is not ``again``.
        """
        ...

    def mailing(self, mailing_id: int) -> Mailing:
        """Raises UnknownMailingError."""
        ...

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """Hand up to ``limit`` planned deliveries to one owner, and to no other.

        Deferred deliveries that are due count as planned. Who is no longer confirmed, or is
        suppressed, becomes skipped here. An empty answer means: nothing is planned or due.
        """
        ...

    def before_final_dot(self, claim: Claim, *, now: dt.datetime) -> None:
        """Note that the final dot is about to leave, once per claim. Raises LeaseLostError."""
        ...

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes down. Of a claim that was lost only the attempt is kept."""
        ...

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back claims of which nothing left: claimed becomes planned."""
        ...

    def recover(self, mailing_id: int, *, now: dt.datetime) -> Account:
        """Free the claims of dead senders.

        Past the final dot: in doubt. Before it: planned again. Answers how many of each.
        """
        ...

    def resolve_doubt(self, mailing_id: int, *, resend: bool, now: dt.datetime) -> int:
        """Turn all in_doubt deliveries to planned (resend) or accepted; how many there were."""
        ...

    def account(self, mailing_id: int) -> Account:
        """The counts per state, from the rows themselves."""
        ...

    def finish(self, mailing_id: int, now: dt.datetime) -> None:
        """Close a mailing of which nothing is open."""
        ...


class Transport(Protocol):
    """Something that takes messages and says what came of each."""

    def connected(self) -> AbstractContextManager[None]:
        """Open (and log in) on entry, part politely on exit. Raises TransportError."""
        ...

    def send(
        self, messages: Iterable[Message], before_final_dot: BeforeFinalDot
    ) -> Generator[Outcome, None, None]:
        """Yield one outcome per message, as it becomes known.

        In order, but for refusals that are held back until it is clear whom they are about; the
        outcome of a message past its dot comes before any other.

        Closed early, it drops the connection without another final dot.

        Raises TransportError when the relay cannot be used any more, after the outcome of every
        message that was begun has been yielded.
        """
        ...
