"""Everything that stops the whole line: what happened, what to do now, and the exit code.

A refused reader is a value and never raised. Foreign errors are translated once, at a room's
door, with ``raise ... from``. The command line prints the sentence and its hint.
"""

from enum import IntEnum
from typing import ClassVar

from flashback.sentences import NOTHING, Sentence


class Exit(IntEnum):
    """What the program says to the shell when it ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSALS = 3  #: done, but some readers were refused
    UNFINISHED = 75  #: run it again (EX_TEMPFAIL of sysexits.h)


class FlashbackError(Exception):
    """An error with a way out."""

    exit_code: ClassVar[Exit] = Exit.FAILED

    def __init__(self, sentence: Sentence, *, hint: Sentence = NOTHING) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


class ConfigError(FlashbackError):
    """flashback.toml is missing, unreadable, or says something that cannot be."""

    exit_code = Exit.USAGE


class AddressError(FlashbackError):
    """A text that is no e-mail address."""

    exit_code = Exit.USAGE


class IssueError(FlashbackError):
    """An issue that cannot be read or that is not fit to be sent."""


class TemplateError(FlashbackError):
    """A template is missing or does not compile."""


class ImportFileError(FlashbackError):
    """A file of subscribers that cannot be read as such."""

    exit_code = Exit.USAGE


class StoreError(FlashbackError):
    """The store cannot be opened, read or written."""


class RepeatedIssueError(StoreError):
    """The issue was mailed before, and nobody said that it is to be mailed again."""


class UnknownMailingError(StoreError):
    """No mailing by that number."""

    exit_code = Exit.USAGE


class UnknownSubscriberError(StoreError):
    """Nobody by that address or number."""

    exit_code = Exit.USAGE


class LeaseLostError(StoreError):
    """Another sender has taken over this delivery: the message must not leave."""


class TransportError(FlashbackError):
    """The relay cannot be used at all: unreachable, refuses the login, offers no TLS."""


class RelayUnreachableError(TransportError):
    """Nobody answers at the relay's address, or the answer is not SMTP; a later try may succeed."""

    exit_code = Exit.UNFINISHED


class UnfinishedError(FlashbackError):
    """The line stopped before its end; what is durable says how to go on."""

    exit_code = Exit.UNFINISHED
