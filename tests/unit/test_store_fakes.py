"""The relay in memory keeps the promises of a transport."""

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from flashback.dispatch.ports import Transport, Wait
from flashback.errors import LeaseLostError, RelayUnreachableError
from flashback.model import Claim, Envelope, Message, Outcome, Result
from flashback.sentences import tr
from flashback.testing import FrozenClock, MemoryTransport, address


def message(number: int) -> Message:
    claim = Claim(
        delivery_id=number,
        mailing_id=1,
        subscriber_id=number,
        address=address(f"r{number}@example.org"),
        name="",
        language="fr",
        edition_digest="d",
        attempt=1,
        owner="me",
    )
    envelope = Envelope(sender="b@example.org", recipient=claim.address.mailbox)
    return Message(claim=claim, envelope=envelope, message_id="m", content=b"")


def sent(
    transport: MemoryTransport, items: Sequence[Message | Wait]
) -> tuple[list[Sequence[Outcome]], list[int]]:
    noted: list[int] = []

    def note(claims: Sequence[Claim]) -> None:
        noted.extend(claim.delivery_id for claim in claims)

    with transport.connected():
        return list(transport.send(iter(items), note)), noted


def test_it_is_a_transport() -> None:
    """The worker can be handed it: mypy checks this line."""
    transport: Transport = MemoryTransport()
    assert transport is not None


def test_every_message_has_its_outcome() -> None:
    """As scripted; only what reached its final dot is noted, and kept."""
    results = list(Result)
    transport = MemoryTransport(script=lambda message: results[message.claim.delivery_id])
    told, noted = sent(transport, [message(number) for number in range(len(results))])
    assert [outcome.result for some in told for outcome in some] == results
    past_dot = [results.index(Result.ACCEPTED), results.index(Result.UNKNOWN)]
    assert noted == past_dot
    assert [kept.claim.delivery_id for kept in transport.accepted] == past_dot


def test_a_wait_lets_time_pass() -> None:
    """Where nothing may leave, it answers with nothing, and the clock goes on."""
    clock = FrozenClock()
    began = clock.now()
    told, _ = sent(MemoryTransport(clock=clock), [Wait(30), message(1)])
    assert told[0] == ()
    assert told[1][0].at == began + dt.timedelta(seconds=30)


def test_errors_pass_through() -> None:
    """What the script, the note or the iterator raise ends the sending."""
    broken = RelayUnreachableError(tr("Nobody answers."))
    with pytest.raises(RelayUnreachableError):
        sent(MemoryTransport(script=lambda _message: broken), [message(1)])

    def refuse(_claims: Sequence[Claim]) -> None:
        raise LeaseLostError(tr("Lost."))

    transport = MemoryTransport()

    def one() -> Iterator[Message | Wait]:
        yield message(1)

    with transport.connected():
        sending = transport.send(one(), refuse)
        with pytest.raises(LeaseLostError):
            next(sending)
    assert transport.accepted == []
    assert not transport.is_connected
