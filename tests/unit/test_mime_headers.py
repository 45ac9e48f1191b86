"""Header fields on the wire: folded lawfully, read back equal, impossible to inject into."""

import re
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flashback.mime import UnfitMessageError, headers

from fixtures import letters

ARABIC = "العدد ٣٥: التعليم في المغرب وإصلاحاته الكبرى قبيل الدخول المدرسي الجديد لهذه السنة"
FRENCH = "Numéro 35 : l’éducation nationale face à ses réformes, et la rentrée qui s’annonce"
texts = st.text(max_size=200)
fast = settings(max_examples=150, deadline=None)


def lines_of(field: str) -> list[str]:
    """The lines of a field, checked for what holds for each."""
    assert field.endswith("\r\n")
    lines = field[:-2].split("\r\n")
    assert all(line.isascii() and "\r" not in line and "\n" not in line for line in lines)
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    return lines


@pytest.mark.parametrize("text", [ARABIC, FRENCH, "x" * 300, "word " * 60, "a =?utf-8?q?b?= c", ""])
def test_subject_folds_lawfully(text: str) -> None:
    """Long subjects stay within 76 columns, encoded words within 75 (RFC 2047 section 2)."""
    field = headers.text_field("Subject", text)
    assert all(len(line) <= 76 for line in lines_of(field))
    assert all(len(word) <= 75 for word in re.findall(r"=\?[^ ]*\?=", field))
    parsed = BytesHeaderParser(policy=policy.default).parsebytes(field.encode())
    assert parsed["Subject"] == headers.clean(text)


def test_encoded_words_never_split_a_character() -> None:
    """Each encoded word is whole UTF-8 by itself (RFC 2047 section 5)."""
    words = headers.encoded_words(ARABIC + "🙂é" * 40, first=60)
    assert len(words) > 3
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(
        str(make_header(decode_header(word))) for word in words
    )


def test_arabic_takes_base64_and_french_stays_legible() -> None:
    """Whichever encoding is shorter."""
    assert headers.encoded_words(ARABIC, first=60)[0].startswith("=?utf-8?b?")
    assert headers.encoded_words("Numéro 35", first=60) == ["=?utf-8?q?Num=C3=A9ro_35?="]


def test_plain_subject_stays_plain() -> None:
    """ASCII is not encoded."""
    assert headers.text_field("Subject", "Flash-back 35") == "Subject: Flash-back 35\r\n"


@given(texts)
@example("\r\nBcc: all@example.org")
@example("a\r\n b\x00\x85\u2028c")
@example("\ud800")
@fast
def test_any_subject_reads_back_equal(text: str) -> None:
    """Whatever an editor writes: one field, and the same text less its control characters."""
    field = headers.text_field("Subject", text)
    lines_of(field)
    parsed = BytesHeaderParser(policy=policy.default).parsebytes(field.encode())
    assert parsed.keys() == ["Subject"]
    assert parsed["Subject"] == headers.clean(text)


@given(texts)
@example('"Nadia" <x@example.com>, y@example.com')
@example("back\\slash")
@example("=?utf-8?q?x?=")
@example("Y" * 80)
@fast
def test_any_name_reads_back_equal(name: str) -> None:
    """Whatever a reader calls herself: one mailbox, with that name."""
    field = headers.mailbox_field("To", name, "reader@example.org")
    assert all(len(line) <= 76 for line in lines_of(field))
    parsed = BytesHeaderParser(policy=policy.default).parsebytes(field.encode())
    assert parsed.keys() == ["To"]
    assert len(parsed["To"].addresses) == 1
    read = letters.mailbox_in(field.encode(), "To")
    assert read == (headers.clean(name), "reader@example.org")


def test_names_are_quoted_only_where_they_must() -> None:
    """An atom stays bare, a dot or comma is quoted, an accent encoded but never quoted."""
    assert (
        headers.mailbox_field("To", "Nadia B", "n@example.org") == "To: Nadia B <n@example.org>\r\n"
    )
    assert (
        headers.mailbox_field("To", "B., N.", "n@example.org") == 'To: "B., N." <n@example.org>\r\n'
    )
    assert '"' not in headers.list_id_field("Revue, été", "flash-back.example.org")
    assert headers.list_id_field("", "a.example.org") == "List-Id: <a.example.org>\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a b", "a b"), ("a  b", "a b"), (" a ", "a"), ("  ", ""), ("a\n b", "a b"), ("\x7fa", "a")],
)
def test_a_text_comes_onto_one_line(text: str, expected: str) -> None:
    """One space where there was any run of spaces and controls, none at the ends."""
    assert headers.clean(text) == expected


def test_no_break_space_stays() -> None:
    """French puts one before a colon."""
    assert headers.clean(" Numéro\u00a035\u202f:\tx  y ") == "Numéro\u00a035\u202f: x y"


@pytest.mark.parametrize("token", ["https://example.org/\r\nBcc: a", "\x00", "\u2028"])
def test_a_token_cannot_end_its_field(token: str) -> None:
    """What is written as it is must not hold a control character."""
    with pytest.raises(UnfitMessageError, match="control character"):
        headers.field("Archived-At", [token])


def test_tokens_are_never_broken() -> None:
    """A URL longer than a line stays whole, beside the field's name."""
    url = "<https://example.org/" + "x" * 200 + ">,"
    assert headers.field("List-Unsubscribe", [url, "<mailto:a@example.org>"]) == (
        f"List-Unsubscribe: {url}\r\n <mailto:a@example.org>\r\n"
    )
