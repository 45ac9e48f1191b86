"""The stencil: whatever it fills reads as the reference would have built it."""

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from flashback import addresses
from flashback.errors import AddressError, TemplateError
from flashback.mime import (
    Sender,
    UnfitMessageError,
    build,
    builder,
    check_wire,
    dkim,
    fill_html,
    fill_text,
    headers,
)
from flashback.mime.canonical import relaxed_body
from flashback.model import Address, Claim, Edition, InlineImage, Message, Slot

from fixtures import letters, signing

FRENCH = "L’éducation nationale face à ses réformes. "
ARABIC = "السلام عليكم ورحمة الله وبركاته. "
ENGLISH = "The schools of the country, and those who teach in them. "


def harmless(text: str) -> str:
    """Text that opens no comment and names no slot."""
    return text.replace("_", "").replace("!", "")


words = st.sampled_from(
    [
        FRENCH, ARABIC, ENGLISH, FRENCH * 5, ARABIC * 5, ARABIC * 5 + "a", ARABIC * 5 + "ab",
        '<a href="', '">', '<img alt="', "<p>", "\n", "\r\n", "\r", ".", "..", " ", "  ", "\t",
        "From ", "=", "x" * 75, "x" * 76, "\n.", " \n",
    ]
) | st.text(max_size=12).map(harmless)  # fmt: skip
#: Any words with slots among them: first, last, side by side, again and again.
templates = st.lists(words | st.sampled_from([slot.mark for slot in Slot]), max_size=12).flatmap(
    lambda pieces: st.integers(0, len(pieces)).map(
        lambda place: "".join(
            [*pieces[:place], Slot.UNSUBSCRIBE_URL.mark, *pieces[place:]],
        )
    )
)
editions = st.builds(
    lambda html, text, subject, language, images: letters.edition(
        html=html, text=text, subject=subject, language=language, images=images
    ),
    html=templates,
    text=templates,
    subject=st.text(max_size=60) | st.sampled_from([FRENCH * 3, ARABIC * 3]),
    language=st.sampled_from(["fr", "ar", "en"]),
    images=st.sampled_from([(), (letters.PIXEL,)]),
)
names = st.text(max_size=40) | st.sampled_from(
    ["", "Nadia Benali", "نادية بنت محمد العلوي", "Éloïse Dupré", "__FB_READER_NAME__", "<b>&'\"",
     ".", "From me", "x" * 90, "a\r\nBcc: b", "\ud800"]
)  # fmt: skip
ATEXT = "abcXYZ019.!#$%&'*+-/=?^_`{|}~éا中"
boxes = st.builds(
    "{}@{}".format,
    st.text(ATEXT, min_size=1, max_size=20),
    st.sampled_from(["example.org", "été.example.org", "فاس.example.org", "a.b.c.example.com"]),
)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """Any reader whom the parser lets in."""
    try:
        address = addresses.parse(draw(boxes))
    except AddressError:
        assume(False)
        raise
    return Claim(
        delivery_id=draw(st.integers(0, 10**18 - 1)),
        mailing_id=draw(st.integers(1, 2**40)),
        subscriber_id=draw(st.integers(0, 2**48 - 1)),
        address=address,
        name=draw(names),
        language="fr",
        edition_digest="",
        attempt=1,
        owner="test",
    )


def pair(edition: Edition, claim: Claim, sender: Sender) -> tuple[Message, Message]:
    """The message by the stencil and by the reference."""
    mine = replace(claim, edition_digest=edition.digest)
    make = builder({edition.digest: edition}, sender)
    first = make(mine)
    assert make(mine) == first, "the first message of an edition is no other than the later ones"
    return first, build(edition, mine, sending=sender)


def read(message: Message) -> EmailMessage:
    """The message as another program reads it."""
    found = email.message_from_bytes(message.content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert not [part.defects for part in found.walk() if part.defects]
    return found


def parts(found: EmailMessage) -> list[tuple[object, ...]]:
    """Each part: its fields and what is in it, decoded."""
    return [(*part.items(), part.get_payload(decode=True)) for part in found.walk()]


def whole(template: str) -> str:
    """A template with its line ends as they travel, also at its end."""
    lines = template.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else lines + "\n"


def octets(text: str) -> bytes:
    """A text as it should be once decoded."""
    return text.encode("utf-8", "replace").replace(b"\n", b"\r\n")


@given(edition=editions, claim=claims())
@example(
    edition=letters.edition(html="__FB_READER_NAME__" * 2 + "__FB_UNSUBSCRIBE_URL__"),
    claim=letters.claim(name=""),
)
@example(
    edition=letters.edition(text=ARABIC * 3 + "__FB_READER_NAME__\n__FB_UNSUBSCRIBE_URL__"),
    claim=letters.claim(name=""),
)
@settings(max_examples=150, deadline=None)
def test_stencil_and_reference_read_the_same(edition: Edition, claim: Claim) -> None:
    """The same fields, the same parts, the same words, for any reader of any edition."""
    sender = letters.sender()
    fast, slow = pair(edition, claim, sender)
    assert fast.envelope == slow.envelope
    assert fast.message_id == slow.message_id
    mine, theirs = read(fast), read(slow)
    assert mine.items() == theirs.items()
    assert parts(mine) == parts(theirs)


@given(edition=editions, claim=claims())
@settings(max_examples=100, deadline=None)
def test_what_was_meant_is_what_is_read(edition: Edition, claim: Claim) -> None:
    """Not only as the reference has it: as the edition and the reader have it."""
    sender = letters.sender()
    message, _ = pair(edition, claim, sender)
    url, mailto = sender.ways_out(subscriber_id=claim.subscriber_id)
    values = {
        Slot.UNSUBSCRIBE_URL: url,
        Slot.READER_ADDRESS: claim.address.mailbox,
        Slot.READER_NAME: headers.clean(claim.name),
    }
    found = read(message)
    plain, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_payload(decode=True) == octets(fill_text(whole(edition.text), values))
    assert rich.get_payload(decode=True) == octets(fill_html(whole(edition.html), values))
    assert found["Subject"] == headers.clean(edition.subject)
    assert str(found["List-Unsubscribe"]) == f"<{url}>, <{mailto}>"
    if claim.address.is_ascii:
        assert letters.mailbox_in(message.content, "To") == (
            headers.clean(claim.name),
            claim.address.mailbox,
        )


@given(edition=editions, claim=claims())
@settings(max_examples=100, deadline=None)
def test_nothing_on_the_way_has_reason_to_change_it(edition: Edition, claim: Claim) -> None:
    """Fit for the wire, no dot to stuff, short lines, and its own canonical form."""
    message, slow = pair(edition, claim, letters.sender())
    url, mailto = letters.sender().ways_out(subscriber_id=claim.subscriber_id)
    for content in (message.content, slow.content):
        check_wire(content, list_unsubscribe=f"<{url}>, <{mailto}>")
        body = content.partition(b"\r\n\r\n")[2]
        lines = body.split(b"\r\n")
        assert not any(line.startswith((b".", b"From ")) for line in lines)
        assert all(len(line) <= 78 for line in lines)
        assert b"=" not in lines, "no line is a soft break and nothing else"
        assert relaxed_body(body) == body


@given(edition=editions, claim=claims())
@settings(max_examples=40, deadline=None)
def test_what_is_signed_ahead_is_what_is_signed_at_once(edition: Edition, claim: Claim) -> None:
    """Octet for octet: a signature begun once per edition is the one made over the message."""
    sender, mine = letters.sender(), replace(claim, edition_digest=edition.digest)
    bare = builder({edition.digest: edition}, sender)(mine)
    full = builder({edition.digest: edition}, sender, signing.signers())(mine)
    keys = dkim.aligned(signing.signers(), sender.domain)
    assert full.content == dkim.signed(bare.content, keys, at=sender.date)
    assert full.content.endswith(bare.content)


@pytest.mark.parametrize("run", range(50, 66))
def test_base64_goes_on_in_every_alignment(run: int) -> None:
    """Values of every length between runs of every length, in the middle of groups of three."""
    edition = letters.edition(
        text=f"{ARABIC * 9}__FB_READER_NAME__{'y' * run}__FB_READER_ADDRESS__{ARABIC}"
        "__FB_UNSUBSCRIBE_URL__"
    )
    for length in range(4):
        claim = letters.claim(name="n" * length)
        fast, slow = pair(edition, claim, letters.sender())
        assert parts(read(fast)) == parts(read(slow))
        assert read(fast).get_body(("plain",))["Content-Transfer-Encoding"] == "base64"  # type: ignore[index]


@pytest.mark.parametrize(
    "unsubscribe",
    [
        "https://example.org/leave?a=1&token={token}",
        "https://example.org/{token}/leave/{token}",
        "https://example.org/" + "long/" * 50 + "{token}",
    ],
)
@pytest.mark.parametrize("mailbox", ["", "leave@example.org"])
def test_any_way_out_is_filled_in(unsubscribe: str, mailbox: str) -> None:
    """A token once or twice, in the middle or at the end, in a URL of any lawful length."""
    sender = letters.sender(unsubscribe=unsubscribe, unsubscribe_mail=mailbox)
    edition = letters.edition()
    make = builder({edition.digest: edition}, sender)
    for number in (1, 2):
        claim = letters.claim(number)
        ours, theirs = make(claim), build(edition, claim, sending=sender)
        assert read(ours).items() == read(theirs).items()
        assert parts(read(ours)) == parts(read(theirs))


def test_each_reader_gets_the_edition_of_the_claim() -> None:
    """By its digest, as it was when the mailing opened; and in it nothing of another reader."""
    french, arabic = letters.edition(), letters.edition(language="ar", subject=ARABIC)
    make = builder({e.digest: e for e in (french, arabic)}, letters.sender())
    first = make(replace(letters.claim(1), edition_digest=french.digest))
    second = make(replace(letters.claim(2), edition_digest=arabic.digest))
    third = make(replace(letters.claim(3), edition_digest=french.digest))
    assert [read(m)["Content-Language"] for m in (first, second, third)] == ["fr", "ar", "fr"]
    assert b"reader-1" not in third.content
    assert read(third)["To"] == "reader-3@example.org"


def test_every_try_is_the_same_message() -> None:
    """Also when another process makes it, two days later."""
    edition = letters.edition()
    claim = letters.claim(1, name="Éloïse")
    makes = [
        builder({edition.digest: edition}, letters.sender(), signing.signers()) for _ in range(2)
    ]
    makes[1](letters.claim(2))
    assert makes[0](claim).content == makes[1](replace(claim, attempt=9)).content


@pytest.mark.parametrize(
    "bad", ["a@example.org>\r\nBcc: b@example.org", "a b@c.org", "a", "é" * 200]
)
def test_every_address_is_looked_at(bad: str) -> None:
    """Not only that of the first reader of an edition."""
    edition = letters.edition()
    make = builder({edition.digest: edition}, letters.sender())
    make(letters.claim(1))
    with pytest.raises(UnfitMessageError, match="cannot be mailed to"):
        make(replace(letters.claim(2), address=Address(bad, bad)))


def test_the_first_message_is_looked_at_as_a_whole() -> None:
    """A URL that no line can hold stops the mailing, and would stop it at every try."""
    sender = letters.sender(unsubscribe="https://example.org/" + "long/" * 300 + "{token}")
    edition = letters.edition()
    make = builder({edition.digest: edition}, sender)
    for number in (1, 2):
        with pytest.raises(UnfitMessageError, match="998"):
            make(letters.claim(number))


@pytest.mark.parametrize(
    ("edition", "reason"),
    [
        (letters.edition(html="x"), "no unsubscribe link"),
        (letters.edition(text="__FB_SECRET__ __FB_UNSUBSCRIBE_URL__"), "nobody can fill: SECRET"),
    ],
)
def test_what_the_reference_refuses_is_refused(edition: Edition, reason: str) -> None:
    """No way out, or a slot that nobody knows."""
    claim = replace(letters.claim(), edition_digest=edition.digest)
    with pytest.raises(TemplateError, match=reason):
        build(edition, claim, sending=letters.sender())
    with pytest.raises(TemplateError, match=reason):
        builder({edition.digest: edition}, letters.sender())(claim)


def test_a_picture_that_cannot_travel_is_refused() -> None:
    """As by the reference."""
    image = InlineImage(content_id="a>", media_type="image/png", filename="a", content=b"")
    edition = letters.edition(images=(image,))
    with pytest.raises(UnfitMessageError, match="picture"):
        builder({edition.digest: edition}, letters.sender())(
            replace(letters.claim(), edition_digest=edition.digest)
        )
