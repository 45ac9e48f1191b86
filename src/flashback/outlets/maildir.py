"""The transport into a Maildir: written under ``tmp``, on disk, then moved into ``new``.

The move is the point of no return. A message is named by its Message-ID, so that one that comes
again is known, wherever a mail program has put it in between.
"""

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flashback import files
from flashback.errors import FlashbackError
from flashback.model import Message, Outcome, Result
from flashback.outlets.turns import BeforeFinalDot, Outcomes, Wait, in_turn, now, stopping
from flashback.sentences import Sentence, tr

_PARTS: Final = ("tmp", "new", "cur")


class Maildir:
    """A folder of messages. Not for two threads at once."""

    def __init__(self, folder: Path, *, clock: Callable[[], dt.datetime] = now) -> None:
        self._folder = folder
        self._clock = clock
        self._known: set[str] = set()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Make the folder and learn what is in it. Raises TransportError."""
        try:
            for part in _PARTS:
                files.make_folder(self._folder / part, mode=0o700)
            # A mail program adds its marks after a colon when it moves a message into cur.
            self._known = {
                entry.name.partition(":")[0]
                for part in ("new", "cur")
                for entry in os.scandir(self._folder / part)
            }
        except FlashbackError as error:
            raise stopping(error) from error
        except OSError as error:
            raise stopping(files.cannot_write(self._folder, error)) from error
        yield

    def send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Outcomes:
        """Yield outcomes as ``dispatch.ports.Transport.send`` promises."""
        return in_turn(messages, lambda message: self._hand_over(message, before_final_dot))

    def _hand_over(self, message: Message, before_final_dot: BeforeFinalDot) -> Outcomes:
        name = name_of(message.message_id)
        if name in self._known:
            detail = tr("the message is there already")
            yield (self._outcome(message, Result.ACCEPTED, detail),)
            return
        written = self._folder / "tmp" / name
        try:
            try:
                _write(written, message)
            except OSError as error:
                yield (self._outcome(message, Result.UNTRIED),)
                raise stopping(files.cannot_write(written, error)) from error
            before_final_dot([message.claim])
            yield from self._move(message, written)
        finally:
            with suppress(OSError):
                written.unlink(missing_ok=True)

    def _move(self, message: Message, written: Path) -> Outcomes:
        new = self._folder / "new"
        try:
            written.rename(new / written.name)
        except OSError as error:
            yield (self._outcome(message, Result.UNTRIED),)
            raise stopping(files.cannot_write(new, error)) from error
        self._known.add(written.name)
        try:
            _sync_folder(new)
        except OSError as error:
            # It is there, but a power cut may undo that.
            sentence = files.cannot_write(new, error).sentence
            yield (self._outcome(message, Result.UNKNOWN, sentence),)
            return
        yield (self._outcome(message, Result.ACCEPTED),)

    def _outcome(self, message: Message, result: Result, detail: Sentence | str = "") -> Outcome:
        is_taken = result is Result.ACCEPTED
        return Outcome(
            claim=message.claim,
            result=result,
            at=self._clock(),
            host=self._folder.name,
            stage="dot",
            detail=str(detail),
            queue_id=name_of(message.message_id) if is_taken else "",
        )


def name_of(message_id: str) -> str:
    """The name of a message's file: the same whenever and wherever it is asked for."""
    return f"{hashlib.sha256(message_id.encode()).hexdigest()[:32]}.flashback"


def _write(path: Path, message: Message) -> None:
    """Write a message the way a delivery agent does: with its envelope, and LF line ends."""
    envelope = message.envelope
    head = f"Return-Path: <{envelope.sender}>\nDelivered-To: {envelope.recipient}\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(head.encode() + message.content.replace(b"\r\n", b"\n"))
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
