"""The last look: everything that has gone wrong in real newsletters is seen in the octets."""

import pytest

from flashback.mime import UnfitMessageError, check_wire

from fixtures import letters

WAY_OUT = "<https://example.org/leave/T>, <mailto:leave@example.org?subject=unsubscribe-T>"
GOOD = (
    "From: a@example.org\r\nTo: =?utf-8?q?=C3=A9?= <b@example.org>\r\nSubject: x\r\n"
    "Date: Fri, 02 Sep 2011 09:00:00 +0000\r\nMessage-ID: <x@example.org>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
    "List-Id: =?utf-8?q?=C3=A9?= <x.example.org>\r\n"
    "List-Unsubscribe: <https://example.org/leave/T>,\r\n"
    " <mailto:leave@example.org?subject=unsubscribe-T>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nBody\r\n"
)


def test_good_octets_pass() -> None:
    """And a phrase of List-Id may be encoded."""
    check_wire(GOOD.encode(), list_unsubscribe=WAY_OUT)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Body", "Bo\ndy", "not CRLF"),
        ("Body", "Bo\rdy", "not CRLF"),
        ("Body", "Bo\0dy", "NUL"),
        ("Body", "x" * 999, "998"),
        ("Body", "été", "7-bit"),
        ("Body", "Two\r\n.dots", "begins with a dot"),
        ("Body", "Two  spaces", "form that signatures"),
        ("Body", "A space \r\nat an end", "form that signatures"),
        ("Body\r\n", "Body\r\n\r\n", "form that signatures"),
        ("Body\r\n", "Body", "form that signatures"),
        ("Subject: x\r\n", "", "0 fields subject"),
        ("Subject: x\r\n", "Subject: x\r\nSubject: y\r\n", "2 fields subject"),
        ("Subject: x\r\n", "Subject: x\r\nX-A: 1\r\nx-a: 2\r\n", "x-a too many"),
        ("Subject: x\r\n", "Subject: x\r\nBcc: c@example.org\r\n", "bcc too many"),
        ("Subject: x\r\n", "Subject: x\r\nReturn-Path: <>\r\n", "return-path too many"),
        ("Subject: x\r\n", "Subject: é\r\n", "subject is not ASCII"),
        ("Subject: x\r\n", "Subject: x\r\nnonsense\r\n", "no header field"),
        ("<x@example.org>", "=?utf-8?q?x?=", "message-id is encoded"),
        ("<x.example.org>", "<=?utf-8?q?x?=>", "list-id is encoded"),
        ("<https://example.org/leave/T>", "=?utf-8?q?x?=", "list-unsubscribe is encoded"),
        ("leave/T", "leave/t", "list-unsubscribe is not as it was meant"),
        ("=One-Click", "=one-click", "list-unsubscribe-post is not"),
    ],
)
def test_unfit_octets_are_refused(old: str, new: str, reason: str) -> None:
    """Each fault is named."""
    assert old in GOOD
    with pytest.raises(UnfitMessageError, match=reason):
        check_wire(GOOD.replace(old, new, 1).encode(), list_unsubscribe=WAY_OUT)


def test_an_address_beyond_ascii_may_stand_in_to() -> None:
    """RFC 6532, for readers whose address is not ASCII."""
    octets = GOOD.replace("<b@example.org>", "<é@example.org>").encode()
    check_wire(octets, list_unsubscribe=WAY_OUT)


def test_several_signatures_may_stand_on_top() -> None:
    """RFC 6376 section 4."""
    signature = "DKIM-Signature: v=1; b=\r\n"
    check_wire((signature * 2 + GOOD).encode(), list_unsubscribe=WAY_OUT)


def test_what_is_built_passes_octet_for_octet() -> None:
    """And one octet less in the one-click field does not."""
    content = letters.message().content
    with pytest.raises(UnfitMessageError):
        check_wire(content.replace(b"One-Click", b"One-Clic"), list_unsubscribe="")
