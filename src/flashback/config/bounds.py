"""What a number may be, told where the number is declared."""

from dataclasses import dataclass

from flashback.sentences import Sentence, tr


@dataclass(frozen=True, slots=True)
class UpTo:
    """Above zero, or zero itself where that has a meaning, and at most ``highest``."""

    highest: int
    takes_zero: bool = False

    def holds(self, number: float) -> bool:
        """Whether it is within; TOML's nan never is."""
        return 0 < number <= self.highest or (number == 0 and self.takes_zero)

    @property
    def wanted(self) -> Sentence:
        """What to write instead."""
        if self.takes_zero:
            return tr("a number from zero to {highest}", highest=self.highest)
        return tr("a number above zero and at most {highest}", highest=self.highest)
