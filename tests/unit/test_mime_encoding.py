"""Transfer encodings: short lines, read back equal, and nothing that a relay would touch."""

import base64
import binascii
import quopri

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flashback.mime import encoding
from flashback.mime.canonical import relaxed_body
from flashback.mime.encoding import Encoding

fast = settings(max_examples=300, deadline=None)
#: What editors write, and what encoders trip over.
awkward = st.lists(
    st.sampled_from(
        [" ", "  ", "\t", ".", "..", "=", "From ", "\n", "é", "ا", "🙂", "x" * 74, "a", "F"]
    )
    | st.text(max_size=5),
    max_size=30,
).map("".join)


def octets(text: str) -> bytes:
    """The text as it is to be encoded."""
    return encoding.octets_of(encoding.whole_lines(text))


@given(awkward)
@example(". ")
@example("From me\n.\n..\n")
@example("x" * 74 + "é" * 40)
@example("a  b \t c  \n \n")
@example("x" * 75 + ".")
@example("x" * 75 + "From you")
@fast
def test_quoted_printable_is_read_back_and_left_alone(text: str) -> None:
    """Two other decoders read it; it has no dot to stuff, no space to lose, no From to quote."""
    coded = encoding.quoted_printable(octets(text))
    assert binascii.a2b_qp(coded) == octets(text)
    assert quopri.decodestring(coded) == octets(text)
    lines = coded.split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.startswith((b".", b"From ")) for line in lines)
    assert relaxed_body(coded + b"--\r\n") == coded + b"--\r\n"


@given(awkward.map(lambda text: text.replace("\n", "").replace("\r", "")))
@example("")
@example(".")
@example("x" * 75)
@example("x" * 76)
@example("\ud800")
@fast
def test_a_value_stands_between_soft_breaks(value: str) -> None:
    """Whatever its length, what follows it begins a line, and it adds no line end of its own."""
    coded = encoding.quoted_value(value)
    assert binascii.a2b_qp(coded) == value.encode("utf-8", "replace")
    assert all(len(line) <= 76 for line in coded.split(b"\r\n"))
    assert not coded.startswith(b".")
    assert coded == b"" or coded.endswith(b"=\r\n")


@given(st.binary(max_size=200))
@example(b"x" * 57)
@example(b"x" * 58)
@fast
def test_base64_ends_every_line(content: bytes) -> None:
    """Of 76 letters at most; nothing gives nothing."""
    coded = encoding.base64_lines(content)
    assert base64.b64decode(coded.replace(b"\r\n", b""), validate=True) == content
    assert all(len(line) <= 76 for line in coded.split(b"\r\n"))
    assert coded == b"" or coded.endswith(b"\r\n")
    assert b"\r\n\r\n" not in coded


def test_the_suited_encoding_is_the_shorter_one() -> None:
    """French stays legible, Arabic gets base64."""
    french = "Après les grandes vacances, les enfants retournent à l’école\n" * 9
    assert encoding.suited(french) is Encoding.QUOTED_PRINTABLE
    assert encoding.suited("السلام عليكم\n" * 9) is Encoding.BASE64


@pytest.mark.parametrize(
    ("text", "expected"), [("", "\n"), ("a", "a\n"), ("a\r\nb\rc\n", "a\nb\nc\n"), ("\r", "\n")]
)
def test_texts_end_with_their_last_line(text: str, expected: str) -> None:
    """So that no soft break ever ends a part (RFC 2045 section 6.7)."""
    assert encoding.whole_lines(text) == expected
