"""What a message costs, held against what it would cost otherwise: medians, taken in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from flashback.mime import build, builder

from fixtures import letters, signing

PARAGRAPH = "<p>L’éducation nationale face à ses réformes, et la rentrée qui s’annonce.</p>\n"
EDITION = letters.edition(
    html=f"<p>__FB_READER_NAME__</p>{PARAGRAPH * 400}<a href='__FB_UNSUBSCRIBE_URL__'>Partir</a>",
    text=f"{'Une phrase de la revue, en français. ' * 200}\n__FB_UNSUBSCRIBE_URL__\n",
)
CLAIM = replace(letters.claim(name="Éloïse Dupré"), edition_digest=EDITION.digest)


def ratio(slow: Callable[[], object], fast: Callable[[], object], *, times: int) -> float:
    """How many times longer the first takes, in processor time."""

    def spent(work: Callable[[], object], times: int) -> float:
        start = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - start) / times

    rounds = [(spent(slow, times), spent(fast, times * 10)) for _ in range(5)]
    return statistics.median(one for one, _ in rounds) / statistics.median(ten for _, ten in rounds)


def test_the_stencil_is_worth_its_while() -> None:
    """A message of 50 kB is filled at least thirty times faster than built."""
    make = builder({EDITION.digest: EDITION}, letters.sender())
    sender = letters.sender()
    assert (
        ratio(
            lambda: build(EDITION, CLAIM, sending=sender),
            lambda: make(CLAIM),
            times=5,
        )
        > 30
    )


def test_signing_costs_little_more_than_its_arithmetic() -> None:
    """A signed message of 50 kB, hashed and filled, takes less than 2.5 times RSA's own time."""
    (signer, _) = signing.signers()
    make = builder({EDITION.digest: EDITION}, letters.sender(), [signer])
    assert ratio(lambda: make(CLAIM), lambda: signer.sign(b"x" * 32), times=20) < 2.5
