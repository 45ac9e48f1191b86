"""Doubts about a real Postfix, settled from its own log."""

import datetime as dt
import socket
import time
from collections.abc import Iterator

import pytest

from flashback.smtp.postfix_log import settled

from fixtures import postfix
from fixtures.postfix import Postfix

pytestmark = pytest.mark.postfix


@pytest.fixture(scope="module")
def relay() -> Iterator[Postfix]:
    """A running one."""
    if reason := postfix.missing():
        pytest.skip(reason)
    with postfix.running() as found:
        yield found


def hand_over(relay: Postfix, message_id: str, *, dot: bytes) -> None:
    """Send a message up to its end and hang up without reading what comes of it."""
    with socket.create_connection((relay.host, relay.port), timeout=10) as line:
        stream = line.makefile("rwb")
        stream.readline()
        for command in ("EHLO a.example.org", "MAIL FROM:<b@example.org>",
                        "RCPT TO:<r@example.org>", "DATA"):  # fmt: skip
            stream.write(f"{command}\r\n".encode())
            stream.flush()
            while stream.readline()[3:4] == b"-":
                pass
        stream.write(f"Message-ID: <{message_id}>\r\nSubject: 35\r\n\r\nBonjour\r\n".encode() + dot)
        stream.flush()
        if dot:
            stream.readline()


def wait_for_log(relay: Postfix, *message_ids: str) -> None:
    """Until these are logged, and everybody who has come has hung up."""
    deadline = time.monotonic() + 20
    while not (
        all(f"message-id=<{message_id}>" in relay.log for message_id in message_ids)
        and relay.log.count(": connect from") == relay.log.count(": disconnect from")
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_accepted_and_broken_off(relay: Postfix) -> None:
    """Every message with its dot has the queue id under which it arrived; every other has none.

    Of a message that never came the log knows only its siblings.
    """
    taken = [f"taken.{n}@flash-back.example.org" for n in range(8)]
    broken = [f"broken.{n}@flash-back.example.org" for n in range(8)]
    noted_at = dt.datetime.now(dt.UTC)
    for good, bad in zip(taken, broken, strict=True):
        hand_over(relay, good, dot=b".\r\n")
        hand_over(relay, bad, dot=b"")
    wait_for_log(relay, *taken, *broken)
    assert relay.delivered(taken).keys() == set(taken)
    # An older line: the log began before the mailing did.
    older = noted_at.astimezone() - dt.timedelta(hours=2)
    log = relay.folder / "log.read"
    first = f"{older:%b} {older.day:2} {older:%H:%M:%S} relay postfix/master[1]: daemon started\n"
    log.write_text(first + relay.log, encoding="utf-8")
    wanted = dict.fromkeys([*taken, *broken, "never@flash-back.example.org"], noted_at)
    now = noted_at + dt.timedelta(minutes=30)
    found = settled(log, wanted, now=now)
    assert {message_id for message_id, queue_id in found.items() if queue_id} == set(taken)
    assert {message_id for message_id, queue_id in found.items() if queue_id is None} == {
        *broken,
        "never@flash-back.example.org",
    }
    for message_id in taken:
        assert f"{found[message_id]}: message-id=<{message_id}>" in relay.log


def test_too_early_only_what_was_accepted(relay: Postfix) -> None:
    """The log itself, a moment later: what it has is told, and nothing is ruled out."""
    noted_at = dt.datetime.now(dt.UTC)
    hand_over(relay, "early@flash-back.example.org", dot=b".\r\n")
    hand_over(relay, "early.broken@flash-back.example.org", dot=b"")
    wait_for_log(relay, "early@flash-back.example.org", "early.broken@flash-back.example.org")
    wanted = dict.fromkeys(
        ["early@flash-back.example.org", "early.broken@flash-back.example.org"], noted_at
    )
    deadline = time.monotonic() + 10
    while not (found := settled(relay.folder / "log", wanted, now=dt.datetime.now(dt.UTC))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found.keys() == {"early@flash-back.example.org"}
