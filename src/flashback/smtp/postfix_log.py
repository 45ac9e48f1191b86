"""What the log of a Postfix tells about messages in doubt: which it has, and which it never took.

Postfix has a message when ``cleanup`` has logged its Message-ID and then ``qmgr`` the same queue
id as active: a Message-ID alone is also logged for mail that was broken off. That it does *not*
have a message is only said when the log could not be silent about it; else nothing is said. Total:
hostile octets tell nothing. Addresses and Message-IDs in a log are anybody's words, so a line
counts by how it begins.
"""

import datetime as dt
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flashback.smtp import log_files
from flashback.smtp.log_files import Calendar

#: After this time no server is still at work on a message whose sender has gone: Postfix waits
#: five minutes for octets, and as long for what looks at content.
_CALM: Final = dt.timedelta(minutes=15)
#: The log is read from so long before the first doubt.
_BEFORE: Final = dt.timedelta(minutes=10)
#: A sibling of a message in doubt shows that the log is the right relay's.
_KINSHIP: Final = dt.timedelta(hours=1)
#: Times in a log are cut to whole seconds.
_SECOND: Final = dt.timedelta(seconds=1)
#: Queue ids kept to notice lines that two processes have logged in the wrong order.
_RECENT: Final = 10_000

_LINE: Final = re.compile(
    rb"(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{8,32}) \S+ "
    rb"[^\s\[\]]*/(?P<program>cleanup|o?qmgr|smtpd)\[(?P<process>\d{1,10})\]: (?P<said>.*)",
    re.DOTALL,
)
_QUEUED: Final = re.compile(rb"(?P<queue_id>[0-9A-Za-z]{6,32}): (?P<said>.*)", re.DOTALL)
#: What keeps a message from the queue manager although the client was told that it was taken.
_SET_ASIDE: Final = re.compile(rb"(milter-)?(hold|discard|quarantine)\b")


def accepted(lines: Iterable[bytes], wanted: Iterable[str]) -> Mapping[str, str]:
    """The queue ids of messages that Postfix has, by Message-ID without angle brackets."""
    reading = _Reading(wanted)
    for line in lines:
        reading.take(line)
    return reading.accepted


def settled(
    log: Path,
    wanted: Mapping[str, dt.datetime],
    *,
    now: dt.datetime,
    zone: dt.tzinfo | None = None,
) -> Mapping[str, str | None]:
    """What became of messages, by Message-ID without angle brackets.

    ``wanted`` has the time when each was noted. A queue id: accepted. None: certainly not accepted.
    Missing: the log cannot tell. Ask only for messages that went to this very relay. ``zone``: the
    log's own, the machine's when None. Raises TransportError when the log cannot be read.
    """
    if not wanted:
        return {}
    since = min(wanted.values()) - _BEFORE
    calendar = Calendar(now, zone)
    stretch = log_files.since(log, since, calendar)
    reading = _Reading(wanted)
    is_read = False
    with suppress(*log_files.DAMAGE):
        for line in stretch.lines:
            reading.take(line)
        is_read = True
    answers: dict[str, str | None] = dict(reading.accepted)
    if is_read and stretch.is_whole:
        answers |= {
            message_id: None
            for message_id, noted_at in wanted.items()
            if message_id not in answers and reading.rules_out(message_id, noted_at, calendar)
        }
    return answers


@dataclass
class _Kin:
    """When a domain's messages were last logged."""

    stamp: bytes = b""


@dataclass
class _Reading:
    """What a log has said so far about these messages."""

    wanted: Iterable[str]
    accepted: dict[str, str] = field(default_factory=dict)
    _ids: dict[bytes, str] = field(default_factory=dict)
    _kin: dict[bytes, _Kin] = field(default_factory=dict)
    _waiting: dict[bytes, str] = field(default_factory=dict)  #: queue id -> Message-ID, not active
    _seen: set[str] = field(default_factory=set)  #: logged by cleanup
    _unclear: set[str] = field(default_factory=set)
    _aside: set[bytes] = field(default_factory=set)  #: queue ids
    _recent: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    _connected: dict[bytes, bytes] = field(default_factory=dict)  #: process -> since when
    _last_parting: bytes = b""

    def __post_init__(self) -> None:
        for message_id in self.wanted:
            octets = message_id.encode(errors="replace")
            self._ids[b"<" + octets + b">"] = message_id
            self._kin[octets.rpartition(b"@")[2]] = _Kin()

    def take(self, line: bytes) -> None:
        """Read one line, without its end."""
        if (found := _LINE.match(line)) is None:
            return
        stamp, said = found["stamp"], found["said"]
        if found["program"] == b"smtpd":
            self._smtpd(found["process"], stamp, said)
        elif (queued := _QUEUED.match(said)) is None:
            return
        elif found["program"] == b"cleanup":
            self._cleanup(queued["queue_id"], stamp, queued["said"])
        else:
            self._qmgr(queued["queue_id"], queued["said"])

    def rules_out(self, message_id: str, noted_at: dt.datetime, calendar: Calendar) -> bool:
        """Whether the log shows that Postfix does not have this message, and never will."""
        if message_id in self._unclear or calendar.now - noted_at < _CALM:
            return False
        # Every connection of that time has ended, and one of them after the note.
        parting = calendar.earliest(self._last_parting)
        if parting is None or parting + _SECOND <= noted_at:
            return False
        begun = [calendar.earliest(stamp) for stamp in self._connected.values()]
        if any(at is None or at <= noted_at + _SECOND for at in begun):
            return False
        # A log that knows neither the message nor any of its kind may be another relay's.
        if message_id in self._seen:
            return True
        domain = message_id.encode(errors="replace").rpartition(b"@")[2]
        kin = calendar.earliest(self._kin[domain].stamp)
        return kin is not None and kin >= noted_at - _KINSHIP

    def _smtpd(self, process: bytes, stamp: bytes, said: bytes) -> None:
        if said.startswith(b"connect from "):
            self._connected[process] = stamp
        elif said.startswith(b"disconnect from "):
            self._connected.pop(process, None)
            self._last_parting = stamp

    def _cleanup(self, queue_id: bytes, stamp: bytes, said: bytes) -> None:
        if _SET_ASIDE.match(said):
            self._aside.add(queue_id)
            if message_id := self._waiting.get(queue_id):
                self._unclear.add(message_id)
        if not said.startswith(b"message-id="):
            return
        # Short queue ids come again: what waited under this one was broken off.
        self._waiting.pop(queue_id, None)
        told = said.removeprefix(b"message-id=").strip()
        domain = told.removesuffix(b">").rpartition(b"@")[2]
        if kin := self._kin.get(domain):
            kin.stamp = stamp
        if message_id := self._ids.get(told):
            self._waiting[queue_id] = message_id
            self._seen.add(message_id)
            if queue_id in self._aside or queue_id in self._recent:
                self._unclear.add(message_id)

    def _qmgr(self, queue_id: bytes, said: bytes) -> None:
        if said.startswith(b"from=") and said.rstrip().endswith(b"(queue active)"):
            if message_id := self._waiting.get(queue_id):
                self.accepted.setdefault(message_id, queue_id.decode())
            self._recent[queue_id] = None
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
        elif said.startswith(b"removed"):
            self._waiting.pop(queue_id, None)
