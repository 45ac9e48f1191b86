"""Encryption and login, against a strict server: verified, or nothing is said at all."""

import ssl
from pathlib import Path

import pytest

from flashback.config import RelayConfig, Security
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Result
from flashback.smtp import Relay

from fixtures import certificates, letters
from fixtures.relays import StrictServer
from fixtures.scripted import Action, Peer, ScriptedServer, close, hang, reset, say
from fixtures.sending import relay_to, send_all

LOGIN = ("letter", 'pässword "1"')


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[certificates.Certificate, Path]:
    """An authority of our own, and its file."""
    found = certificates.authority()
    return found, found.write(tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.fixture
def context(authority: tuple[certificates.Certificate, Path], tmp_path: Path) -> ssl.SSLContext:
    """What a server with a good certificate for 127.0.0.1 talks TLS with."""
    return certificates.certificate("127.0.0.1", by=authority[0]).server_context(tmp_path)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("login", [None, LOGIN])
def test_verified_and_logged_in(
    security: Security,
    login: tuple[str, str] | None,
    context: ssl.SSLContext,
    authority: tuple[certificates.Certificate, Path],
) -> None:
    """The good case, both ways, with and without a password beyond ASCII."""
    with StrictServer(tls=context, implicit_tls=security == "tls", login=login) as server:
        relay = relay_to(
            server.port, security=security, login=login, ca_file=authority[1], seconds=5
        )
        outcomes, error = send_all(relay, [letters.message(n) for n in range(1, 6)])
    assert error is None
    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED] * 5
    assert [outcome.queue_id for outcome in outcomes] == [f"T{n:06}" for n in range(1, 6)]
    assert [taken.content for taken in server.taken] == [
        letters.message(n).content for n in range(1, 6)
    ]


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("kind", "way_out"),
    [
        ("self-signed", "ca_file"),
        ("stranger", "ca_file"),
        ("wrong name", "host under"),
        ("expired", "clock"),
    ],
)
def test_untrusted_certificates(
    security: Security,
    kind: str,
    way_out: str,
    authority: tuple[certificates.Certificate, Path],
    tmp_path: Path,
) -> None:
    """Named with the host, the reason and the way out; no message, no password."""
    by = authority[0]
    certificate = {
        "self-signed": lambda: certificates.certificate("127.0.0.1", by=None),
        "stranger": lambda: certificates.certificate("127.0.0.1", by=certificates.authority()),
        "wrong name": lambda: certificates.certificate("relay.example.org", by=by),
        "expired": lambda: certificates.certificate("127.0.0.1", by=by, expired=True),
    }[kind]()
    server_context = certificate.server_context(tmp_path)
    with StrictServer(tls=server_context, implicit_tls=security == "tls", login=LOGIN) as server:
        relay = relay_to(
            server.port, security=security, login=LOGIN, ca_file=authority[1], seconds=5
        )
        _, error = send_all(relay, [letters.message(1)])
    assert isinstance(error, TransportError)
    assert not isinstance(error, RelayUnreachableError)
    assert "The certificate of 127.0.0.1 cannot be trusted" in str(error)
    assert way_out in str(error.hint)
    assert server.taken == []


def test_the_system_is_trusted_when_no_file_is_named(context: ssl.SSLContext) -> None:
    """And the system does not know our authority."""
    with StrictServer(tls=context) as server:
        _, error = send_all(relay_to(server.port, security="starttls", seconds=5), [])
    assert "cannot be trusted" in str(error)


def test_stripped_starttls() -> None:
    """Whoever removes the offer gets neither mail nor password."""
    with ScriptedServer({}) as server:
        _, error = send_all(
            relay_to(server.port, security="starttls", login=LOGIN), [letters.message(1)]
        )
    assert "offers no encryption (STARTTLS)" in str(error)
    assert [command[:4] for command in server.commands] == [b"EHLO"]


def hear_and_close(peer: Peer) -> bool:
    """Read what the client begins with, then close tidily."""
    return peer.more() and False


@pytest.mark.parametrize("action", [close, reset, hear_and_close])
def test_handshake_that_breaks_off(action: Action) -> None:
    """A server that goes away is no reason to change a setting."""
    with ScriptedServer({"greeting": action}) as server:
        _, error = send_all(relay_to(server.port, security="tls"), [])
    assert isinstance(error, RelayUnreachableError)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (say(b"454 4.7.0 Not now"), "cannot go under encryption now"),
        (say(b"220 Ready\r\n250 and a gift"), "cannot be reached"),
        (say(b"220 Ready\r\n250-and"), "cannot be reached"),
        (close, "cannot be reached"),
    ],
)
def test_starttls_that_fails(answer: Action, sentence: str) -> None:
    """Also when something is slipped in before the handshake (CVE-2011-0411)."""
    script = {"ehlo": say(b"250-relay\r\n250 STARTTLS"), "starttls": answer}
    with ScriptedServer(script) as server:
        _, error = send_all(relay_to(server.port, security="starttls"), [letters.message(1)])
    assert isinstance(error, RelayUnreachableError)
    assert sentence in str(error)
    assert [command[:8] for command in server.commands] == [
        b"EHLO " + server.commands[0][5:8],
        b"STARTTLS",
    ]


def test_tls_where_none_is_spoken() -> None:
    """The usual mistake of port and security is told as such."""
    with ScriptedServer({}) as server:
        _, error = send_all(relay_to(server.port, security="tls"), [])
    assert isinstance(error, TransportError)
    assert 'Port 465 wants security = "tls"' in str(error.hint)


def test_handshake_that_hangs() -> None:
    """It has a deadline."""
    with ScriptedServer({"greeting": hang}) as server:
        _, error = send_all(relay_to(server.port, security="tls"), [])
    assert isinstance(error, RelayUnreachableError)


def test_port_465_without_tls_gets_the_hint() -> None:
    """Nobody listens there in a test, and the hint is given all the same."""
    _, error = send_all(relay_to(465, host="127.0.0.2"), [])
    assert isinstance(error, RelayUnreachableError)
    assert 'Port 465 wants security = "tls"' in str(error.hint)


def test_login_refused(
    context: ssl.SSLContext, authority: tuple[certificates.Certificate, Path]
) -> None:
    """Named with host and user, without the password."""
    with StrictServer(tls=context, login=LOGIN) as server:
        relay = relay_to(
            server.port,
            security="starttls",
            login=("letter", "wrong-secret"),
            ca_file=authority[1],
            seconds=5,
        )
        _, error = send_all(relay, [letters.message(1)])
    assert isinstance(error, TransportError)
    assert "refused the login of letter" in str(error)
    assert "wrong-secret" not in str(error)


def test_login_word_by_word(
    context: ssl.SSLContext, authority: tuple[certificates.Certificate, Path]
) -> None:
    """AUTH LOGIN, for servers that know nothing better."""
    with StrictServer(tls=context, login=LOGIN, mechanisms_off=("PLAIN",)) as server:
        relay = relay_to(
            server.port, security="starttls", login=LOGIN, ca_file=authority[1], seconds=5
        )
        outcomes, error = send_all(relay, [letters.message(1)])
    assert error is None
    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED]


def test_a_file_without_certificates(tmp_path: Path) -> None:
    """Missing or not PEM: named, with the way out."""
    nothing = tmp_path / "ca.pem"
    for _ in range(2):
        _, error = send_all(Relay(RelayConfig(), ca_file=nothing), [])
        assert "holds no certificates" in str(error)
        assert "ca_file under [relay]" in str(error)
        nothing.write_text("nothing", encoding="ascii")
