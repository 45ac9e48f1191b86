"""Whether links lead somewhere: each server is asked for the page, and only its first words heard.

Politely: under our own name, one question at a time to a site, and none twice. The same door as for
articles, so that no link of an issue can make this machine ask its own network.
"""

import http
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final

from flashback.clips.fetching import REDIRECTS, Web, ask, following
from flashback.clips.target import Target
from flashback.errors import FlashbackError
from flashback.model import Fate, Probe
from flashback.sentences import Sentence, tr

_LINES: Final = 8
_PAUSE: Final = 0.2  #: seconds between two questions to one site
_FOR_GOOD: Final = frozenset({301, 308})
_GONE: Final = frozenset({404, 410})

Told = Callable[[int, int], None]
"""How far it is: links asked, and of how many."""


def probe_all(
    urls: Iterable[str], web: Web, *, tell: Told = lambda _done, _of: None
) -> Mapping[str, Probe]:
    """Ask for each of these addresses once, several sites at a time."""
    asked = list(dict.fromkeys(urls))
    turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
    for url in asked:
        _ = turns[_host(url)]

    def in_turn(url: str) -> Probe:
        with turns[_host(url)]:
            found = probe(url, web)
            time.sleep(_PAUSE)
            return found

    found: dict[str, Probe] = {}
    with ThreadPoolExecutor(_LINES) as pool:
        waiting = {pool.submit(in_turn, url): url for url in asked}
        for done, future in enumerate(as_completed(waiting), start=1):
            found[waiting[future]] = future.result()
            tell(done, len(asked))
    return {url: found[url] for url in asked}


def probe(url: str, web: Web) -> Probe:
    """What becomes of one link. Never raises for what a server does."""
    began = time.monotonic()

    def of(fate: Fate, status: int = 0, at: str = "", reason: Sentence | None = None) -> Probe:
        return Probe(
            fate=fate, status=status, url=at or url, seconds=time.monotonic() - began,
            **({} if reason is None else {"reason": reason}),
        )  # fmt: skip

    ends = began + web.seconds
    for_good = True
    try:
        target = first = Target.of(url)
        for _ in range(web.redirects + 1):
            answer = ask(target, web, ends, body=False)
            if answer.status not in REDIRECTS or not answer.location:
                moved = for_good and target.url != first.url
                return of(_fate(answer.status, moved=moved), answer.status, target.url)
            for_good = for_good and answer.status in _FOR_GOOD
            target = following(target, answer.location)
        return of(Fate.SILENT, reason=tr("It sends us round in circles."))
    except FlashbackError as error:
        return of(_fate_of(error.__cause__), reason=error.sentence)


def _host(url: str) -> str:
    try:
        return Target.of(url).host
    except FlashbackError:
        return ""


def _fate(status: int, *, moved: bool) -> Fate:
    if status in _GONE:
        return Fate.DEAD
    if status >= http.HTTPStatus.BAD_REQUEST:
        return Fate.CLOSED
    return Fate.MOVED if moved else Fate.FINE


def _fate_of(cause: BaseException | None) -> Fate:
    """What a question that got no answer means, by what broke it."""
    match cause:
        case None:
            return Fate.UNASKED
        case ssl.SSLCertVerificationError():
            return Fate.UNTRUSTED
        case socket.gaierror(errno=socket.EAI_NONAME | socket.EAI_NODATA):
            return Fate.DEAD
        case _:
            return Fate.SILENT
