"""Messages made ahead: all of them, in order, and no trouble before its turn."""

import threading
from dataclasses import replace

import pytest

from flashback.mime import UnfitMessageError, ahead, builder
from flashback.model import Address, Claim, Message

from fixtures import letters, signing


def claims(count: int) -> list[Claim]:
    return [letters.claim(number) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 50])
def test_they_are_the_same_in_the_same_order(count: int) -> None:
    """Octet for octet what would have been made one by one."""
    edition = letters.edition()
    make = builder({edition.digest: edition}, letters.sender(), signing.signers())
    found = list(ahead(make, iter(claims(count)), threads=2))
    assert found == [make(claim) for claim in claims(count)]


def test_trouble_comes_at_its_turn() -> None:
    """All that come before an unfit message are there to be sent."""
    edition = letters.edition()
    make = builder({edition.digest: edition}, letters.sender())
    wanted = claims(30)
    wanted[20] = replace(wanted[20], address=Address("nobody", "nobody"))
    made = ahead(make, wanted, threads=2)
    assert [next(made).claim for _ in range(20)] == wanted[:20]
    with pytest.raises(UnfitMessageError):
        next(made)


def test_only_a_little_is_made_ahead_and_nothing_after_the_end() -> None:
    """Claims are taken as messages are wanted; who stops early leaves no thread behind."""
    edition = letters.edition()
    make = builder({edition.digest: edition}, letters.sender())
    taken = []

    def build(claim: Claim) -> Message:
        taken.append(claim)
        return make(claim)

    made = ahead(build, iter(claims(1000)), threads=2)
    for _ in range(10):
        next(made)
    assert len(taken) <= 10 + 4 * 8
    made.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("flashback-build")]
