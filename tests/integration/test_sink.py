"""The judge is judged: the sink is strict, keeps its log, and misbehaves as told and no further."""

import smtplib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest

from fixtures.sink import STEPS, Sink

StartSink = Callable[..., Sink]
BODY = b"Message-ID: <m1@example.org>\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[StartSink]:
    """A sink with options, stopped in the end."""
    started: list[Sink] = []

    def start(*options: str) -> Sink:
        one = Sink(tmp_path / "log", options)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


class Talk:
    """A line in the plainest words: octets out, lines in."""

    def __init__(self, sink: Sink) -> None:
        self._socket = socket.create_connection(("127.0.0.1", sink.port), timeout=5)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def say(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def codes(self, count: int) -> list[int]:
        """The codes of so many replies; 0 where the line ends."""
        found: list[int] = []
        while len(found) < count:
            try:
                line = self._file.readline()
            except ConnectionResetError:
                line = b""
            if line[3:4] != b"-":
                found.append(int(line[:3] or b"0"))
        return found

    def greeted(self) -> "Talk":
        assert self.codes(1) == [220]
        self.say(b"EHLO x\r\n")
        assert self.codes(1) == [250]
        return self


def envelope(name: str) -> bytes:
    return b"MAIL FROM:<a@example.org>\r\nRCPT TO:<%s@example.org>\r\n" % name.encode()


def test_a_refused_recipient_needs_rset(sink: StartSink) -> None:
    """After a refused RCPT, MAIL without RSET is answered with 503, as Postfix does."""
    with Talk(sink("--refuse", "rcpt:2:550")).greeted() as talk:
        talk.say(envelope("one") + b"RSET\r\n" + envelope("two"))
        assert talk.codes(5) == [250, 250, 250, 250, 550]
        talk.say(b"DATA\r\n")
        assert talk.codes(1) == [554]
        talk.say(envelope("three"))
        assert talk.codes(2) == [503, 250]
        talk.say(b"RSET\r\nMAIL FROM:<a@example.org>\r\n")
        assert talk.codes(2) == [250, 250]


def test_pipelined_messages_are_each_written_down(sink: StartSink) -> None:
    """Body, dot and the next envelope in one write; each message is in the log once, in order."""
    server = sink()
    with Talk(server).greeted() as talk:
        talk.say(envelope("one") + b"DATA\r\n")
        assert talk.codes(3) == [250, 250, 354]
        talk.say(BODY + b"..dot\r\n.\r\n" + envelope("two") + b"DATA\r\n")
        assert talk.codes(4) == [250, 250, 250, 354]
        talk.say(b".\r\nQUIT\r\n")
        assert talk.codes(3) == [250, 221, 0]
    stuffed = len(BODY) + len(b".dot\r\n")
    assert server.entries() == [
        ["one@example.org", "m1@example.org", str(stuffed)],
        ["two@example.org", "", "0"],
    ]


def test_chunks_however_they_are_cut(sink: StartSink) -> None:
    """BDAT in several chunks, several messages in flight, octet by octet: the same answers."""
    server = sink()
    octets = envelope("one") + b"BDAT 10\r\n" + BODY[:10]
    octets += b"BDAT %d LAST\r\n" % (len(BODY) - 10) + BODY[10:]
    octets += envelope("two") + b"BDAT %d LAST\r\n" % len(BODY) + BODY
    for size in (1, 7, len(octets)):
        with Talk(server).greeted() as talk:
            for start in range(0, len(octets), size):
                talk.say(octets[start : start + size])
            assert talk.codes(7) == [250] * 7
    assert server.accepted() == ["one@example.org", "two@example.org"] * 3
    assert {entry[2] for entry in server.entries()} == {str(len(BODY))}


def test_a_chunk_without_recipients_is_read_and_refused(sink: StartSink) -> None:
    """The octets of a refused chunk are not taken for commands (RFC 3030 section 2)."""
    server = sink("--refuse", "rcpt:1:550")
    with Talk(server).greeted() as talk:
        talk.say(envelope("one") + b"BDAT 6 LAST\r\nRSET\r\nNOOP\r\n")
        assert talk.codes(4) == [250, 550, 554, 250]
    assert server.accepted() == []


@pytest.mark.parametrize(
    ("options", "octets"),
    [
        (["--no-pipelining"], envelope("one")),
        (["--no-pipelining"], b"MAIL FROM:<a@example.org>\r\nRSET\r\n"),
        ([], envelope("one") + b"DATA\r\nSubject: too early\r\n"),
        ([], b"QUIT\r\nNOOP\r\n"),
    ],
)
def test_who_speaks_out_of_turn_is_cut_off(
    sink: StartSink, options: Sequence[str], octets: bytes
) -> None:
    """Commands in a group where none is allowed, or octets behind the end of a group: 503."""
    with Talk(sink(*options)).greeted() as talk:
        talk.say(octets)
        codes = talk.codes(4)
        assert codes[codes.index(503) + 1] == 0


def test_extensions_are_offered_or_not(sink: StartSink) -> None:
    """EHLO names what it was told to offer."""
    for options, offered in (((), True), (("--no-pipelining", "--no-chunking"), False)):
        with smtplib.SMTP("127.0.0.1", sink(*options).port) as client:
            client.ehlo()
            assert client.has_extn("PIPELINING") is offered
            assert client.has_extn("CHUNKING") is offered


@pytest.mark.parametrize("step", STEPS)
def test_the_line_is_cut_where_told(sink: StartSink, step: str) -> None:
    """The second line is cut at its step; only after the dot has the message been taken."""
    server = sink("--cut", f"{step}:2")
    said = [b"EHLO x\r\n", *envelope("one").splitlines(keepends=True), b"DATA\r\n", BODY, b".\r\n"]
    for cut in (False, True):
        with Talk(server) as talk:
            codes = talk.codes(1)
            for octets in said:
                if not codes[-1]:
                    break
                talk.say(octets)
                if octets is BODY:
                    time.sleep(0.05)  # the middle of a message is where it is read up to
                    continue
                codes += talk.codes(1)
            assert (codes[-1] == 0) is cut, codes
    assert len(server.accepted()) == (2 if step == "dot-after" else 1)
    assert server.cuts() == [step]


@pytest.mark.parametrize(("step", "code"), [("mail", 421), ("data", 451), ("dot", 552)])
def test_every_nth_is_refused(sink: StartSink, step: str, code: int) -> None:
    """Every second one is refused with the code it was told, and is not in the log."""
    server = sink("--refuse", f"{step}:2:{code}")
    results: list[int] = []
    for number in range(4):
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            try:
                client.sendmail("a@example.org", [f"r{number}@example.org"], BODY)
                results.append(250)
            except smtplib.SMTPResponseException as refusal:
                results.append(refusal.smtp_code)
    assert results == [250, code, 250, code]
    assert server.accepted() == ["r0@example.org", "r2@example.org"]


def test_answers_travel_side_by_side(sink: StartSink) -> None:
    """A delay is a distance: a group of commands waits once, commands one by one each time."""
    server = sink("--delay-ms", "40")
    with Talk(server).greeted() as talk:
        begun = time.monotonic()
        talk.say(b"NOOP\r\n" * 10)
        talk.codes(10)
        together = time.monotonic() - begun
        for _ in range(3):
            talk.say(b"NOOP\r\n")
            talk.codes(1)
        one_by_one = time.monotonic() - begun - together
    assert 0.035 < together < 0.11
    assert one_by_one > 0.11


def test_it_comes_back_on_its_port_and_goes_on_with_its_log(sink: StartSink) -> None:
    """Killed and started again: the same port, the same log, nothing of it lost."""
    server = sink()
    for name in ("one", "two"):
        with Talk(server).greeted() as talk:
            talk.say(envelope(name) + b"DATA\r\n")
            talk.codes(3)
            talk.say(BODY + b".\r\n")
            assert talk.codes(1) == [250]
        server.stop()
        server.start()
    assert server.accepted() == ["one@example.org", "two@example.org"]
