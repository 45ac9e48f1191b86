"""Which refusals mean a dead address, and which mean us."""

import pytest

from flashback.smtp import codes, parse
from flashback.smtp.capabilities import Capabilities, capabilities_of


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("550 5.1.1 No such user", True),
        ("550 5.1.6 Moved", True),
        ("553 5.1.3 Bad syntax", True),
        ("550 No such user", False),
        ("550 5.2.1 Disabled", False),
        ("550 5.7.1 Blocked", False),
        ("552 5.2.2 Full", False),
        ("550 5.1.10 Null MX", False),
        ("450 4.1.1 Unverified", False),
    ],
)
def test_dead_addresses(text: str, *, dead: bool) -> None:
    """Only what RFC 3463 says is nobody; a bare 550 is not."""
    reply = parse([text.encode()])
    assert reply is not None
    assert codes.is_dead_address(reply) is dead


@pytest.mark.parametrize(
    ("text", "no_relay"),
    [
        ("554 5.7.1 <n@example.org>: Relay access denied", True),
        ("550 5.7.1 Unable to relay", True),
        ("550 relay not permitted", True),
        ("550 Relaying prohibited by administrator", True),
        ("550 5.7.1 Access denied", False),
        ("550 relay.example.org says: no such user", False),
    ],
)
def test_refusals_to_relay(text: str, *, no_relay: bool) -> None:
    """As Postfix, Exchange, Exim and others word it."""
    reply = parse([text.encode()])
    assert reply is not None
    assert codes.is_no_relay(reply) is no_relay


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"250 relay"], Capabilities()),
        (
            [b"250-SIZE", b"250-starttls", b"250-Auth plain LOGIN", b"250-SIZE 99", b"250 "],
            Capabilities(
                starttls=True, takes_size=True, largest=99, logins=frozenset({"PLAIN", "LOGIN"})
            ),
        ),
        (
            [b"250-relay", b"250-AUTH=LOGIN", b"250 SMTPUTF8"],
            Capabilities(smtputf8=True, logins=frozenset({"LOGIN"})),
        ),
        ([b"250-relay", b"250 SIZE"], Capabilities(takes_size=True)),
        ([b"250-relay", b"250 SIZE many"], Capabilities(takes_size=True)),
    ],
)
def test_capabilities(lines: list[bytes], expected: Capabilities) -> None:
    """Any case, the old spelling of AUTH, and the first line is only a name."""
    reply = parse(lines)
    assert reply is not None
    assert capabilities_of(reply) == expected
