"""Real servers: aiosmtpd, which is strict, and Postfix, which readers' mail goes through."""

import os
import time
from collections.abc import Iterator

import pytest

from flashback.model import Message, Result
from flashback.smtp import is_dead_address

from fixtures import letters, postfix
from fixtures.postfix import Postfix
from fixtures.relays import StrictServer
from fixtures.sending import Notes, relay_to, send_all

A, P = Result.ACCEPTED, Result.PERMANENT


@pytest.fixture(scope="module")
def real() -> Iterator[Postfix]:
    """One Postfix for all tests here."""
    if reason := postfix.missing():
        if os.environ.get("FLASHBACK_TESTS_NOTHING_SKIPPED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with postfix.running() as found:
        yield found


def audience(size: int, *, refused_every: int, prefix: str, first: int = 1) -> list[Message]:
    """Readers, of whom some do not exist."""
    return [
        letters.message(n, mailbox=f"{'no' if n % refused_every == 0 else prefix}-{n}@example.org")
        for n in range(first, first + size)
    ]


def expected(messages: list[Message]) -> list[Result]:
    """What must come of an audience."""
    return [P if m.envelope.recipient.startswith("no-") else A for m in messages]


def test_strict_server_blames_nobody_else() -> None:
    """Every 7th of 200 refused: exactly those, and the others' mail octet for octet."""
    messages = audience(200, refused_every=7, prefix="yes")
    refuse = lambda box: "550 5.1.1 No such user" if box.startswith("no-") else ""  # noqa: E731
    with StrictServer(refuse=refuse) as server:
        notes = Notes()
        outcomes, error = send_all(relay_to(server.port, seconds=5), messages, notes)
    assert error is None
    assert [outcome.result for outcome in outcomes] == expected(messages)
    wanted = [m for m in messages if not m.envelope.recipient.startswith("no-")]
    assert [t.content for t in server.taken] == [m.content for m in wanted]
    assert [t.sender for t in server.taken] == [m.envelope.sender for m in wanted]
    assert notes.let_through == [m.claim.subscriber_id for m in wanted]


@pytest.mark.postfix
@pytest.mark.slow
def test_postfix_takes_what_it_should(real: Postfix) -> None:
    """Every 7th of 200 refused by a real Postfix: nobody pays with a 503 for the one before."""
    messages = audience(200, refused_every=7, prefix="real")
    outcomes, error = send_all(relay_to(real.port, seconds=30), messages)
    assert error is None
    assert [outcome.result for outcome in outcomes] == expected(messages)
    refused = [outcome for outcome in outcomes if outcome.result is P]
    assert all(o.reply is not None and is_dead_address(o.reply) for o in refused)
    taken = [outcome for outcome in outcomes if outcome.result is A]
    assert len({outcome.queue_id for outcome in taken}) == len(taken)
    wanted = {m.message_id for m in messages if not m.envelope.recipient.startswith("no-")}
    assert real.delivered(wanted).keys() == wanted
    for outcome in taken[:5]:
        assert outcome.queue_id in real.log


@pytest.mark.postfix
@pytest.mark.slow
def test_postfix_patience_is_not_tried(real: Postfix) -> None:
    """45 refusals in a row: Postfix slows down at 10 and hangs up at 20, so we part before."""
    messages = audience(45, refused_every=1, prefix="-", first=1000)
    messages += audience(3, refused_every=9, prefix="after", first=1046)
    begun = time.monotonic()
    outcomes, error = send_all(relay_to(real.port, seconds=30), messages)
    assert error is None
    assert [outcome.result for outcome in outcomes] == [P] * 45 + [A] * 3
    assert time.monotonic() - begun < 10
    assert "too many errors" not in real.log


@pytest.mark.postfix
@pytest.mark.slow
def test_postfix_keeps_arabic_french_and_dots(real: Postfix) -> None:
    """What arrives is what was built, less the fields that Postfix adds."""
    text = ".\n..\nالسلام عليكم\nÉté\n.fin"
    message = letters.message(900, mailbox="dots@example.org", text=text)
    outcomes, error = send_all(relay_to(real.port, seconds=30), [message])
    assert error is None
    assert [outcome.result for outcome in outcomes] == [A]
    arrived = real.delivered({message.message_id})[message.message_id]
    assert arrived.endswith(message.content.replace(b"\r\n", b"\n"))
