"""A page from the public web, and nothing from anywhere else: the room's only door outside.

An address may come from anybody, and the machine that asks may see more than they do: its own
services, the house's network, a cloud's metadata. So a name is resolved once, every address must
be public, the connection goes to that very address with the name's certificate verified, and each
redirect is judged anew. Proxies of the environment, cookies and scripts are not used.
"""

import contextlib
import http
import http.client
import ipaddress
import re
import socket
import ssl
import time
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from flashback import __version__
from flashback.clips.public import Address, is_public
from flashback.clips.target import DEFAULT_PORTS, Target, shown
from flashback.clips.values import Page
from flashback.clips.wire import Answer, TooLargeError, asked
from flashback.errors import FlashbackError
from flashback.sentences import Sentence, tr

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({404, 410})
_GZIP: Final = 31  #: zlib: a gzip wrapper, any window
_SAVE_IT: Final = tr(
    "If your browser shows it, save the page there, then: flashback add --html FILE ADDRESS"
)


def resolved(host: str, port: int) -> list[str]:
    """The IP addresses of a host, as the system's resolver has them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """How we go outside. The defaults are for use; what differs is for tests."""

    agent: str
    resolve: Callable[[str, int], Sequence[str]] = resolved
    permits: Callable[[Address], bool] = is_public
    ports: frozenset[int] = frozenset(DEFAULT_PORTS.values())
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context
    octets: int = 3_000_000  #: most of a page, before and after it is unpacked
    seconds: float = 20.0  #: for all of it, redirects included; resolving waits as the system does
    redirects: int = 5


def agent(newsletter: str, list_id: str) -> str:
    """How we call ourselves: the program, its version, and the newsletter it works for."""
    letters = unicodedata.normalize("NFKD", newsletter).encode("ascii", "ignore").decode()
    name = " ".join(re.sub(r"[^ !#$%&'*+.^_`|~0-9A-Za-z-]", " ", letters).split())
    who = "; ".join(filter(None, (name, re.sub(r"[^0-9A-Za-z.-]", "", list_id))))
    return f"flashback/{__version__} ({who})"


def fetch(url: str, web: Web) -> Page:
    """The page at an address. Raises FlashbackError with the reason and a way out."""
    ends = time.monotonic() + web.seconds
    target = Target.of(url)
    for _ in range(web.redirects + 1):
        answer = ask(target, web, ends)
        if answer.status not in REDIRECTS or not answer.location:
            return _page(target, answer, web)
        target = following(target, answer.location)
    raise FlashbackError(
        tr("{url} sends us on more than {count} times.", url=shown(url), count=web.redirects),
        hint=_SAVE_IT,
    )


def following(target: Target, location: str) -> Target:
    """Where a redirect leads. Raises FlashbackError."""
    with contextlib.suppress(UnicodeError):
        # Header fields come as ISO 8859-1, and many servers write UTF-8 in them.
        location = location.encode("latin-1").decode("utf-8")
    try:
        return Target.of(urljoin(target.url, location))
    except ValueError as error:
        raise _unasked(target, tr("it sends us to no sound address")) from error


def ask(target: Target, web: Web, ends: float, *, body: bool = True) -> Answer:
    """One question to the public web; without ``body`` only the head of the answer is read.

    Raises FlashbackError, from what broke it.
    """
    if target.port not in web.ports:
        raise _unasked(target, tr("only the usual ports (80 and 443) are asked"))
    try:
        addresses = [ipaddress.ip_address(text) for text in web.resolve(target.host, target.port)]
    except (OSError, UnicodeError) as error:
        raise FlashbackError(
            tr("There is no site {host}, or this machine is offline.", host=target.host),
            hint=tr("Check the address, and that a browser on this machine opens it."),
        ) from error
    if not addresses or not all(map(web.permits, addresses)):
        raise _unasked(target, tr("{host} is not on the public internet", host=target.host))
    try:
        return asked(
            target,
            addresses,
            agent=web.agent,
            trust=web.trust() if target.scheme == "https" else None,
            ends=ends,
            most=web.octets if body else None,
        )
    except TooLargeError as error:
        raise _too_large(target, web) from error
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        raise FlashbackError(
            tr("The certificate of {host} cannot be trusted: {reason}.", host=target.host,
               reason=reason),
            hint=_SAVE_IT,
        ) from error  # fmt: skip
    except TimeoutError as error:
        raise FlashbackError(
            tr("{host} did not answer within {seconds:g} seconds.", host=target.host,
               seconds=web.seconds),
            hint=tr("Try again later."),
        ) from error  # fmt: skip
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise FlashbackError(
            tr("{host} could not be read: {reason}.", host=target.host, reason=reason),
            hint=tr("Try again later."),
        ) from error


def _page(target: Target, answer: Answer, web: Web) -> Page:
    if answer.status != http.HTTPStatus.OK:
        raise FlashbackError(
            tr("{host} answered {status} for {url}.", host=target.host, status=answer.status,
               url=shown(target.url)),
            hint=tr("The page is gone: check the address.")
            if answer.status in _GONE
            else _SAVE_IT,
        )  # fmt: skip
    if answer.kind not in _HTML:
        raise FlashbackError(
            tr("{url} is no web page but {kind}.", url=shown(target.url),
               kind=shown(answer.kind) or "?"),
            hint=tr("Write the article by hand: docs/issue-format.md"),
        )  # fmt: skip
    octets = _unpacked(target, answer, web)
    return Page(url=target.url, octets=octets, charset=answer.charset)


def _unpacked(target: Target, answer: Answer, web: Web) -> bytes:
    match answer.coding:
        case "" | "identity":
            return answer.octets
        case "gzip" | "x-gzip":
            unpacking = zlib.decompressobj(_GZIP)
            try:
                octets = unpacking.decompress(answer.octets, web.octets + 1)
            except zlib.error as error:
                raise _broken(target) from error
            if len(octets) > web.octets:
                raise _too_large(target, web)
            if not unpacking.eof:
                raise _broken(target)
            return octets
        case _:
            raise _broken(target)


def _unasked(target: Target, reason: Sentence) -> FlashbackError:
    return FlashbackError(
        tr("{url} is not asked for: {reason}.", url=shown(target.url), reason=reason), hint=_SAVE_IT
    )


def _too_large(target: Target, web: Web) -> FlashbackError:
    return FlashbackError(
        tr("{url} is larger than {megabytes:g} MB.", url=shown(target.url),
           megabytes=web.octets / 1_000_000),
        hint=_SAVE_IT,
    )  # fmt: skip


def _broken(target: Target) -> FlashbackError:
    return FlashbackError(
        tr("{url} came in a packing that cannot be opened.", url=shown(target.url)), hint=_SAVE_IT
    )
