"""Signed tags: what was signed comes back, and nothing else does."""

import hashlib
import threading

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flashback.tokens import (
    SigningKey,
    bounce_tag,
    delivery_of,
    message_tags,
    subscriber_of,
    unsubscribe_token,
    unsubscribe_tokens,
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


def mac_of(key: SigningKey, purpose: str, content: bytes, octets: int = 16) -> bytes:
    """A whole MAC at once."""
    mac = key.mac(purpose, octets=octets)
    mac.update(content)
    return mac.digest()


def test_purposes_do_not_mix() -> None:
    """A MAC made for one purpose says nothing for another, nor does the beginning of a longer."""
    assert mac_of(KEY, "bounce", b"1") != mac_of(KEY, "unsubscribe", b"1")
    assert mac_of(KEY, "bounce", b"1")[:5] != mac_of(KEY, "bounce", b"1", octets=5)


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
        message_tags(KEY, mailing=str(mailing))(subscriber)
        for mailing in range(12)
        for subscriber in range(12)
    }
    assert len(tags) == 144
    again = message_tags(KEY, mailing="3")(4)
    assert again in tags
    assert len(again) == 32
    assert again != message_tags(OTHER, mailing="3")(4)


@given(
    st.binary(min_size=16, max_size=64),
    st.sampled_from(["unsubscribe", "bounce", "message-id", ""]),
    st.binary(max_size=200),
    st.integers(1, 64),
)
def test_the_mac_is_keyed_blake2b(key: bytes, purpose: str, content: bytes, octets: int) -> None:
    """As RFC 7693 has it, with the purpose in its place among the parameters."""
    expected = hashlib.blake2b(content, key=key, person=purpose.encode(), digest_size=octets)
    assert mac_of(SigningKey(key), purpose, content, octets) == expected.digest()


@given(st.binary(min_size=65, max_size=200), st.binary(min_size=1, max_size=9))
def test_every_octet_of_a_long_key_counts(key: bytes, more: bytes) -> None:
    """A key of any length signs, and no beginning of it does in its place."""
    mac = mac_of(SigningKey(key), "bounce", b"1")
    assert mac == mac_of(SigningKey(key), "bounce", b"1")
    assert mac != mac_of(SigningKey(key + more), "bounce", b"1")
    assert mac != mac_of(SigningKey(key[:64]), "bounce", b"1")


def test_what_is_signed_stays_what_it_is() -> None:
    """Links and bounces come back for years: a change of the format breaks this test first."""
    assert unsubscribe_token(KEY, subscriber_id=7) == "AgAAAAAAB3WablBU_uOh0icc0cwtxza8"
    assert bounce_tag(KEY, delivery_id=1742) == "1742-8e5dc8f150"
    assert message_tags(KEY, mailing="3/2011-09-02/abc")(7) == "e7483709930087a3e6e7c79cce8e28b5"


def test_a_subscriber_beyond_the_last_has_no_token() -> None:
    """Six octets name her; a number that is larger must not become another one's."""
    with pytest.raises(OverflowError):
        unsubscribe_token(KEY, subscriber_id=2**48)


def test_threads_share_what_was_begun() -> None:
    """Messages are made by several threads ahead of their turn; each gets its own token."""
    token_of = unsubscribe_tokens(KEY)
    made: dict[int, list[bytes]] = {}

    def make(start: int) -> None:
        made[start] = [token_of(n) for n in range(start, start + 500)]

    threads = [threading.Thread(target=make, args=(start,)) for start in range(0, 2000, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tokens = [token.decode() for start in sorted(made) for token in made[start]]
    assert [subscriber_of(KEY, token) for token in tokens] == list(range(2000))
