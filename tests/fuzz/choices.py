"""Octets read as decisions: a fuzzer that changes octets changes what happens."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """A finite row of decisions; when it is spent, every number is 0."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left to decide by."""
        return self._at >= len(self._octets)

    def number(self, most: int) -> int:
        """From 0 to ``most``, both included."""
        octet = self._octets[self._at] if not self.is_spent else 0
        self._at += 1
        return octet % (most + 1)

    def one_of(self, things: Sequence[T]) -> T:
        """One of several things."""
        return things[self.number(len(things) - 1)]

    def octets(self, most: int) -> bytes:
        """Up to so many octets as they stand."""
        count = self.number(most)
        taken = self._octets[self._at : self._at + count]
        self._at += count
        return taken
