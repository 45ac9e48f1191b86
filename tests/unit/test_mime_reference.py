"""Messages: complete, the same at every try, read back as they were meant."""

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flashback.errors import TemplateError
from flashback.mime import UnfitMessageError, build, filled, headers
from flashback.model import Edition, InlineImage, Message

from fixtures import letters

FIELDS = [
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Post",
    "List-Archive",
    "Archived-At",
    "Feedback-ID",
    "Precedence",
    "X-Auto-Response-Suppress",
]


def read(message: Message) -> EmailMessage:
    """The message as another program reads it."""
    found = email.message_from_bytes(message.content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def parts(message: Message) -> tuple[str, ...]:
    """Its plain text and its HTML."""
    found = read(message)
    plain, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert rich is not None
    texts = [part.get_payload(decode=True) for part in (plain, rich)]
    return tuple(text.decode().replace("\r\n", "\n") for text in texts if isinstance(text, bytes))


def unix_lines(text: str) -> str:
    """Text with one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_the_fields_and_their_order() -> None:
    """As docs/messages.md lists them, each once, nothing else."""
    assert read(letters.message()).keys() == FIELDS


def test_what_the_fields_say() -> None:
    """The values of a message, word for word."""
    message = letters.message(7)
    found = read(message)
    url, mailto = letters.sender().ways_out(subscriber_id=7)
    assert f"List-Unsubscribe: <{url}>,\r\n <{mailto}>\r\n".encode() in message.content
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in message.content
    assert found["From"] == "Flash-back <letter@example.org>"
    assert found["To"] == "reader-7@example.org"
    assert found["Date"] == "Fri, 02 Sep 2011 09:00:00 +0000"
    assert found["List-Id"] == "Flash-back <flash-back.example.org>"
    assert found["List-Post"] == "NO"
    assert found["Archived-At"] == "<https://example.org/issues/35/fr>"
    assert found["Content-Language"] == "fr"
    assert found["Feedback-ID"].startswith("35-fr:flash-back.example.org:newsletter:")
    assert message.message_id == str(found["Message-ID"]).strip("<>")
    assert message.envelope.recipient == "reader-7@example.org"
    assert message.envelope.sender.startswith("bounce+1007-")


def test_optional_fields_stay_away() -> None:
    """No archive, no other mailbox: no empty fields."""
    sender = letters.sender(reply_to="", archive="", unsubscribe_mail="")
    message = build(letters.edition(archive_url=""), letters.claim(), sending=sender)
    absent = {"Reply-To", "List-Archive", "Archived-At"}
    assert read(message).keys() == [name for name in FIELDS if name not in absent]


def test_every_try_is_the_same_message() -> None:
    """A resend two days later differs in no octet; another reader's has another Message-ID."""
    claim = letters.claim(1)
    sender = letters.sender()
    first = build(letters.edition(), claim, sending=sender)
    again = build(letters.edition(), replace(claim, attempt=9, owner="x"), sending=sender)
    assert again.content == first.content
    assert again.envelope == first.envelope
    assert letters.message(2).message_id != first.message_id


def test_long_unsubscribe_url_stays_whole() -> None:
    """The standard library encodes one of 80 characters, and one-click is dead."""
    sender = letters.sender(unsubscribe="https://example.org/" + "long/" * 100 + "{token}")
    message = build(letters.edition(), letters.claim(), sending=sender)
    url = sender.ways_out(subscriber_id=1)[0]
    assert f"\r\nList-Unsubscribe: <{url}>,\r\n".encode() in message.content


def test_too_long_a_url_is_refused() -> None:
    """Beyond 998 octets a line is not lawful, and a URL cannot be folded."""
    sender = letters.sender(unsubscribe="https://example.org/" + "long/" * 300 + "{token}")
    with pytest.raises(UnfitMessageError, match="998"):
        build(letters.edition(), letters.claim(), sending=sender)


def test_a_preview_shows_what_the_reader_sees() -> None:
    """HTML and text with this reader's own link."""
    html, text = filled(letters.edition(), letters.claim(7), sending=letters.sender())
    url = letters.sender().ways_out(subscriber_id=7)[0]
    assert html == f'<p>Été</p><a href="{url}">Partir</a>'
    assert text == f"Été\nPartir : {url}\n"


def test_arabic_travels_as_base64_and_french_as_quoted_printable() -> None:
    """The shorter of the two, part by part."""
    arabic = "السلام عليكم ورحمة الله " * 20
    edition = letters.edition(html=f"<p>{arabic}</p>__FB_UNSUBSCRIBE_URL__")
    message = build(edition, letters.claim(), sending=letters.sender())
    encodings = [p["Content-Transfer-Encoding"] for p in read(message).walk()][1:]
    assert encodings == ["quoted-printable", "base64"]
    assert arabic in parts(message)[1]


def test_pictures_travel_round_the_html() -> None:
    """multipart/related within multipart/alternative (RFC 2387), shown by cid."""
    edition = letters.edition(
        html='<img src="cid:pixel.1">__FB_UNSUBSCRIBE_URL__', images=(letters.PIXEL,)
    )
    found = read(build(edition, letters.claim(), sending=letters.sender()))
    kinds = [part.get_content_type() for part in found.walk()]
    assert kinds == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    picture = list(found.walk())[-1]
    assert picture["Content-ID"] == "<pixel.1>"
    assert picture.get_filename() == "-t-F-s.png"
    assert picture.get_content() == letters.PIXEL.content


@pytest.mark.parametrize(
    "image",
    [
        replace(letters.PIXEL, media_type="image/png\r\nX: y"),
        replace(letters.PIXEL, media_type="text/html"),
        replace(letters.PIXEL, content_id="a>\r\nX: y"),
    ],
)
def test_a_picture_cannot_carry_header_fields(image: InlineImage) -> None:
    """Its type and its identifier are looked at."""
    edition = replace(letters.edition(), images=(image,))
    with pytest.raises(UnfitMessageError, match="picture"):
        build(edition, letters.claim(), sending=letters.sender())


@pytest.mark.parametrize(
    ("edition", "part"),
    [
        (letters.edition(html="<p>x</p>"), "HTML"),
        (letters.edition(html="<!--[if mso]>__FB_UNSUBSCRIBE_URL__<![endif]-->"), "HTML"),
        (letters.edition(html="__FB_UN<!-- -->SUBSCRIBE_URL__"), "HTML"),
        (letters.edition(text="x"), "text"),
        (letters.edition(text="__FB_READER_NAME__FB_UNSUBSCRIBE_URL__"), "text"),
    ],
)
def test_nothing_leaves_without_a_visible_way_out(edition: Edition, part: str) -> None:
    """In both parts, and not within a comment."""
    with pytest.raises(TemplateError, match=f"The {part} part .* no unsubscribe link"):
        build(edition, letters.claim(), sending=letters.sender())


@pytest.mark.parametrize(
    "mailbox",
    [
        "a@example.org>\r\nBcc: b@example.org",
        "a b@example.org",
        "a@b@example.org",
        "a",
        "a,b@c.org",
        "a\ud800@c.org",
        "a@" + "c" * 250 + ".org",
    ],
)
def test_what_is_no_mailbox_is_refused(mailbox: str) -> None:
    """The border parses addresses; this is the second lock."""
    with pytest.raises(UnfitMessageError, match="cannot be mailed to"):
        build(letters.edition(), letters.claim(mailbox=mailbox), sending=letters.sender())


def test_an_address_beyond_ascii_stands_as_it_is() -> None:
    """RFC 6532; whether it can be sent is for the relay to say."""
    message = letters.message(mailbox="نادية@example.org")
    assert "\r\nTo: نادية@example.org\r\n".encode() in message.content


@given(name=st.text(max_size=80), subject=st.text(max_size=120), text=st.text(max_size=200))
@example(name="__FB_READER_ADDRESS__", subject="\r\nX: y", text="\r.\n.\r\n..")
@example(name="", subject="", text="\r")
@example(name="<b>\"'&", subject="=?", text="From me\n \t\nx ")
@settings(max_examples=150, deadline=None)
def test_any_reader_and_any_words_read_back_equal(name: str, subject: str, text: str) -> None:
    """Another program finds the same fields, the same names and the same words."""
    slotless = text.replace("__FB_", "")
    edition = letters.edition(
        subject=subject, text=f"{slotless}\n__FB_READER_NAME__\n__FB_UNSUBSCRIBE_URL__\n"
    )
    message = build(edition, letters.claim(name=name), sending=letters.sender())
    found = read(message)
    assert found.keys() == FIELDS
    assert found["Subject"] == headers.clean(subject)
    assert letters.mailbox_in(message.content, "To")[0] == headers.clean(name)
    url = letters.sender().ways_out(subscriber_id=1)[0]
    expected = unix_lines(f"{slotless}\n{headers.clean(name)}\n{url}\n")
    assert parts(message)[0] == expected
    assert url in parts(message)[1]


@given(html=st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_html_reads_back_equal(html: str) -> None:
    """No octet of the edition is lost on the way, line ends aside."""
    slotless = html.replace("__FB_", "").replace("<!--", "")
    edition = letters.edition(html=slotless + "\n__FB_UNSUBSCRIBE_URL__")
    message = build(edition, letters.claim(), sending=letters.sender())
    assert parts(message)[1].startswith(unix_lines(slotless + "\nhttps://"))
