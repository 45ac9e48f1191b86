"""What dispatch needs of the world, as protocols: a ledger, a transport, a clock.

The worker is handed these; it knows no SQL and no socket. ``flashback.testing`` has a fake of
each that remembers, and the same tests run against fake and real.
"""

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from flashback.model import (
    Account,
    Claim,
    Grant,
    Mailing,
    MailingState,
    Message,
    Outcome,
    Plan,
    Settlement,
)

#: Called with the claims whose final dots are about to leave, before the octets that hold them are
#: written. Returns only when a note of it outlives this process; raises when they must not leave.
BeforeFinalDot = Callable[[Sequence[Claim]], None]


@dataclass(frozen=True, slots=True)
class Wait:
    """No message may leave now; ask again after so many seconds."""

    seconds: float


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> dt.datetime:
        """An aware time in UTC."""
        ...


class Ledger(Protocol):
    """The durable account of mailings.

    ``note`` and ``remember`` outlive this process; every other method is one transaction, durable
    on return.
    """

    def open(self, plan: Plan, now: dt.datetime) -> Mailing:
        """Write mailing, editions and all deliveries at once; all or nothing.

        Deliveries are for everybody who may be mailed at this moment and whom the plan means; each
        gets the edition that ``planning.language_for`` names. Scheduled when ``not_before`` is
        later than now.

        Raises RepeatedIssueError when the issue was opened before and the plan is not ``again``.
        """
        ...

    def audience(self, plan: Plan) -> Mapping[str, int]:
        """How many readers each edition would get were the plan opened now, by language."""
        ...

    def mailing(self, mailing_id: int) -> Mailing:
        """Raises UnknownMailingError."""
        ...

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """Hand up to ``limit`` planned deliveries to one owner, and to no other.

        Deferred deliveries that are due count as planned. Who is no longer confirmed, or is
        suppressed, becomes skipped here. Of a mailing that is not open, nothing is claimed. An
        empty answer means: nothing is planned or due.
        """
        ...

    def next_due(self, mailing_id: int) -> dt.datetime | None:
        """When the first deferred delivery is due; None: none is deferred."""
        ...

    def note(self, claims: Sequence[Claim], *, now: dt.datetime) -> None:
        """Note that these final dots are about to leave.

        Raises LeaseLostError when this sender has been silent for so long that others may have
        taken its claims; then none of them may leave.
        """
        ...

    def remember(self, settlements: Sequence[Settlement]) -> None:
        """Keep outcomes that are known and not yet settled: recovery settles them if we die."""
        ...

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes down. Of a claim that was lost only the attempt is kept."""
        ...

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back claims of which nothing left: claimed becomes planned."""
        ...

    def beat(self, mailing_id: int, *, owner: str, now: dt.datetime) -> MailingState:
        """Renew this sender's lease when it is time, and answer what staff want of the mailing."""
        ...

    def pause(self, mailing_id: int, *, reason: str, now: dt.datetime) -> None:
        """Stop an open mailing until somebody resumes it."""
        ...

    def draw(
        self, key: str, *, per_minute: float, burst: int, wanted: int, now: dt.datetime
    ) -> Grant:
        """Take up to ``wanted`` tokens from a bucket that all senders share.

        The bucket holds ``burst`` at most, is full at first sight, and gains ``per_minute``. A
        negative ``wanted`` gives tokens back.
        """
        ...

    def recover(self, mailing_id: int, *, now: dt.datetime) -> Account:
        """Free the claims of dead senders.

        What they remembered is settled. Noted without an outcome: in doubt. Neither: planned
        again. A sender whose notes cannot be read here, or did not outlive a power cut, leaves all
        its claims in doubt. Answers how many went where.
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
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Generator[Sequence[Outcome], None, None]:
        """Yield outcomes as they become known, in no promised order; one for every message taken.

        It takes messages as fast as it can use them, and yields at least twice a second, if only
        an empty sequence: the caller has other work. It ends when the iterator has ended and every
        message taken has its outcome.

        Closed early, it drops its connections without another final dot, and yields nothing more:
        the caller's notes say what may have left. Raises TransportError when no relay can be used
        any more, after the outcomes of all messages taken have been yielded. Whatever the iterator
        or ``before_final_dot`` raise passes through, as if it had been closed.
        """
        ...
