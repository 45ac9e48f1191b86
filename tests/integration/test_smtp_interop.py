"""The servers mail really goes through: Postfix, Exim, OpenSMTPD. What arrived is counted."""

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from pathlib import Path

import pytest

from flashback.config import RelayConfig
from flashback.model import Message, Outcome, Result
from flashback.smtp import Relay

from fixtures import exim, letters, opensmtpd, submission
from fixtures.certificates import Certificate, authority
from fixtures.sending import clock, send_all
from fixtures.sink import Sink

A, P = Result.ACCEPTED, Result.PERMANENT
LOGIN = ("flash-back", "not a secret")

_numbers = itertools.count(1)


@dataclass
class Server:
    """A running server, and how to find out what it has delivered."""

    port: int
    arrived: Callable[[int], Sequence[bytes]]
    ca_file: Path
    is_secure: bool = True
    chunking: bool = False
    seen: set[bytes] = field(default_factory=set)

    def relay(self, *, connections: int = 3, delivery_reports: bool = False) -> Relay:
        """Three connections, each under TLS and logged in, as far as the server can."""
        config = RelayConfig(
            host="127.0.0.1",
            port=self.port,
            security="starttls" if self.is_secure else "none",
            username=LOGIN[0] if self.is_secure else "",
            connect_seconds=10,
            command_seconds=20,
            final_dot_seconds=30,
            connections=connections,
            messages_per_connection=8,
            chunking=self.chunking,
            delivery_reports=delivery_reports,
        )
        password = (lambda: LOGIN[1]) if self.is_secure else None
        return Relay(config, password, clock, self.ca_file)

    def new(self, wanted: int) -> list[bytes]:
        """What has arrived since last asked, once so many have."""
        everything = self.arrived(len(self.seen) + wanted)
        new = [content for content in everything if content not in self.seen]
        self.seen.update(new)
        # What came twice differs in nothing but perhaps its Received field.
        assert len(everything) == len(self.seen)
        return new


def _available(reason: str) -> None:
    if reason and os.environ.get("FLASHBACK_TESTS_NOTHING_SKIPPED") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@contextmanager
def _started(name: str, ca: Certificate, folder: Path) -> Iterator[Server]:
    ca_file = ca.write(folder / "ca.pem")
    if name == "opensmtpd":
        with opensmtpd.running() as plain:
            yield Server(plain.port, plain.arrived, ca_file, is_secure=False)
    elif name.startswith("exim"):
        with exim.running(ca, LOGIN) as one:
            yield Server(one.port, one.arrived, ca_file, chunking=name.endswith("chunking"))
    else:
        with submission.running(ca, LOGIN) as one:
            arrived = lambda wanted: submission.arrived(one, wanted)  # noqa: E731
            yield Server(one.port, arrived, ca_file, chunking=name.endswith("chunking"))


@pytest.fixture(
    scope="module",
    params=["postfix", "postfix-chunking", "exim", "exim-chunking", "opensmtpd"],
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Each server for all tests here; those that can are also spoken to in chunks."""
    name: str = request.param
    module = {"exim": exim, "opensmtpd": opensmtpd, "postfix": submission}[name.partition("-")[0]]
    _available(module.missing())
    with _started(name, authority(), tmp_path_factory.mktemp(name)) as started:
        yield started


def messages(count: int, *, refused_every: int = 0, text: str = "") -> list[Message]:
    """So many readers nobody else has, some of whom do not exist."""
    found = []
    for place, number in enumerate(itertools.islice(_numbers, count), start=1):
        is_refused = refused_every and place % refused_every == 0
        box = f"{'no' if is_refused else 'reader'}-{number}@example.org"
        found.append(letters.message(number, mailbox=box, text=text or f"Été {number}\n"))
    return found


def wanted(sent: Sequence[Message]) -> dict[str, Result]:
    """What must come of each reader's message."""
    boxes = (message.envelope.recipient for message in sent)
    return {box: P if box.startswith("no-") else A for box in boxes}


def came_of(outcomes: Sequence[Outcome]) -> dict[str, Result]:
    """What came of each reader's message, and that it came once."""
    counts = Counter(str(outcome.claim.address) for outcome in outcomes)
    assert set(counts.values()) <= {1}
    return {str(outcome.claim.address): outcome.result for outcome in outcomes}


def assert_delivered(server: Server, sent: Sequence[Message]) -> None:
    """Every accepted message lies in the Maildir exactly once, its octets those that were sent."""
    accepted = [m for m in sent if not m.envelope.recipient.startswith("no-")]
    new = {_message_id(content): content for content in server.new(len(accepted))}
    assert new.keys() == {m.message_id for m in accepted}
    for message in accepted:
        # Servers write line ends as the system does, and put their own fields before ours.
        assert new[message.message_id].endswith(message.content.replace(b"\r\n", b"\n"))


def _message_id(content: bytes) -> str:
    return str(message_from_bytes(content)["Message-ID"]).strip("<>")


@pytest.mark.slow
def test_thirty_messages_over_three_connections(server: Server) -> None:
    """Under TLS and with a login where the server can: each arrives once, octet for octet."""
    sent = messages(30)
    outcomes, error = send_all(server.relay(), sent)
    assert error is None
    assert came_of(outcomes) == wanted(sent)
    assert all(outcome.queue_id for outcome in outcomes), "the server's name for it is kept"
    assert_delivered(server, sent)


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 3])
def test_refused_readers_harm_no_neighbours(server: Server, connections: int) -> None:
    """Every 4th reader is refused at RCPT: exactly those, and all others get their mail."""
    sent = messages(30, refused_every=4)
    outcomes, error = send_all(server.relay(connections=connections), sent)
    assert error is None
    assert came_of(outcomes) == wanted(sent)
    assert all(o.stage == "rcpt" for o in outcomes if o.result is P)
    assert_delivered(server, sent)


@pytest.mark.slow
def test_dots_and_letters_of_all_kinds(server: Server) -> None:
    """Lines of dots, Arabic and long lines arrive as they were sent."""
    sent = messages(1, text=".\n..\n.fin\nالسلام عليكم\nÉté\n" + "mot " * 400 + "\n.")
    outcomes, error = send_all(server.relay(), sent)
    assert error is None
    assert came_of(outcomes) == wanted(sent)
    assert_delivered(server, sent)


@pytest.mark.slow
@pytest.mark.postfix
def test_a_report_of_failure_names_the_delivery(tmp_path: Path) -> None:
    """A host behind the relay refuses: the report carries the tag we gave and the reader."""
    _available(submission.missing())
    ca = authority()
    ca_file = ca.write(tmp_path / "ca.pem")
    with (
        Sink(tmp_path / "log", ["--refuse", "rcpt:1:550"]) as behind,
        submission.running(ca, LOGIN, failing_port=behind.port) as relay,
    ):
        server = Server(relay.port, lambda count: submission.arrived(relay, count), ca_file)
        good, dead = messages(1)[0], letters.message(7, mailbox="dead+1@failing.example.net")
        outcomes, error = send_all(server.relay(delivery_reports=True), [good, dead])
        assert error is None
        assert {outcome.result for outcome in outcomes} == {A}
        arrived = [message_from_bytes(content) for content in server.new(2)]
    (report,) = [mail for mail in arrived if mail.get_content_type() == "multipart/report"]
    tag = dead.envelope.sender.partition("@")[0].rpartition("+")[2]
    assert report["To"] == dead.envelope.sender
    about_message, about_reader = _status(report)
    assert about_message["Original-Envelope-Id"] == tag
    assert about_reader["Original-Recipient"] == "rfc822;dead+1@failing.example.net"
    assert (about_reader["Action"], about_reader["Status"]) == ("failed", "5.7.1")
    returned = report.get_payload(2)
    assert isinstance(returned, Mail)
    assert returned.get_content_type() == "text/rfc822-headers", "only the header comes back"


def _status(report: Mail) -> tuple[Mail, Mail]:
    part = report.get_payload(1)
    assert isinstance(part, Mail)
    fields = part.get_payload()
    assert isinstance(fields, list)
    first, second = fields
    assert isinstance(first, Mail)
    assert isinstance(second, Mail)
    return first, second
