"""Replies: read however the octets are cut, never an exception, and queue ids from many servers."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.model import Reply
from flashback.smtp import parse, queue_id_of
from flashback.smtp.reply import ReplyBuffer, parse_carefully

STREAM = (
    b"220 relay.example.org\r\n250-relay\r\n250-SIZE 10\r\n250 HELP\r\n"
    b"550-5.1.1 No\r\n550 5.1.1 such user\r\n250\r\n"
)


def replies(*chunks: bytes) -> list[Reply | None]:
    """All replies in octets that arrive in pieces."""
    buffer, found = ReplyBuffer(), []
    for chunk in chunks:
        buffer.feed(chunk)
        while (lines := buffer.take()) is not None:
            found.append(parse(lines))
    return found


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
@settings(max_examples=100, deadline=None)
def test_the_cut_does_not_matter(cuts: list[int]) -> None:
    """One octet at a time or all at once: the same replies."""
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert replies(*pieces) == [
        Reply(code=220, lines=("relay.example.org",)),
        Reply(code=250, lines=("relay", "SIZE 10", "HELP")),
        Reply(code=550, enhanced="5.1.1", lines=("No", "such user")),
        Reply(code=250, lines=("",)),
    ]


@given(st.lists(st.binary(max_size=60), max_size=20))
@settings(max_examples=200, deadline=None)
def test_hostile_octets_never_raise(chunks: list[bytes]) -> None:
    """Whatever comes is a reply, or none, or not yet."""
    for reply in replies(*chunks):
        assert reply is None or 200 <= reply.code <= 559


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"25\r\n",
        b"2500 Ok\r\n",
        b"150 Ok\r\n",
        b"260 Ok\r\n",
        b"650 Ok\r\n",
        b"250-Ok\r\n550 No\r\n",
        b"250-Ok\r\nnonsense\r\n",
        b"\xff\xfe\r\n",
        b"x" * 70_000,
        b"250-x\r\n" * 12_000,
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    """Garbage is told from an answer at once, and an endless one has an end."""
    assert replies(octets)[0] is None


def test_incomplete_is_not_yet() -> None:
    """No line end, or a hyphen in the last line: wait."""
    assert replies(b"250 Ok") == []
    assert replies(b"250-Ok\r\n") == []
    assert parse(()) is None


def test_bare_line_feeds_are_understood() -> None:
    """Be liberal in what is read."""
    assert replies(b"250-a\n250 b\n") == [Reply(code=250, lines=("a", "b"))]


@pytest.mark.parametrize(
    ("octets", "enhanced", "text"),
    [
        (b"550 5.1.1 No such user", "5.1.1", "No such user"),
        (b"250 2.0.0", "2.0.0", ""),
        (b"550 4.1.1 mixed", "", "4.1.1 mixed"),
        (b"354 3.0.0 go", "", "3.0.0 go"),
        (b"550 5.1.1.1 x", "", "5.1.1.1 x"),
        (b"550 5.1.1x", "", "5.1.1x"),
        (b"550 5.7.509 DMARC", "5.7.509", "DMARC"),
        ("550 5.1.1 Utilisateur inconnu é".encode(), "5.1.1", "Utilisateur inconnu é"),
        ("550 inconnu é".encode("latin-1"), "", "inconnu é"),
        (b"550 \x1b[31mred\x00", "", "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_enhanced_codes_and_letters(octets: bytes, enhanced: str, text: str) -> None:
    """RFC 2034 where it holds; any letters; nothing that plays with a terminal."""
    reply = parse([octets])
    assert reply is not None
    assert (reply.enhanced, reply.lines) == (enhanced, (text,))


def test_long_replies_are_cut() -> None:
    """What is kept for ever is kept short; the code counts all the same."""
    reply = parse([b"250-" + b"x" * 2000] * 200 + [b"250 Ok"])
    assert reply is not None
    assert len(reply.lines) == 100
    assert {len(line) for line in reply.lines} == {512}


@pytest.mark.parametrize(
    ("text", "queue_id"),
    [
        ("250 2.0.0 Ok: queued as 4ZfR2n1Qz3z9t", "4ZfR2n1Qz3z9t"),
        ("250 OK id=1tAbCd-000000001Xy-2zAB", "1tAbCd-000000001Xy-2zAB"),
        ("250 2.0.0 4AN9x1Yz012345 Message accepted for delivery", "4AN9x1Yz012345"),
        ("250 2.0.0 4f2c9a1e Message accepted for delivery", "4f2c9a1e"),
        ("250 2.6.0 <x@example.org> [InternalId=4711, Hostname=a] Queued mail", "4711"),
        ("250 2.0.0 OK  1700000000 a1-20020a05 - gsmtp", "a1-20020a05"),
        ("250 ok 1700000000 qp 12345", "qp 12345"),
        ("250 Message Queued (9B1F2C3D-AAAA.1)", "9B1F2C3D-AAAA.1"),
        ("250 Ok 0102018bfa5c-4bb5-000000", "0102018bfa5c-4bb5-000000"),
        ("250 2.0.0 Ok", ""),
        ("250", ""),
    ],
)
def test_queue_ids(text: str, queue_id: str) -> None:
    """How the servers in use name what they took."""
    reply = parse([text.encode()])
    assert reply is not None
    assert queue_id_of(reply) == queue_id


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_queue_id_is_total(text: bytes) -> None:
    """No answer upsets it."""
    reply = parse([b"250 " + text])
    assert reply is not None
    assert isinstance(queue_id_of(reply), str)


@given(
    st.binary(max_size=40)
    | st.from_regex(rb"[2-6][0-9][0-9][ -]?([2-5]\.[0-9]{1,4}\.[0-9]{1,4} *)?[ -~\xe9\x00]{0,20}")
)
def test_the_usual_way_answers_as_the_careful_one(line: bytes) -> None:
    """A reply on one line of ASCII is read at once, and to the same effect."""
    assert parse([line]) == parse_carefully([line])
