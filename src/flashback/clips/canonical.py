"""Which addresses lead to one page: the same key, whatever a share button or a phone made of it.

Pure. Scheme, "www.", "m." and "amp." hosts, default ports, fragments, AMP's marks, the order of a
query and what only counts clicks make no difference.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urlsplit

from flashback.clips.target import DEFAULT_PORTS, Target
from flashback.errors import FlashbackError

#: Parameters of a query that tell where a reader came from, and never which page it is.
_TRACKING: Final = re.compile(
    r"""utm_.* | at_(?:medium|campaign|custom\d|link|term|variant|format|platform)
    | fbclid | gclid | dclid | msclkid | yclid | ysclid | twclid | ttclid | li_fat_id | epik
    | gclsrc | gbraid | wbraid | srsltid | mibextid | fb_(?:action_.* | source | ref)
    | igsh | igshid | mc_[ce]id | mkt_tok | _hs(?:enc|mi) | __hs.* | hsctatracking
    | vero_(?:id|conv) | oly_(?:anon|enc)_id | _ga | _gl | _ke | ml_subscriber.* | ck_subscriber_id
    | (?:pk|piwik|mtm|matomo)_(?:campaign|kwd|keyword|source|medium|content|cid|group|placement)
    | wt_z?mc | xtor | xtref | ncid | s_cid | s_kwcid | cmpid | ns_(?:mchannel|campaign|source|fee)
    | spm | smid | ref_src | ref_url | sfnsn | __twitter_impression | _x_tr_.*""",
    re.VERBOSE | re.IGNORECASE,
)
#: Parameters that ask for the AMP form of a page; the second kind only with that value.
_AMP: Final = re.compile(r"amp|amp_js_v|amp_gsa|amp_kit|usqp|amp_latest_update_time", re.IGNORECASE)
_AMP_VALUE: Final = re.compile(r"(?:output(?:type)?|view|format|type)=amp", re.IGNORECASE)
#: Where others keep AMP pages: the true host stands in the path.
_KEEPER: Final = re.compile(r"(?:.+\.)?cdn\.ampproject\.org|(?:www\.)?(?:google|bing)\.[a-z.]{2,6}")
_KEPT_AT: Final = re.compile(r"/(?:[a-z]|amp)/(s/)?([^/]+\.[^/]+)(/.*)?", re.IGNORECASE)
_TWINS: Final = frozenset({"m", "mobile", "amp"})
_UNRESERVED: Final = re.compile(
    r"%(?:(2D|2E|5F|7E|3\d|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])|..)", re.IGNORECASE
)
_ENCODED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_WORD: Final = re.compile(r"[\w-]+")
_TELLING: Final = 4  #: letters; a shorter word stands in every file


def key_of(url: str) -> str:
    """The same text for all addresses of a page; empty for what is no web address."""
    try:
        target = _unwrapped(Target.of(url))
    except FlashbackError:
        return ""
    fragment = f"#{target.fragment}" if target.fragment.startswith("!") else ""
    port = "" if target.port in DEFAULT_PORTS.values() else f":{target.port}"
    query = "&".join(sorted(p for p in _pairs(target.query) if not _asks_for_amp(p)))
    path = _plain_path(_plain(target.path))
    return f"{_plain_host(target.host)}{port}{path}{'?' if query else ''}{_plain(query)}{fragment}"


def trace_of(key: str) -> str:
    """A word that every address with this key has, the most telling one; perhaps empty.

    A text that does not hold it once it is ``readable`` holds no such address.
    """
    host, _, rest = key.partition("/")
    words = [word for word in _WORD.findall(readable(rest)) if len(word) >= _TELLING]
    if not words:
        # A host with other letters than ASCII may be written in two ways.
        words = [] if "xn--" in host else host.split(".")[:-1]
    return max(words, key=len, default="")


def readable(text: str) -> str:
    """A text without percent-encoding and backslashes, in small letters and NFC."""
    # Asked of whole files: ``unquote`` alone is slow where a text has other letters than ASCII.
    decoded = _ENCODED.sub(lambda m: unquote(m[0]), text.replace("\\", ""))
    return unicodedata.normalize("NFC", decoded.casefold())


def without_tracking(url: str) -> str:
    """The address as it is fit to be printed. Raises FlashbackError when it is none."""
    target = Target.of(url)
    fragment = target.fragment if target.fragment.startswith("!") else ""
    return replace(target, query="&".join(_pairs(target.query)), fragment=fragment).url


def settled(url: str, own: Sequence[str]) -> str:
    """The address to print for a page found at ``url`` that calls ``own`` its addresses.

    What the page says counts when it is of the same outlet and does not take an article for the
    front page. Raises FlashbackError when ``url`` is no address.
    """
    target = Target.of(url)
    outlet = _plain_host(_unwrapped(target).host)
    for said in own:
        try:
            other = Target.of(said)
        except FlashbackError:
            continue
        of_another = _plain_host(other.host) != outlet or _KEEPER.fullmatch(other.host)
        if of_another or (_is_front(other) and not _is_front(target)):
            continue
        if (other.scheme, target.scheme, other.port) == ("http", "https", 80):
            other = replace(other, scheme="https", port=443)
        return without_tracking(other.url)
    return without_tracking(url)


def _is_front(target: Target) -> bool:
    return target.path == "/" and not target.query


def _unwrapped(target: Target) -> Target:
    """The page behind an address at one of those who keep AMP pages of others."""
    kept = _KEPT_AT.fullmatch(target.path) if _KEEPER.fullmatch(target.host) else None
    if kept is None:
        return target
    scheme = "https" if kept[1] else "http"
    parts = urlsplit(f"{scheme}://{kept[2]}{kept[3] or '/'}")
    return Target.of(parts._replace(query=target.query).geturl())


def _plain_host(host: str) -> str:
    if ":" in host:
        return host
    *before, second, top = host.split(".")
    kept = [label for label in before if label not in _TWINS]
    kept = kept[1:] if kept[:1] == ["www"] else kept
    return ".".join([*kept, second, top])


def _plain_path(path: str) -> str:
    segments = [segment for segment in path.split("/") if segment]
    for place in (-1, 0):
        if len(segments) > 1 and segments[place].lower() == "amp":
            del segments[place]
    if segments:
        segments[-1] = re.sub(r"\.amp(?=\.html?\Z|\Z)", "", segments[-1], flags=re.IGNORECASE)
    return "/" + "/".join(segments)


def _plain(text: str) -> str:
    """Percent-encoding in one form (RFC 3986 section 6.2.2)."""
    return _UNRESERVED.sub(lambda m: unquote(m[0]) if m[1] else m[0].upper(), text)


def _pairs(query: str) -> list[str]:
    """The parameters of a query that do more than count."""
    return [p for p in query.split("&") if p and not _TRACKING.fullmatch(_name(p))]


def _asks_for_amp(pair: str) -> bool:
    return bool(_AMP.fullmatch(_name(pair)) or _AMP_VALUE.fullmatch(unquote(pair)))


def _name(pair: str) -> str:
    return unquote(pair.partition("=")[0])
