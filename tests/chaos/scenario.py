"""What one run of the chaos is made of, drawn from a seed: the same seed, the same plan.

The plan is repeated by its seed; the instants at which things fall are the machine's own.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_STEPS: Final = ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot", "dot-after")

_REFUSALS: Final = ((), (), (("rcpt", 9, 550),), (("dot", 11, 451),), (("data", 8, 451),))


class Blow(StrEnum):
    """What is done to a running mailing."""

    SENDER = "sender"  #: kill -9 of the only sender
    ONE_OF_TWO = "one of two"  #: kill -9 of one of two senders of one mailing
    SERVER = "server"  #: kill -9 of the receiving server, which comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A blow, and when it falls."""

    blow: Blow
    after: int  #: readers accepted since the sender was started
    seconds: float  #: and so much later


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One mailing and all that happens to it."""

    seed: int
    store: str  #: sqlite or postgresql
    readers: int
    connections: int
    pipelining: bool
    chunking: bool
    ahead: int
    window: int
    delay_ms: float
    cuts: Sequence[tuple[str, int]]  #: step, every so many
    refusals: Sequence[tuple[str, int, int]]  #: step, every so many, code
    strikes: Sequence[Strike]
    from_the_start: bool  #: the first blow may fall before the mailing is opened
    resend: bool  #: in the end staff ask for what is in doubt to be sent again

    @property
    def width(self) -> int:
        """How many messages one sender can have past their final dots."""
        return self.connections * (self.ahead if self.chunking else 1)

    @property
    def per_line(self) -> int:
        """How many of them are on one connection."""
        return self.ahead if self.chunking else 1

    @property
    def is_calm(self) -> bool:
        """Whether senders are killed and nothing else happens, so that doubts are theirs alone."""
        return not self.cuts and all(s.blow is not Blow.SERVER for s in self.strikes)

    def __str__(self) -> str:
        how = "chunking" if self.chunking else "pipelining" if self.pipelining else "one by one"
        blows = ", ".join(strike.blow for strike in self.strikes)
        cuts = " ".join(f"{step}:{every}" for step, every in self.cuts) or "none"
        return (
            f"seed {self.seed}: {self.store}, {self.readers} readers, {self.connections} "
            f"connections, {how}, {self.delay_ms:g} ms, cuts {cuts}; {blows}"
        )


def drawn(seed: int, *, stores: Sequence[str], readers: tuple[int, int] = (40, 160)) -> Scenario:
    """The scenario of a seed."""
    chance = random.Random(seed)
    pipelining = chance.random() < 0.75
    chunking = chance.random() < 0.4
    cuts = chance.sample(_STEPS, chance.choice([0, 0, 0, 1, 2]))
    audience = chance.randint(*readers)
    return Scenario(
        seed=seed,
        store=chance.choice(stores),
        readers=audience,
        connections=chance.choice([1, 3, 5]),
        pipelining=pipelining,
        chunking=chunking,
        ahead=chance.choice([2, 4, 8]),
        window=chance.choice([5, 20, 500]),
        delay_ms=chance.choice([0, 1, 3, 10]),
        cuts=tuple((step, chance.randint(12, 40)) for step in cuts),
        refusals=chance.choice(_REFUSALS),
        strikes=tuple(
            Strike(
                blow=chance.choice([Blow.SENDER, Blow.SENDER, Blow.ONE_OF_TWO, Blow.SERVER]),
                after=chance.randint(0, max(1, audience // 6)),
                seconds=chance.choice([0.0, chance.random() * 0.005, chance.random() * 0.05]),
            )
            for _ in range(chance.randint(2, 5))
        ),
        from_the_start=chance.random() < 0.25,
        resend=chance.random() < 0.25,
    )  # fmt: skip
