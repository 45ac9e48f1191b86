"""Signed tags: what was signed comes back, and nothing else does."""

import hashlib
import hmac

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flashback.tokens import (
    SigningKey,
    bounce_tag,
    delivery_of,
    message_tag,
    subscriber_of,
    unsubscribe_token,
)

KEY = SigningKey(b"sixteen octets!!")
OTHER = SigningKey(b"another key, not")

subscriber_ids = st.integers(0, 2**48 - 1)
delivery_ids = st.integers(0, 10**18 - 1)
#: Any code point, also the lone surrogates that stand for octets that are no UTF-8.
hostile = st.text(st.characters())


def altered(draw: st.DrawFn, text: str, alphabet: st.SearchStrategy[str]) -> str:
    """The text with one stretch of it replaced, dropped or lengthened."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    return text[:start] + draw(st.text(alphabet, max_size=3)) + text[end:]


@st.composite
def altered_tokens(draw: st.DrawFn) -> tuple[str, str]:
    token = unsubscribe_token(KEY, subscriber_id=draw(subscriber_ids))
    return token, altered(draw, token, st.sampled_from("Aaz09-_+/=\n é"))


@st.composite
def altered_tags(draw: st.DrawFn) -> tuple[str, str]:
    tag = bounce_tag(KEY, delivery_id=draw(delivery_ids))
    return tag, altered(draw, tag, st.sampled_from("0123456789abcdefF-+ \n٣\udc80"))


def test_a_key_is_long_enough() -> None:
    """A key that could be guessed is refused at once."""
    with pytest.raises(ValueError, match="at least 16"):
        SigningKey(b"fifteen octets!")


def test_a_key_is_never_printed() -> None:
    """Neither a traceback nor a log shows the secret."""
    assert "sixteen" not in f"{KEY} {KEY!r}"


def test_purposes_do_not_mix() -> None:
    """A signature made for one purpose says nothing for another."""
    assert KEY.mac("bounce", b"1") != KEY.mac("unsubscribe", b"1")


@settings(deadline=None, max_examples=200)
@given(subscriber_ids)
def test_a_token_brings_its_subscriber_back(subscriber_id: int) -> None:
    """Every token is 32 letters that need no escaping in a URL, and leads to its own subscriber."""
    token = unsubscribe_token(KEY, subscriber_id=subscriber_id)
    assert len(token) == 32
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert subscriber_of(KEY, token) == subscriber_id
    assert subscriber_of(OTHER, token) is None


@settings(deadline=None, max_examples=500)
@given(altered_tokens())
def test_an_altered_token_is_nobodys(pair: tuple[str, str]) -> None:
    """One letter more, fewer or different, and the token lets nobody leave."""
    token, other = pair
    assume(token != other)
    assert subscriber_of(KEY, other) is None


@pytest.mark.parametrize(("letter", "twin"), [("-", "+"), ("_", "/")])
def test_the_other_base64_alphabet_is_refused(letter: str, twin: str) -> None:
    """A token has one spelling: the standard alphabet's letters do not pass for the URL ones."""
    tokens = (unsubscribe_token(KEY, subscriber_id=n) for n in range(1000))
    token = next(t for t in tokens if letter in t)
    assert subscriber_of(KEY, token.replace(letter, twin)) is None


def test_padding_is_refused() -> None:
    """A token has one length."""
    assert subscriber_of(KEY, unsubscribe_token(KEY, subscriber_id=7) + "====") is None


@settings(deadline=None, max_examples=300)
@given(hostile)
def test_no_text_upsets_the_token_reader(text: str) -> None:
    """Whatever stands in a URL, the answer is None and never an exception."""
    assert subscriber_of(KEY, text) is None


@settings(deadline=None, max_examples=200)
@given(delivery_ids)
def test_a_tag_brings_its_delivery_back(delivery_id: int) -> None:
    """A bounce names its delivery, also when a relay on the way wrote it in capitals."""
    tag = bounce_tag(KEY, delivery_id=delivery_id)
    assert delivery_of(KEY, tag) == delivery_id
    assert delivery_of(KEY, tag.upper()) == delivery_id
    assert delivery_of(OTHER, tag) is None


@settings(deadline=None, max_examples=500)
@given(altered_tags())
def test_an_altered_tag_is_a_forgery(pair: tuple[str, str]) -> None:
    """But for capitals, a tag with any other character is dropped unread."""
    tag, other = pair
    assume(tag != other.lower())
    assert delivery_of(KEY, other) is None


@settings(deadline=None, max_examples=300)
@given(hostile | st.builds("{}-{}".format, st.integers(), hostile))
def test_no_text_upsets_the_tag_reader(text: str) -> None:
    """Whatever octets an envelope held, the answer is None and never an exception."""
    assert delivery_of(KEY, text) is None


@pytest.mark.parametrize("tag", ["", "-", "1", "1-", "-0123456789", "٣-0123456789", "1" * 19])
def test_what_is_no_tag_is_a_forgery(tag: str) -> None:
    """A number that is missing, foreign or beyond the store's is refused before any signature."""
    assert delivery_of(KEY, tag) is None


def test_a_tag_that_is_signed_but_too_long_is_refused() -> None:
    """Even our own signature does not lead beyond what the store can count to."""
    assert delivery_of(KEY, bounce_tag(KEY, delivery_id=10**18)) is None


def test_a_resend_is_the_same_message() -> None:
    """The Message-ID follows from mailing and subscriber alone, and tells no two of them alike."""
    tags = {
        message_tag(KEY, mailing=str(mailing), subscriber_id=subscriber)
        for mailing in range(12)
        for subscriber in range(12)
    }
    assert len(tags) == 144
    again = message_tag(KEY, mailing="3", subscriber_id=4)
    assert again in tags
    assert len(again) == 32
    assert again != message_tag(OTHER, mailing="3", subscriber_id=4)


@given(st.binary(min_size=16, max_size=200), st.text(max_size=20), st.binary(max_size=200))
def test_the_mac_is_hmac_with_sha_256(key: bytes, purpose: str, content: bytes) -> None:
    """Begun once for each key, and still the MAC of RFC 2104, whatever the key's length."""
    purpose = purpose.encode("utf-8", "replace").decode()
    expected = hmac.digest(key, purpose.encode() + b"\0" + content, hashlib.sha256)
    assert SigningKey(key).mac(purpose, content) == expected
    assert SigningKey(key).mac(purpose, content) == expected
