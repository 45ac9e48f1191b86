"""A sender's journal: what is about to leave, and what came of it, until the database knows.

One write to a file instead of a transaction a message. What was written outlives the process,
however it ends, for the kernel holds it; it does not outlive the kernel, so a journal of another
boot proves nothing. Each line is a checksum and a JSON list, the first one naming owner and boot.
A journal is one file, or two for the moment in which it is made anew; recovery reads them all.
"""

import contextlib
import datetime as dt
import errno
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from typing import Any, Final

from flashback.errors import StoreError
from flashback.model import Claim, DeliveryState, Outcome, Reply, Result, Settlement
from flashback.sentences import tr
from flashback.store.owners import this_boot

#: A journal that has grown to so many octets is made anew with what is still in the air.
LARGEST: Final = 4 * 2**20

_SUFFIX: Final = ".journal"
_FORMAT: Final = 1
_HEAD, _NOTE, _OUTCOME = "flashback", "note", "outcome"
_CHECKSUM: Final = 9  # eight hexadecimal digits and a space
#: Of an endless reply the database keeps less than this.
_LONGEST_LINE: Final = 2_000
_MOST_LINES: Final = 100
_LOOKS: Final = 5

#: A delivery and the number of the attempt.
Key = tuple[int, int]


@dataclass(slots=True)
class Flight:
    """What a sender holds of one claim, and what its journal says about it."""

    attempt: int
    is_lost: bool = False  #: others may have taken it away
    noted_at: dt.datetime | None = None
    outcomes: tuple[Settlement, ...] = ()


@dataclass(frozen=True, slots=True)
class Recollection:
    """What a journal says of a sender that is gone, by delivery and attempt."""

    noted: dict[Key, dt.datetime] = field(default_factory=dict)
    outcomes: dict[Key, list[list[Any]]] = field(default_factory=dict)

    def settlements(self, claim: Claim) -> list[Settlement]:
        """What was remembered of a claim since it was last noted, in order."""
        records = self.outcomes.get((claim.delivery_id, claim.attempt), [])
        return [_revived(record, claim) for record in records]


class Journal:
    """The journal that this process writes for one owner. Raises StoreError when it cannot."""

    def __init__(self, folder: Path, owner: str) -> None:
        self.stem = folder.resolve() / hashlib.sha256(owner.encode()).hexdigest()[:20]
        self._owner = owner
        self._size = 0
        self._file = -1
        self._is_whole = True
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            earlier = [number for number, _ in _files(self.stem)]
            self._number = max(earlier, default=0)
            self._begin(b"")
        except OSError as error:
            raise self._trouble(error) from error

    @property
    def is_large(self) -> bool:
        """Whether it is time to make it anew."""
        return self._size > LARGEST

    def note(self, claims: Sequence[Claim], at: dt.datetime) -> None:
        """Write that final dots are about to leave: whole on return, or nothing of it."""
        keys = ",".join([f"{claim.delivery_id},{claim.attempt}" for claim in claims])
        self._append(_sealed(f'["{_NOTE}","{_moment(at)}",[{keys}]]'))

    def remember(self, settlements: Iterable[Settlement]) -> None:
        """Write outcomes that the database does not know yet."""
        self._append(b"".join([_sealed(_record(settlement)) for settlement in settlements]))

    def roll(self, flights: dict[int, Flight]) -> None:
        """Begin anew with what is in the air; only then the old file goes.

        Where that cannot be, the old file goes on growing; the next note tells when it cannot.
        """
        lines = []
        for delivery_id, flight in flights.items():
            if flight.noted_at is not None:
                at = _moment(flight.noted_at)
                lines.append(_sealed(f'["{_NOTE}","{at}",[{delivery_id},{flight.attempt}]]'))
            lines += [_sealed(_record(settlement)) for settlement in flight.outcomes]
        old = self._file
        with contextlib.suppress(OSError):
            self._begin(b"".join(lines))
            os.close(old)
            _unlink(self.stem, below=self._number)

    def close(self, *, remove: bool) -> None:
        """Let go of the file; ``remove`` it when the database knows everything in it."""
        os.close(self._file)
        self._is_whole = False
        if remove:
            _unlink(self.stem, below=self._number + 1)

    def _begin(self, content: bytes) -> None:
        path = _numbered(self.stem, self._number + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        name = [_HEAD, _FORMAT, self._owner, this_boot(), _identity(os.fstat(file))]
        head = _sealed(json.dumps(name)) + content
        try:
            _write_whole(file, head)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self._number += 1
        self._file, self._size = file, len(head)

    def _append(self, lines: bytes) -> None:
        if not self._is_whole:
            raise self._trouble(OSError(errno.EIO, os.strerror(errno.EIO)))
        try:
            _write_whole(self._file, lines)
        except OSError as error:
            self._cut()
            raise self._trouble(error) from error
        self._size += len(lines)

    def _cut(self) -> None:
        """Take half a record away; where even that fails, this file is written no more."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._is_whole = False

    def _trouble(self, error: OSError) -> StoreError:
        return StoreError(
            tr(
                "The journal {place} cannot be written: {reason}. Nothing more leaves.",
                place=f"{self.stem}{_SUFFIX}",
                reason=error.strerror,
            ),
            hint=tr(
                "Make room on the disk, and check that the folder may be written by you. Then go"
                " on: flashback resume"
            ),
        )


def read(stem: str, owner: str, *, moved: bool = False) -> Recollection | None:
    """What the journal of a sender that is gone says; None when nothing can be relied on.

    ``moved``: it is not where it was written, so that only the very file will do, and no copy: a
    copy knows nothing of what came after it.

    That is: there is none, it cannot be read here, it is damaged before its end, it is another
    sender's, or it is of another boot, so that its last lines may have been lost.
    """
    boot = this_boot()
    if not stem or not boot:
        return None
    for _ in range(_LOOKS):
        try:
            files = [path for _, path in _files(Path(stem))]
            if moved and not all(map(_is_itself, files)):
                return None
            contents = [path.read_bytes() for path in files]
        except FileNotFoundError:  # made anew while we looked: it may live, thought dead
            continue
        except OSError:
            return None
        return _recollected(contents, owner, boot)
    return None


def owners_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The owner and the stem of each journal in a folder that can be read."""
    stems = {path.parent / path.name.partition(".")[0] for path in folder.glob(f"*{_SUFFIX}")}
    for stem in sorted(stems):
        for _, path in _files(stem):
            head = _head(path)
            if head is not None:
                yield head[2], stem
                break


def remove(stem: Path) -> None:
    """Delete a journal of which the database knows everything; as far as one may."""
    for number, _ in _files(stem):
        _unlink(stem, below=number + 1)


def _recollected(contents: Sequence[bytes], owner: str, boot: str) -> Recollection | None:
    found = Recollection()
    is_headed = False
    for content in contents:
        records = _records(content)
        if records is None:
            return None
        if not records:
            continue  # it ended while beginning this one: the file before has it all
        if records[0][:4] != [_HEAD, _FORMAT, owner, boot]:
            return None
        is_headed = True
        for record in records[1:]:
            _take(found, record)
    return found if is_headed else None


def _take(found: Recollection, record: list[Any]) -> None:
    if record[0] == _NOTE:
        at = dt.datetime.fromisoformat(record[1])
        for key in zip(record[2][::2], record[2][1::2], strict=True):
            found.noted[key] = at
            # An attempt given back is claimed anew under the same number.
            found.outcomes.pop(key, None)
    else:
        found.outcomes.setdefault((record[1], record[2]), []).append(record)


def _records(content: bytes) -> list[list[Any]] | None:
    """All whole lines; a torn last one is as if it had not been. None when another is damaged."""
    *lines, _torn = content.split(b"\n")
    records = []
    for line in lines:
        words = line[_CHECKSUM:]
        if line[:_CHECKSUM] != b"%08x " % zlib.crc32(words):
            return None
        records.append(json.loads(words))
    return records


def _head(path: Path) -> list[Any] | None:
    try:
        with path.open("rb") as file:
            records = _records(file.readline(_LONGEST_LINE))
    except OSError:
        return None
    return records[0] if records and records[0][:2] == [_HEAD, _FORMAT] else None


def _identity(status: os.stat_result) -> str:
    """What a file keeps when it is moved, and a copy does not have."""
    return f"{status.st_dev}:{status.st_ino}"


def _is_itself(path: Path) -> bool:
    head = _head(path)
    return head is not None and head[4:] == [_identity(path.stat())]


def _sealed(words: str) -> bytes:
    """A line: the checksum of a record, and the record."""
    octets = words.encode("ascii")
    return b"%08x %b\n" % (zlib.crc32(octets), octets)


def _record(settlement: Settlement) -> str:
    """An outcome as JSON, written out: the encoder takes three times as long."""
    outcome = settlement.outcome
    claim = outcome.claim
    due = f'"{_moment(settlement.due_at)}"' if settlement.due_at else "null"
    suppress = "true" if settlement.suppress else "false"
    return (
        f'["{_OUTCOME}",{claim.delivery_id},{claim.attempt},"{settlement.state}",'
        f'"{outcome.result}","{_moment(outcome.at)}",{due},{suppress},'
        f"{_quoted(outcome.stage)},{_quoted(outcome.host)},{_quoted(outcome.detail)},"
        f"{_quoted(outcome.queue_id)},{_said(outcome.reply)}]"
    )


def _said(reply: Reply | None) -> str:
    if reply is None:
        return "null"
    lines = ",".join([_quoted(line[:_LONGEST_LINE]) for line in reply.lines[:_MOST_LINES]])
    return f"[{reply.code},{_quoted(reply.enhanced)},[{lines}]]"


@lru_cache(maxsize=64)
def _moment(at: dt.datetime) -> str:
    """Outcomes that come together have one time."""
    return at.isoformat()


def _revived(record: list[Any], claim: Claim) -> Settlement:
    state, result, at, due, suppress, stage, host, detail, queue_id, reply = record[3:]
    return Settlement(
        outcome=Outcome(
            claim=claim,
            result=Result(result),
            at=dt.datetime.fromisoformat(at),
            host=host,
            stage=stage,
            reply=Reply(code=reply[0], enhanced=reply[1], lines=tuple(reply[2])) if reply else None,
            detail=detail,
            queue_id=queue_id,
        ),
        state=DeliveryState(state),
        due_at=dt.datetime.fromisoformat(due) if due else None,
        suppress=suppress,
    )


def _write_whole(file: int, content: bytes) -> None:
    if os.write(file, content) != len(content):  # a full disk takes the part that fits
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unlink(stem: Path, *, below: int) -> None:
    for number, path in _files(stem):
        if number < below:
            with contextlib.suppress(OSError):
                path.unlink()


def _numbered(stem: Path, number: int) -> Path:
    return stem.with_name(f"{stem.name}.{number}{_SUFFIX}")


def _files(stem: Path) -> list[tuple[int, Path]]:
    """The files of a journal, oldest first."""
    found = []
    for path in stem.parent.glob(f"{stem.name}.*{_SUFFIX}"):
        number = path.name[len(stem.name) + 1 : -len(_SUFFIX)]
        if number.isdecimal():
            found.append((int(number), path))
    return sorted(found)
