"""Readers whose mailbox and name can stand as they are: quicker, and no other message."""

import html
import re
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from flashback.mime import Sender, UnfitMessageError, builder, encoding, headers, stencil
from flashback.mime.head import fit_mailbox, plain_to_field, to_field
from flashback.model import Claim, Edition, Message

from fixtures import letters

ARABIC = "السلام عليكم ورحمة الله وبركاته. " * 5
SLOTS = "__FB_READER_NAME__ __FB_READER_ADDRESS__ __FB_UNSUBSCRIBE_URL__"
EDITIONS = {
    "quoted-printable": letters.edition(
        html=f"<p>{SLOTS}</p>__FB_READER_NAME____FB_READER_ADDRESS__", text=f"{SLOTS}\n{SLOTS}"
    ),
    "base64": letters.edition(html=f"<p>{ARABIC}{SLOTS}</p>{ARABIC}", text=f"{ARABIC}{SLOTS}\n"),
    "both": letters.edition(html=f"<p>{ARABIC}{SLOTS}</p>{ARABIC}", text=f"{SLOTS}\n"),
}
boxes = st.builds(
    "{}@{}".format,
    st.from_regex(r"[abYZ09_+-][abYZ09_+.-]{0,29}", fullmatch=True),
    st.sampled_from(["example.org", "a-b.example.com", "d" * 30 + ".example.net"]),
)
words = st.sampled_from(["Nadia", "Ben-Ali", "From", "me", "X" * 20, "-", "--", "7"])
names = st.lists(words, max_size=3).map(" ".join)
odd = st.sampled_from([*".'=&<>@ \t\r\n\0é\u00a0\u2028\ud800\"\\,;:_+", "=?", "From ", "--=_"])


@st.composite
def borderline(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A plain text, or one that has something put into it which may make a difference."""
    text: str = draw(texts)
    if draw(st.booleans()):
        return text
    place = draw(st.integers(0, len(text)))
    return f"{text[:place]}{draw(odd)}{text[place:]}"


def fits(mailbox: str) -> bool:
    """Whether a message can be made for it at all."""
    try:
        fit_mailbox(letters.claim(mailbox=mailbox))
    except UnfitMessageError:
        return False
    return True


def both_ways(claim: Claim, edition: Edition, sender: Sender) -> tuple[Message, Message]:
    """The message as it is made, and as it is made for readers who are not plain."""
    makes = [builder({claim.edition_digest: edition}, sender) for _ in range(2)]
    made = makes[0](claim)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stencil, "plain_to_field", lambda _mailbox, _name: "")
        return made, makes[1](claim)


@pytest.mark.parametrize("edition", EDITIONS.values(), ids=EDITIONS)
@given(mailbox=borderline(boxes), name=borderline(names))
@example(mailbox="a@example.org", name="")
@example(mailbox="a@example.org", name="From me")
@example(mailbox=".a@example.org", name="")
@settings(max_examples=60, deadline=None)
def test_plain_readers_get_the_same_message(edition: Edition, mailbox: str, name: str) -> None:
    """Octet for octet what they would get by the way that is open to all."""
    assume(fits(mailbox))
    claim = letters.claim(mailbox=mailbox, name=name)
    made, slowly = both_ways(claim, edition, letters.sender())
    assert made == slowly
    assert type(made.content) is type(slowly.content)


@given(mailbox=borderline(boxes), name=borderline(names))
@example(mailbox="Nadia <n@example.org>", name="")
@example(mailbox="n@example.org", name="All <all@example.org>, Nadia")
@example(mailbox="all@example.org>, <n@example.org", name="Nadia")
@example(mailbox="n@example.org\r\nBcc: all@example.org", name="")
@example(mailbox="n@example.org", name="Nadia\r\nBcc: <all@example.org>")
@example(mailbox="n@example.org\r\n", name="")
@example(mailbox="n@example.org\n", name="Nadia")
@example(mailbox="n@example.org>", name="")
@example(mailbox="n@a@example.org", name="")
@example(mailbox="n@example.org", name="=?utf-8?q?x?=")
@example(mailbox="o'neil@example.org", name="")
@example(mailbox="a&b@example.org", name="")
@example(mailbox="a=b@example.org", name="")
@example(mailbox="n@example.org", name="O'Neil")
@settings(max_examples=400, deadline=None)
def test_what_is_plain_needs_nothing_done_to_it(mailbox: str, name: str) -> None:
    """Fit for an envelope, the very field of the long way, no escape in either text, one line."""
    claim = letters.claim(mailbox=mailbox, name=name)
    if field := plain_to_field(mailbox, name):
        assert fit_mailbox(claim) == mailbox
        assert field == to_field(claim, mailbox)
        assert headers.clean(name) == name
        for value in filter(None, (mailbox, name)):
            assert html.escape(value) == value
            assert encoding.quoted_value(value) == value.encode() + encoding.SOFT_BREAK


@pytest.mark.parametrize(
    ("mailbox", "name"),
    [
        ("Nadia <n@example.org>", ""),
        ("all@example.org>, <n@example.org", "Nadia"),
        ("n@example.org\r\nBcc: all@example.org", ""),
        ("n@example.org\r\n", "Nadia"),
    ],
)
def test_a_mailbox_that_looks_like_a_field_is_refused(mailbox: str, name: str) -> None:
    """It is never plain, and the long way refuses it."""
    edition = EDITIONS["both"]
    claim = letters.claim(mailbox=mailbox, name=name)
    assert plain_to_field(mailbox, name) == ""
    with pytest.raises(UnfitMessageError, match="cannot be mailed to"):
        builder({claim.edition_digest: edition}, letters.sender())(claim)


@pytest.mark.parametrize(
    ("mailbox", "name"),
    [
        ("n@example.org", ""),
        ("Nadia.Benali+news@mail.example.org", ""),
        ("n-b_1@example.org", "Nadia Benali"),
        ("x" * 60 + "@example.org", ""),  # 76 characters with the field's name
        ("n@example.org", "N" * 56),
    ],
)
def test_most_readers_are_plain(mailbox: str, name: str) -> None:
    """Up to the last column of the line."""
    assert plain_to_field(mailbox, name)
    claim = letters.claim(mailbox=mailbox, name=name)
    assert plain_to_field(mailbox, name) == to_field(claim, mailbox)


@pytest.mark.parametrize(("mailbox", "name"), [("x" * 61, ""), ("n", "N" * 57)])
def test_beyond_the_last_column_nobody_is_plain(mailbox: str, name: str) -> None:
    """The long way knows how to fold."""
    assert not plain_to_field(f"{mailbox}@example.org", name)


@pytest.mark.parametrize("path", ["", "a-rather-long-way-to-the-page/" * 3])
def test_a_token_stands_on_a_line_of_its_own(path: str) -> None:
    """Whatever stands round it in the URL, and however long that is, no soft break parts it."""
    sender = letters.sender(
        unsubscribe=f"https://example.org/{path}?a=1&token={{token}}&again={{token}}&b=.x"
    )
    edition, claim = EDITIONS["quoted-printable"], letters.claim()
    message = builder({claim.edition_digest: edition}, sender)(claim)
    body = message.content.partition(b"\r\n\r\n")[2]
    assert len(re.findall(rb"=\r\n[\w-]{32}=\r\n", body)) == 2 * 3


def test_a_mailing_has_its_own_message_ids() -> None:
    """Also when one build function serves two mailings of the same edition."""
    edition, sender = EDITIONS["both"], letters.sender()
    first = letters.claim()
    second = replace(first, mailing_id=2)
    make = builder({first.edition_digest: edition}, sender)
    made = [make(claim).message_id for claim in (first, second, first)]
    assert made == [sender.message_id(claim) for claim in (first, second, first)]
    assert made[0] != made[1]
