"""Some random octets every day; ``make fuzz SECONDS=600`` for many more."""

import random

import pytest

from fuzz.targets import TARGETS

INPUTS = 250


@pytest.mark.parametrize("name", TARGETS)
def test_promises_hold_for_random_octets(name: str) -> None:
    """Whatever comes, and however it is cut, nothing raises and no ending is a lie."""
    chance = random.Random(35)
    for _ in range(INPUTS):
        data = chance.randbytes(chance.choice([5, 40, 200, 600]))
        try:
            TARGETS[name](data)
        except Exception as error:
            error.add_note(f"python tests/fuzz/run.py --target {name} --replay {data.hex()}")
            raise


def test_conversations_reach_their_end() -> None:
    """The strict server takes mail in these conversations: they are not over at the first word."""
    from fuzz import targets  # noqa: PLC0415

    taken = 0
    original = targets._Book.take

    def counted(self: targets._Book, recipients: list[bytes], content: bytes) -> int:
        nonlocal taken
        taken += 1
        return original(self, recipients, content)

    chance = random.Random(35)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets._Book, "take", counted)
        for _ in range(50):
            targets.honest(chance.randbytes(600))
    assert taken > 50
