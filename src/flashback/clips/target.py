"""A web address taken apart, once and strictly, so that what is judged is what is asked for.

RFC 3986; host names become A-labels, other letters are percent-encoded (RFC 3987 section 3.1).
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from flashback.errors import FlashbackError
from flashback.sentences import Sentence, tr

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LONGEST: Final = 2_000  #: characters; no page that people link to has more
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})+")
_LABEL: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")  #: of this machine, or of the house
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT: Final = "!$%&'()*+,/:;=?@~-._"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a page lies. All fields are ASCII."""

    scheme: str  #: http or https
    host: str  #: lower case; an IPv6 address without brackets
    port: int
    path: str  #: from the first slash on
    query: str = ""
    fragment: str = ""

    @classmethod
    def of(cls, url: str) -> "Target":
        """Take an address apart. Raises FlashbackError for what no browser would open safely."""
        if len(url) > _LONGEST or any(_unseen(character) for character in url) or "\\" in url:
            raise _unsound(url)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise _unsound(url) from error
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise FlashbackError(
                tr("“{url}” is not the address of a web page.", url=shown(url)),
                hint=_COPY_IT,
            )
        if "@" in parts.netloc:
            raise FlashbackError(
                tr("“{url}” has a name before its host; such addresses deceive.", url=shown(url)),
                hint=tr("Copy the address again, without what stands before the @."),
            )
        return cls(
            scheme=scheme,
            host=_ascii_host(host, literal="[" in parts.netloc) or _refuse(url, host),
            port=DEFAULT_PORTS[scheme] if port is None else port,
            path=encoded(parts.path) or "/",
            query=encoded(parts.query),
            fragment=encoded(parts.fragment),
        )

    @property
    def authority(self) -> str:
        """The host and, where it is not the usual one, the port: what a Host field says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def resource(self) -> str:
        """What a request line asks for."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def url(self) -> str:
        """The whole address."""
        mark = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{self.authority}{self.resource}{mark}"


_COPY_IT: Final = tr("Open the page in a browser and copy its address, from https:// on.")


def shown(url: str) -> str:
    """A stranger's address for the eyes of staff: short, and nothing in it moves a cursor."""
    seen = "".join("�" if _unseen(character) else character for character in url[:200])
    return seen if len(url) <= 200 else f"{seen}…"  # noqa: PLR2004


def encoded(part: str) -> str:
    """A path, query or fragment in ASCII; what is encoded already stays so."""
    normal = unicodedata.normalize("NFC", part)
    return quote(_LONE_PERCENT.sub("%25", normal), safe=_KEPT, errors="replace")


def _refuse(url: str, host: str) -> str:
    name = host.rstrip(".")
    if _LABEL.fullmatch(name):
        raise FlashbackError(
            tr("“{url}” is not asked for: {host} is not on the public internet.",
               url=shown(url), host=name),
            hint=_COPY_IT,
        )  # fmt: skip
    raise _unsound(url)


def _unsound(url: str) -> FlashbackError:
    what: Sentence = tr("“{url}” is not a sound address.", url=shown(url))
    return FlashbackError(what, hint=_COPY_IT)


def _unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def _ascii_host(host: str, *, literal: bool) -> str:
    """The host in A-labels, or empty; ``literal`` when it stood in brackets."""
    try:
        if literal:
            # A zone ("fe80::1%eth0") is of one machine, and of no address on the web.
            return "" if "%" in host else str(ipaddress.IPv6Address(host))
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except ValueError:
        return ""
    return name if _HOST.fullmatch(name) else ""
