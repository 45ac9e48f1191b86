"""One page, one key; and the address that is fit to be printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.clips import Target, key_of, readable, settled, trace_of, without_tracking
from flashback.errors import FlashbackError

PAGE = "https://www.matin.example/eco/micro-credit?id=7&page=2"
SAME = [
    "http://www.matin.example/eco/micro-credit?id=7&page=2",
    "HTTPS://WWW.Matin.Example:443/eco/micro-credit?id=7&page=2",
    "http://matin.example:80/eco/micro-credit/?page=2&id=7",
    "https://m.matin.example/eco/micro-credit?id=7&page=2#commentaires",
    "https://mobile.matin.example./eco/micro-credit?id=7&page=2&",
    "https://www.amp.matin.example/eco/micro-credit?id=7&page=2",
    "https://www.matin.example/eco/micro-credit/amp/?id=7&page=2",
    "https://www.matin.example/amp/eco/micro-credit?id=7&page=2",
    "https://www.matin.example/eco/micro-credit.amp?id=7&page=2",
    "https://www.matin.example/eco/micro-credit?amp&id=7&page=2",
    "https://www.matin.example/eco/micro-credit?amp=1&id=7&page=2&outputType=amp",
    "https://www.matin.example/eco/micro%2Dcredit?id=%37&page=2",
    "https://www.matin.example/eco/micro-credit?id=7&utm_source=x&utm_medium=y&page=2",
    "https://www.matin.example/eco/micro-credit?id=7&page=2&fbclid=I&gclid=G&mc_cid=1&xtor=RSS-1",
    "https://www-matin-example.cdn.ampproject.org/c/s/www.matin.example/eco/micro-credit?id=7&page=2",
    "https://www.google.co.ma/amp/s/m.matin.example/eco/micro-credit/amp?id=7&page=2",
    "https://www.bing.com/amp/matin.example/eco/micro-credit?id=7&page=2",
]
OTHERS = [
    "https://www.matin.example/eco/micro-credit?id=8&page=2",
    "https://www.matin.example/eco/micro-credit?id=7",
    "https://www.matin.example/eco/Micro-credit?id=7&page=2",
    "https://www.matin.example/eco/micro-credit-2?id=7&page=2",
    "https://www.matin.example/micro-credit?id=7&page=2",
    "https://blog.matin.example/eco/micro-credit?id=7&page=2",
    "https://matin.example:8443/eco/micro-credit?id=7&page=2",
    "https://www.matin.example/eco%2Fmicro-credit?id=7&page=2",
    "https://www.matin.example/eco/micro-credit?id=7&page=2#!/suite",
    "https://www.soir.example/eco/micro-credit?id=7&page=2",
    "https://www.google.com/search?q=https://www.matin.example/eco/micro-credit",
]


@pytest.mark.parametrize("url", SAME)
def test_what_share_buttons_and_phones_add_makes_no_difference(url: str) -> None:
    """One page has one key, whatever was made of its address."""
    assert key_of(url) == key_of(PAGE) == "matin.example/eco/micro-credit?id=7&page=2"


@pytest.mark.parametrize("url", OTHERS)
def test_other_pages_stay_others(url: str) -> None:
    """What may be another page has another key."""
    assert key_of(url)
    assert key_of(url) != key_of(PAGE)


def test_letters_are_the_same_however_they_are_written() -> None:
    """Arabic in an address, in the host too, is one page encoded or not."""
    plain = "https://www.صحيفة.example/اقتصاد/القروض"
    coded = (
        "http://xn--ogbhx3c3b.example/%d8%a7%d9%82%d8%aa%d8%b5%d8%a7%d8%af/"
        "%D8%A7%D9%84%D9%82%D8%B1%D9%88%D8%B6/"
    )
    assert key_of(plain) == key_of(coded)
    assert trace_of(key_of(plain)) in readable(f"[x]({plain})")
    assert trace_of(key_of(plain)) in readable(f"[x]({coded})")


@pytest.mark.parametrize(
    "url",
    ["", "x", "mailto:a@b.example", "https://", "https://a", "https://[::1", "https://a.example:x",
     "https://a b.example/", "https://a.example\\@b.example/", "https://a.example/\u202ex",
     "https://u@a.example/", "ftp://a.example/", f"https://{'a' * 64}.example/",
     "https://a.example/" + "x" * 2_000, "https://..example/", "https://[v1.x]/",
     "https://[1:2]/", "https://[fe80::1%25x]/"],
)  # fmt: skip
def test_what_is_no_address_has_no_key(url: str) -> None:
    """Nothing is asked for, and nothing is compared, that no browser would open safely."""
    assert key_of(url) == ""
    with pytest.raises(FlashbackError):
        Target.of(url)


def test_addresses_in_numbers_are_addresses() -> None:
    """An IPv6 address keeps its brackets and its port."""
    target = Target.of("http://[2001:DB8::1]:8080?x=é%zz")
    assert target.url == "http://[2001:db8::1]:8080/?x=%C3%A9%25zz"
    assert key_of(target.url) == "2001:db8::1:8080/?x=%C3%A9%25zz"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://M.Matin.example:80/A/?b=2&utm_source=x&a=1&fbclid=y#top",
         "http://m.matin.example/A/?b=2&a=1"),
        ("https://matin.example/#!/a", "https://matin.example/#!/a"),
        ("https://matin.example?utm_id=1", "https://matin.example/"),
    ],
)  # fmt: skip
def test_a_printed_address_counts_no_clicks(url: str, expected: str) -> None:
    """Tracking goes; everything else of the address stays as the site has it."""
    assert without_tracking(url) == expected


@pytest.mark.parametrize(
    ("found", "own", "expected"),
    [
        ("https://m.matin.example/a?utm_x=1", ("https://www.matin.example/a",),
         "https://www.matin.example/a"),
        ("https://matin.example/a", ("http://matin.example/a?fbclid=1",),
         "https://matin.example/a"),
        ("http://matin.example/a", ("http://matin.example/b",), "http://matin.example/b"),
        ("https://matin.example/a", ("https://matin.example/",), "https://matin.example/a"),
        ("https://matin.example/", ("https://www.matin.example/",), "https://www.matin.example/"),
        ("https://matin.example/a", ("https://other.example/a",), "https://matin.example/a"),
        ("https://matin.example/a", ("nonsense", "https://matin.example/c"),
         "https://matin.example/c"),
        ("https://www.google.com/amp/s/matin.example/a/amp", ("https://matin.example/a",),
         "https://matin.example/a"),
        ("https://www.google.com/amp/s/matin.example/a/amp", (),
         "https://www.google.com/amp/s/matin.example/a/amp"),
    ],
)  # fmt: skip
def test_a_page_knows_its_own_address(found: str, own: tuple[str, ...], expected: str) -> None:
    """Its word counts within its own outlet, and not when it takes itself for the front page."""
    assert settled(found, own) == expected


@given(st.text() | st.text().map("https://a.example/".__add__) | st.text().map("http://".__add__))
def test_any_text_has_a_key_and_a_key_is_stable(text: str) -> None:
    """Nothing that stands in a file makes it raise, and a key's address has that very key."""
    key = key_of(text)
    if key and not key.startswith("["):
        assert key_of(f"https://{key}") in {key, key_of(f"http://{key}")}
        assert trace_of(key) in readable(text)


_PATHS = st.text(alphabet="aZé\u0301ßİ قر_-~.%/()*4E9&=+;é漢", max_size=30)


@given(host=st.sampled_from(["m.matin.example", "صحيفة.example", "a.b"]), path=_PATHS)
def test_a_trace_is_in_every_text_that_holds_the_address(host: str, path: str) -> None:
    """An address that is there is never passed over, however it is escaped in Markdown."""
    url = f"https://{host}/{path.replace(' ', '')}"
    escaped = url.replace("_", "\\_").replace("(", "\\(").replace("*", "\\*")
    trace = trace_of(key_of(url))
    assert trace in readable(f"[mots]({url})")
    assert trace in readable(f"[mots](<{escaped}>)")
