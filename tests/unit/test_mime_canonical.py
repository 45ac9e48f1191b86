"""Relaxed forms: as the RFC shows them, and done once is done for good."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.mime.canonical import relaxed_body, relaxed_field


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (b"SubJect: a:\r\n b", b"subject:a: b\r\n"),
        (b"Empty:\r\n", b"empty:\r\n"),
    ],
)
def test_fields(field: bytes, expected: bytes) -> None:
    """RFC 6376 section 3.4.5 shows the first two."""
    assert relaxed_field(field) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b"x", b"x\r\n"),
        (b"x \t", b"x\r\n"),
        (b" \r\n", b""),
    ],
)
def test_bodies(body: bytes, expected: bytes) -> None:
    """RFC 6376 section 3.4.5 shows the first one."""
    assert relaxed_body(body) == expected


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"."]), max_size=20).map(b"".join))
@settings(deadline=None)
def test_a_relaxed_body_stays_as_it_is(body: bytes) -> None:
    """A second time changes nothing, so a relay that relaxes breaks no signature."""
    assert relaxed_body(relaxed_body(body)) == relaxed_body(body)
