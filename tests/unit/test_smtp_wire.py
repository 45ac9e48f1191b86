"""Dots are stuffed and undone exactly; nothing can end a message early."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flashback.errors import TransportError
from flashback.smtp import wire

LINES = st.lists(st.text(alphabet=".ab \t\r\n", max_size=6).map(lambda s: re.sub("[\r\n]", "", s)))


def unstuffed(octets: bytes) -> bytes:
    """What a server makes of it (RFC 5321 section 4.5.2)."""
    lines = octets.split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


@given(LINES)
@example(["."])
@example([".", "..", "", "."])
@settings(max_examples=300, deadline=None)
def test_stuffing_is_undone_by_the_server(lines: list[str]) -> None:
    """The message arrives as it was, with a line end at its end."""
    content = "\r\n".join(lines).encode()
    octets = wire.octets(content)
    expected = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    assert unstuffed(octets) == expected


@given(LINES)
@settings(max_examples=300, deadline=None)
def test_only_the_final_dot_ends_a_message(lines: list[str]) -> None:
    """The end mark occurs once, at the end, when the dot is added."""
    sent = b"\r\n" + wire.octets("\r\n".join(lines).encode()) + wire.FINAL_DOT
    assert sent.find(b"\r\n.\r\n") == len(sent) - 5


@pytest.mark.parametrize(
    "content", [b"a\nb", b"a\rb", b"\n", b"\r", b"a\r\r\n", b"x\n.\r\n", b"\r.\r"]
)
def test_smuggling_is_refused(content: bytes) -> None:
    """A bare CR or LF never reaches a server that might take it for a line end."""
    with pytest.raises(TransportError, match="not CRLF"):
        wire.octets(content)
