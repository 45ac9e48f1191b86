"""Readers of whom it is not yet known whether they were meant, or we. Pure.

"I relay nothing" and a line that breaks at every RCPT may be about one address or about us. The
next readers tell: as soon as the relay takes one of them, it was about those held back here; when
it says the same to three, or to all there are, it is about us. Nothing of a message held back has
left, so that nothing is lost if its outcome is never heard.
"""

from collections.abc import Sequence
from typing import Final

from flashback.errors import TransportError
from flashback.model import Outcome
from flashback.smtp.judgement import Ending

#: Readers to whom the relay says the same before we believe that it means us.
_ENOUGH: Final = 3


class Doubts:
    """Endings held back, in the order of their readers."""

    def __init__(self) -> None:
        self._held: list[Ending] = []

    def __bool__(self) -> bool:
        return bool(self._held)

    def hold(self, ending: Ending) -> None:
        """Keep an ending that may be about its reader."""
        self._held.append(ending)

    @property
    def verdict(self) -> TransportError | None:
        """What the last one says about us, if it is about us."""
        return self._held[-1].error if self._held else None

    @property
    def are_losses(self) -> bool:
        """Whether all are readers at whom the line broke, and none was answered."""
        return all(ending.again for ending in self._held)

    @property
    def are_enough(self) -> bool:
        """Whether so many readers in a row can no longer be meant themselves."""
        return len(self._held) >= _ENOUGH

    def about_readers(self) -> Sequence[Outcome]:
        """Let go of all: each was about its reader."""
        held, self._held = self._held, []
        return [ending.blame or ending.outcome for ending in held]

    def about_us(self) -> Sequence[Outcome]:
        """Let go of all: none was about its reader, each is untried."""
        held, self._held = self._held, []
        return [ending.outcome for ending in held]
