"""Octets to replies (RFC 5321 section 4.2, RFC 2034), however the octets are cut. Pure.

Total: hostile octets give None, never an exception. What a server says is shown to people and
kept for long, so control characters are taken out and very long replies are cut.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from flashback.model import Reply

#: RFC 5321 section 4.2: 2xx to 5xx, then 0 to 5, then a space, a hyphen or nothing.
_LINE: Final = re.compile(rb"([2-5][0-5][0-9])(?:[ -](.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: +|$)")
_CONTROL: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")
#: Enough for any EHLO; a reply beyond is an attack or an accident.
_LONGEST_REPLY: Final = 65_536
_MOST_LINES: Final = 100
_LONGEST_TEXT: Final = 512

#: How servers name what they have taken: Postfix and its like, Exim, Exchange, sendmail and
#: OpenSMTPD, Gmail, qmail, Haraka, Amazon.
_QUEUE_IDS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bqueued as ([^\s<>]+)",
        r"\bid=([^\s<>]+)",
        r"\bInternalId=(\d+)",
        r"^(\S+) Message accepted for delivery",
        r"^OK\s+\d+\s+(\S+) - g?smtp",
        r"\b(qp \d+)$",
        r"\bqueued \(([^\s()]+)\)",
        r"^Ok ([0-9a-f][0-9a-f-]{15,})$",
    )
)


#: Whether any of them can be found at all: nothing is nearly as quick to search for.
_ANY_QUEUE_ID: Final = re.compile(
    "|".join(f"(?:{pattern.pattern})" for pattern in _QUEUE_IDS), re.IGNORECASE
)
#: A whole reply on one line of printable ASCII.
_USUAL: Final = re.compile(
    rb"([2-5][0-5][0-9])[ -](?:([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: +|\Z))?([ -~]{0,512})"
)


class ReplyBuffer:
    """Octets on their way to becoming replies."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._lines: list[bytes] = []
        self._taken = 0

    def feed(self, octets: bytes) -> None:
        """Add what has arrived."""
        self._octets += octets

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left over from the last reply."""
        return not (self._octets or self._lines)

    def replies(self, octets: bytes) -> Iterator[Sequence[bytes]]:
        """Add what has arrived, and take every complete reply."""
        if self.is_empty and octets.endswith(b"\r\n") and len(octets) <= _LONGEST_REPLY:
            # Nearly always: whole lines. Each that is a reply by itself needs no buffer.
            lines = octets.split(b"\r\n")
            for position, line in enumerate(lines[:-1]):
                if line[3:4] != b" " or b"\n" in line:
                    octets = b"\r\n".join(lines[position:])
                    break
                yield (line,)
            else:
                return
        self.feed(octets)
        while (found := self.take()) is not None:
            yield found

    def take(self) -> Sequence[bytes] | None:
        """The lines of one reply, or of something that is none; None while it is incomplete."""
        while (end := self._octets.find(b"\n")) >= 0:
            line = bytes(self._octets[:end]).removesuffix(b"\r")
            del self._octets[: end + 1]
            self._taken += end + 1
            self._lines.append(line)
            if not _LINE.fullmatch(line) or line[3:4] != b"-":
                return self._finish()
        if self._taken + len(self._octets) > _LONGEST_REPLY:
            self._octets.clear()
            self._lines.append(b"")  # no reply has an empty line: ``parse`` answers None
            return self._finish()
        return None

    def _finish(self) -> Sequence[bytes]:
        lines, self._lines, self._taken = self._lines, [], 0
        return lines


def parse(lines: Sequence[bytes]) -> Reply | None:
    """The reply that these lines, without line ends, make; None when they make none."""
    if len(lines) == 1 and (usual := _USUAL.fullmatch(lines[0])):
        code, status, said = usual.groups()
        # RFC 2034 section 4: the class repeats the first digit of the code.
        if status is None or status[0] == code[0]:
            return Reply(
                code=int(code),
                enhanced=status.decode() if status else "",
                lines=(said.decode(),),
            )
    return parse_carefully(lines)


def parse_carefully(lines: Sequence[bytes]) -> Reply | None:
    """As ``parse``, for replies of any kind."""
    found = [_LINE.fullmatch(line) for line in lines]
    matches = [match for match in found if match]
    if not matches or len(matches) < len(found) or len({match[1] for match in matches}) > 1:
        return None
    code = matches[0][1].decode()
    texts = [_text(match[2] or b"") for match in matches[:_MOST_LINES]]
    enhanced = _ENHANCED.match(texts[0])
    # RFC 2034 section 4: the class repeats the first digit of the code.
    if enhanced is None or enhanced[1] != code[0]:
        return Reply(code=int(code), lines=tuple(texts))
    status = f"{enhanced[1]}.{enhanced[2]}.{enhanced[3]}"
    return Reply(
        code=int(code),
        enhanced=status,
        lines=tuple(text.removeprefix(status).lstrip(" ") for text in texts),
    )


def _text(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)[:_LONGEST_TEXT]


def queue_id_of(reply: Reply) -> str:
    """The name under which the server has queued a message; empty when it tells none."""
    for text in reversed(reply.lines):
        if _ANY_QUEUE_ID.search(text):
            found = next(filter(None, (pattern.search(text) for pattern in _QUEUE_IDS)))
            return found[1].rstrip(".,;")
    return ""
