"""Two books of one mailing: what our store says, and what the server says. And their difference.

The store is read in plain SQL, without a line of the program that is on trial.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import psycopg

_ROWS: Final = (
    "SELECT s.mailbox, d.state FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id"
)
_DUE: Final = "UPDATE deliveries SET due_at = '2011-09-02 09:00:00.000000' WHERE state = 'deferred'"
OPEN: Final = frozenset({"planned", "claimed", "deferred"})


def states(store_url: str) -> Mapping[str, str]:
    """Where each reader's copy stands; empty as long as no mailing is open."""
    if store_url.startswith("sqlite:///"):
        path = store_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            return dict(connection.execute(_ROWS).fetchall())
    with _postgresql(store_url) as server:
        return dict(server.execute(_ROWS).fetchall())


def hurry(store_url: str) -> None:
    """Let the time pass after which what was deferred may be tried again."""
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"), timeout=30)) as file:
            file.execute(_DUE)
            file.commit()
        return
    with _postgresql(store_url) as server:
        server.execute(_DUE)


def _postgresql(store_url: str) -> "psycopg.Connection[tuple[str, str]]":
    import psycopg  # noqa: PLC0415  # an optional driver

    return psycopg.connect(store_url.replace("postgresql+psycopg", "postgresql"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two books say when they are held against each other."""

    false: Sequence[str]  #: we say accepted, the server has never seen it: lost
    forgotten: Sequence[str]  #: the server has it, and we would send it again, or say refused
    repeated: Sequence[str]
    in_doubt: Sequence[str]
    really_accepted: int  #: of those in doubt


def compared(ours: Mapping[str, str], theirs: Sequence[str]) -> Verdict:
    """accepted(server) = accepted(ours) and a part of in_doubt(ours); nobody twice."""
    taken = Counter(theirs)
    in_doubt = sorted(box for box, state in ours.items() if state == "in_doubt")
    return Verdict(
        false=sorted(box for box, state in ours.items() if state == "accepted" and not taken[box]),
        forgotten=sorted(box for box in taken if ours.get(box) not in {"accepted", "in_doubt"}),
        repeated=sorted(box for box, count in taken.items() if count > 1),
        in_doubt=in_doubt,
        really_accepted=sum(1 for box in in_doubt if taken[box]),
    )


@dataclass
class Tally:
    """The sums of many runs."""

    counts: Counter[str] = field(default_factory=Counter)
    most_per_kill: Counter[int] = field(default_factory=Counter)  #: by what one sender may have out

    def add(self, other: "Tally") -> None:
        """Add another's figures."""
        self.counts.update(other.counts)
        for width, most in other.most_per_kill.items():
            self.most_per_kill[width] = max(self.most_per_kill[width], most)

    def table(self) -> str:
        """The figures as one table."""
        rows = [
            "runs", "readers", "senders killed", "servers killed", "lines cut", "lost", "repeated",
            "resent on request", "refused a second copy", "in doubt",
            "in doubt and really accepted",
        ]  # fmt: skip
        lines = [f"{row:<30}{self.counts[row]:>8,}" for row in rows]
        lines += [
            f"{f'most in doubt by one kill, of {width}':<40}{most:>8,}"
            for width, most in sorted(self.most_per_kill.items())
        ]
        return "\n".join(lines)
