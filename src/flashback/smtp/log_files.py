"""The lines of a system log since a given time, from the file itself and from rotated ones.

Rotated files lie beside it, as ``.1``, ``.2.gz`` and so on, or with a date. Of a plain file only
the end is read. Times are those of syslog, which has no year and no zone, or of RFC 3339.
"""

import datetime as dt
import gzip
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from flashback.errors import TransportError
from flashback.sentences import tr

File = IO[bytes] | gzip.GzipFile
#: What reading may raise when a file is damaged, or was taken away in between.
DAMAGE: Final = (OSError, EOFError, zlib.error)

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun",
         b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), start=1)
}  # fmt: skip
_SYSLOG: Final = re.compile(rb"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_RFC_3339: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)")
_ROTATED: Final = re.compile(r"(?:\.(?P<number>\d{1,4})|-(?P<date>\d{8}(?:-\d+)?))(?:\.gz)?")
#: Lines without a time that are passed over before a part of a file counts as having none.
_STRAY_LINES: Final = 1_000
_LONGEST_LINE: Final = 65_536
#: A clock that is a little ahead makes no line one of last year.
_AHEAD: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the times in a log mean, seen from ``now``; ``zone``: the machine's when None."""

    now: dt.datetime
    zone: dt.tzinfo | None = None

    def earliest(self, line: bytes) -> dt.datetime | None:
        """The time at the start of a line; None when there is none. Cut to whole seconds.

        In the hour that comes twice in autumn, the first of the two.
        """
        return self._time(line, fold=0)

    def latest(self, line: bytes) -> dt.datetime | None:
        """The same, and the second of the two."""
        return self._time(line, fold=1)

    def _time(self, line: bytes, *, fold: int) -> dt.datetime | None:
        if found := _RFC_3339.match(line):
            try:
                return dt.datetime.fromisoformat(found[0].decode()).replace(microsecond=0)
            except ValueError:
                return None
        if (found := _SYSLOG.match(line)) is None or found[1] not in _MONTHS:
            return None
        month = _MONTHS[found[1]]
        day, hour, minute, second = (int(part) for part in found.groups()[1:])
        for year in (self.now.year + 1, self.now.year, self.now.year - 1):
            try:
                local = dt.datetime(
                    year, month, day, hour, minute, second, tzinfo=self.zone, fold=fold
                )
                at = local.astimezone(dt.UTC)
            except (ValueError, OverflowError):
                continue
            if at <= self.now + _AHEAD:
                return at
        return None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a log."""

    #: Without their ends, in the order in which they were written. Raises one of ``DAMAGE``.
    lines: Iterator[bytes]
    reaches_back: bool  #: whether it begins before the time that was asked for
    _log: Path
    _identity: tuple[int, int]

    @property
    def is_whole(self) -> bool:
        """Whether it reaches back, and no rotation since then can have taken a part away."""
        inode, size = _identity(self._log)
        return self.reaches_back and inode == self._identity[0] and size >= self._identity[1]


def since(log: Path, since: dt.datetime, calendar: Calendar) -> Stretch:
    """The lines from about this time on. Raises TransportError when the log cannot be read."""
    chosen: list[Path] = []
    reaches_back = False
    identity = _identity(log)
    for path in (log, *_rotated(log)):
        first = _first_time(path, calendar)
        if first is None and chosen:
            break
        chosen.insert(0, path)
        if first is not None and first < since:
            reaches_back = True
            break
    lines = itertools.chain.from_iterable(_lines(path, since, calendar) for path in chosen)
    return Stretch(lines, reaches_back, log, identity)


def _identity(log: Path) -> tuple[int, int]:
    """The file's number and size."""
    try:
        status = log.stat()
    except OSError:
        return 0, 0
    return status.st_ino, status.st_size


def _rotated(log: Path) -> Sequence[Path]:
    """Files beside the log that were once the log, the newest first, as far as none is missing."""
    numbered: dict[int, Path] = {}
    dated: dict[str, Path] = {}
    for path in log.parent.glob(f"{_literal(log.name)}?*"):
        if found := _ROTATED.fullmatch(path.name.removeprefix(log.name)):
            if found["number"]:
                numbered[int(found["number"])] = path
            else:
                dated[found["date"]] = path
    if numbered:
        return [numbered[n] for n in itertools.takewhile(numbered.__contains__, itertools.count(1))]
    return [dated[date] for date in sorted(dated, reverse=True)]


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _open(path: Path) -> File:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _first_time(path: Path, calendar: Calendar) -> dt.datetime | None:
    """When a file begins; None when it has no times. Raises TransportError."""
    try:
        with _open(path) as file:
            for line in itertools.islice(_split(file), _STRAY_LINES):
                if (at := calendar.latest(line)) is not None:
                    return at
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None  # damaged
    except OSError as error:
        raise TransportError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror),
            hint=tr(
                "Let this user read it (on Debian: the group adm), or remove postfix_log under "
                "[relay]."
            ),
        ) from error
    return None


def _lines(path: Path, since: dt.datetime, calendar: Calendar) -> Iterator[bytes]:
    with _open(path) as file:
        if not isinstance(file, gzip.GzipFile):
            file.seek(_place_of(file, since, calendar))
        yield from _split(file)


def _split(file: File) -> Iterator[bytes]:
    """Whole lines only: what is being written, and the rest of a line too long, is passed over."""
    is_start = True
    while line := file.readline(_LONGEST_LINE):
        if is_start and line.endswith(b"\n"):
            yield line.rstrip(b"\r\n")
        is_start = line.endswith(b"\n")


def _place_of(file: File, since: dt.datetime, calendar: Calendar) -> int:
    """Where to begin: at a line before that time, and not long before it."""
    low, high = 0, file.seek(0, 2)
    while high - low > _LONGEST_LINE:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline(_LONGEST_LINE)
        place = file.tell()
        times = (calendar.latest(line) for line in itertools.islice(_split(file), _STRAY_LINES))
        at = next(filter(None, times), None)
        if at is not None and at < since and place < high:
            low = place
        else:
            high = middle
    return low
