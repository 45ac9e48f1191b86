"""The one-click contract (RFC 8058), over real HTTP, on a real store."""

import datetime as dt
import http.client
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from flashback.config import Config, LinksConfig, NewsletterConfig
from flashback.errors import ConfigError, FlashbackError
from flashback.model import ConsentKind, DeliveryState, SubscriberStatus
from flashback.store import SqlLedger, Store, Subscribers, open_store
from flashback.tokens import SigningKey, unsubscribe_token
from flashback.web import Server, application, listen

from fixtures.stores import AGREED, NOW, address, mark_of, plan

KEY = SigningKey(b"a key of more than sixteen octets")
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)


class At:
    """A clock that stands still."""

    def now(self) -> dt.datetime:
        return NOW


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str


@dataclass
class Site:
    """A store with two readers, and the pages before it."""

    folder: Path
    store: Store
    server: Server

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        **headers: str,
    ) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=20)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            line.request(method, path, body, names)
            got = line.getresponse()
            return Answer(got.status, got.headers, got.read().decode())
        finally:
            line.close()

    def token(self, name: str = "nadia") -> str:
        number = Subscribers(self.store).get(f"{name}@example.org").id
        return unsubscribe_token(KEY, subscriber_id=number)

    def path(self, name: str = "nadia") -> str:
        return f"/unsubscribe/{self.token(name)}"

    def status(self, name: str = "nadia") -> SubscriberStatus:
        return Subscribers(self.store).get(f"{name}@example.org").status


def config(link: str = "https://news.example.org/unsubscribe/{token}") -> Config:
    letter = NewsletterConfig(name="Flash-back", sender="f@example.org", list_id="f.example.org")
    return Config(newsletter=letter, links=LinksConfig(unsubscribe=link))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = open_store("sqlite:///store.db", folder=tmp_path, mark_of=mark_of)
    book = Subscribers(store)
    for name, language in (("nadia", "ar"), ("jean", "fr")):
        book.add(
            address(f"{name}@example.org"),
            now=NOW,
            language=language,
            status=SubscriberStatus.CONFIRMED,
            consent=AGREED,
        )
    answers = application(config(), book=book, key=KEY, clock=At())
    server = listen(answers, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Site(tmp_path, store, server)
    server.shutdown()
    thread.join()
    assert server.end()
    store.close()


# POST ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ONE_CLICK, {"Content_Type": FORM}),
        (MULTIPART, {"Content_Type": "multipart/form-data; boundary=x"}),
        (b"", {"Content_Type": FORM}),
        (None, {}),
        (iter([b"List-Unsubscribe=", b"One-Click"]), {"Content_Type": FORM}),
        (b"anything else", {"Content_Type": "text/plain"}),
        (ONE_CLICK, {"Origin": "https://elsewhere.example", "User_Agent": ""}),
        (ONE_CLICK, {"Cookie": "a=b", "Referer": "https://elsewhere.example/"}),
    ],
    ids=["form", "multipart", "empty", "none", "chunked", "plain", "foreign", "cookie"],
)
def test_a_post_lets_the_reader_go_at_once(
    site: Site, body: bytes | Iterator[bytes] | None, headers: dict[str, str]
) -> None:
    """200 whatever the body and whoever asks: no redirect, no cookie, and durable by then."""
    answer = site.ask("POST", site.path(), body, **headers)
    assert answer.status == 200
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert site.status() is SubscriberStatus.UNSUBSCRIBED
    assert site.status("jean") is SubscriberStatus.CONFIRMED
    book = Subscribers(site.store)
    last = book.history(book.get("nadia@example.org").id).consents[-1]
    assert (last.kind, last.source, last.at) == (ConsentKind.WITHDRAWN, "link", NOW)


def test_the_answer_speaks_the_readers_language(site: Site) -> None:
    """Nadia reads Arabic, from right to left; Jean reads French."""
    arabic, french = (site.ask("POST", site.path(name)) for name in ("nadia", "jean"))
    assert arabic.headers["Content-Language"] == "ar"
    assert '<html lang="ar" dir="rtl">' in arabic.body
    assert "تمّ إلغاء اشتراككم" in arabic.body
    assert "C’est fait." in french.body


def test_leaving_twenty_times_at_once_is_leaving_once(site: Site) -> None:
    """Many requests for one reader give one withdrawal, and the same answer."""
    path = site.path()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: site.ask("POST", path, ONE_CLICK), range(20)))
    assert {a.status for a in answers} == {200}
    assert len({a.body for a in answers}) == 1
    book = Subscribers(site.store)
    consents = book.history(book.get("nadia@example.org").id).consents
    assert [c.kind for c in consents] == [ConsentKind.GRANTED, ConsentKind.WITHDRAWN]


def test_unknown_forged_and_erased_are_answered_alike(site: Site) -> None:
    """To the letter the same page, so that nobody learns who was on the list."""
    erased = site.path()
    book = Subscribers(site.store)
    book.remove(book.get("nadia@example.org").id, now=NOW)
    forged = unsubscribe_token(SigningKey(b"somebody else's key, as long"), subscriber_id=1)
    never = unsubscribe_token(KEY, subscriber_id=4_711)
    paths = [erased, f"/unsubscribe/{forged}", f"/unsubscribe/{never}", "/unsubscribe/x%0D%0Ay"]
    for method in ("GET", "POST"):
        answers = [site.ask(method, path) for path in paths]
        assert {a.status for a in answers} == {200}
        assert len({a.body for a in answers}) == 1
        assert "<form" not in answers[0].body


def test_who_leaves_while_a_mailing_runs_gets_nothing_claimed_later(site: Site) -> None:
    """The very next claim skips the reader, and the account adds up."""
    ledger = SqlLedger(site.store, site.folder / "journals")
    mailing = ledger.open(plan(), NOW)
    first = ledger.claim(mailing.id, owner="s", limit=1, now=NOW)
    assert [c.address.mailbox for c in first] == ["nadia@example.org"]
    assert site.ask("POST", site.path("jean"), ONE_CLICK).status == 200
    assert not ledger.claim(mailing.id, owner="s", limit=10, now=NOW)
    account = ledger.account(mailing.id)
    assert (account[DeliveryState.SKIPPED], account[DeliveryState.CLAIMED]) == (1, 1)
    assert account.audience == 2


# GET and the harmless ones ------------------------------------------------------------------------


def test_get_shows_one_button_and_changes_nothing(site: Site) -> None:
    """A program that follows every link in a mail takes nobody off the list."""
    answer = site.ask("GET", f"{site.path()}?utm_source=mail")
    assert answer.status == 200
    assert answer.body.count("<button") == 1
    assert answer.body.count('<form method="post">') == 1
    assert site.status() is SubscriberStatus.CONFIRMED


def test_get_after_leaving_says_that_it_is_done(site: Site) -> None:
    """Who comes back to look is not asked again."""
    done = site.ask("POST", site.path())
    again = site.ask("GET", site.path())
    assert again.body == done.body
    assert "<button" not in again.body


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_are_harmless(site: Site, method: str) -> None:
    """They answer without a page and without a change."""
    answer = site.ask(method, site.path())
    assert (answer.status, answer.body) == (200, "")
    assert site.status() is SubscriberStatus.CONFIRMED
    if method == "HEAD":
        assert answer.headers["Content-Length"] == str(
            len(site.ask("GET", site.path()).body.encode())
        )
    else:
        assert answer.headers["Allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "\x1b[31m"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    """405 names what is allowed, and the log never repeats a stranger's words."""
    with socket.create_connection(("127.0.0.1", site.server.server_port)) as line:
        line.sendall(f"{method} {site.path()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = line.makefile("rb").read().decode()
    assert " 405 " in head.splitlines()[0]
    assert "Allow: GET, HEAD, POST, OPTIONS" in head
    assert site.status() is SubscriberStatus.CONFIRMED


@pytest.mark.parametrize("path", ["/", "/unsubscribe", "/unsubscribe/", "/unsubscribe/a/b", "/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_everything_else_is_not_there(site: Site, method: str, path: str) -> None:
    """404, with a page that a person can read."""
    answer = site.ask(method, path, Accept_Language="en-GB,en")
    assert answer.status == 404
    assert "There is nothing here." in answer.body


# Limits and failures ------------------------------------------------------------------------------


def test_a_large_body_is_refused_and_the_answer_arrives(site: Site) -> None:
    """64 KiB is taken, one octet more is not, and the sender hears it."""
    assert site.ask("POST", site.path("jean"), b"x" * 65_536).status == 200
    assert site.ask("POST", site.path(), b"x" * 65_537).status == 413
    assert site.status() is SubscriberStatus.CONFIRMED


@pytest.mark.parametrize(
    ("length", "status"), [("-1", 400), ("ten", 400), ("²", 400), ("9" * 5_000, 413)]
)
def test_a_strange_length_is_refused(site: Site, length: str, status: int) -> None:
    """No number in a header brings the server down, or lets anybody go."""
    with socket.create_connection(("127.0.0.1", site.server.server_port)) as line:
        head = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        line.sendall(head.encode("latin-1"))
        assert f" {status} ".encode() in line.makefile("rb").readline()
    assert site.status() is SubscriberStatus.CONFIRMED


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", b" 414 "),
        (b"nonsense\r\n\r\n", b"400 "),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b" 431 "),
    ],
    ids=["long", "nonsense", "many"],
)
def test_what_is_no_request_is_told_so(site: Site, octets: bytes, status: bytes) -> None:
    """In plain words, and the server lives on."""
    with socket.create_connection(("127.0.0.1", site.server.server_port)) as line:
        line.sendall(octets)
        assert status in line.makefile("rb").read()
    assert site.ask("GET", site.path()).status == 200


def test_a_silent_client_holds_nobody_up(site: Site) -> None:
    """While one says nothing, another leaves."""
    with socket.create_connection(("127.0.0.1", site.server.server_port)) as silent:
        silent.sendall(b"POST /unsubscribe/")
        assert site.ask("POST", site.path()).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_store_that_fails_is_admitted(
    site: Site, method: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """503 and when to come back, in a plain sentence; staff read the reason in the log."""
    path = site.path()
    with sqlite3.connect(site.folder / "store.db") as other:
        other.execute("ALTER TABLE subscribers RENAME TO lost")
    other.close()
    answer = site.ask(method, path, ONE_CLICK if method == "POST" else None)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "120"
    assert "Réessayez dans quelques minutes" in answer.body
    assert "subscribers" not in answer.body
    log = capfd.readouterr().err
    assert "no such table: subscribers" in log
    assert "Traceback" not in log
    assert len(log.splitlines()) == 1


# What every answer has in common ------------------------------------------------------------------


def test_every_answer_is_locked_up(site: Site) -> None:
    """Nothing is loaded, framed, kept, indexed, or told to other sites; no versions are named."""
    answers = [
        site.ask("GET", site.path()),
        site.ask("GET", "/unsubscribe/unknown"),
        site.ask("GET", "/elsewhere"),
        site.ask("PUT", site.path()),
        site.ask("OPTIONS", site.path()),
        site.ask("POST", site.path()),
    ]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        for part in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "flashback"
        assert "Set-Cookie" not in answer.headers


def test_no_page_gives_the_address_away(site: Site) -> None:
    """A scanner that reads the page learns no address; the reader knows which one it is."""
    pages = site.ask("GET", site.path()).body + site.ask("POST", site.path()).body
    assert "nadia@" not in pages
    assert pages.count("n***@example.org") == 2


def test_the_log_has_one_line_a_request_and_no_token(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the log can let nobody go."""
    token = site.token()
    site.ask("GET", f"/unsubscribe/{token}")
    site.ask("POST", f"/unsubscribe/{token}")
    site.ask("GET", f"/elsewhere/{token}")
    log = capfd.readouterr().err
    assert [line.split()[1:] for line in log.splitlines()] == [
        ["GET", "unsubscribe", "200"],
        ["POST", "unsubscribe", "200"],
        ["GET", "elsewhere", "404"],
    ]
    assert re.match(r"2011-09-02T09:00:00\+00:00 ", log)
    assert token not in log


# Where it is served -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("https://example.org/l/{token}", "/l/T"),
        ("https://example.org/out/{token}/now?x=1", "/out/T/now"),
        ("https://example.org/d%C3%A9part/{token}", "/d%C3%A9part/T"),
        ("http://localhost:8025/{token}", "/T"),
    ],
)
def test_the_path_is_that_of_the_link(site: Site, link: str, path: str) -> None:
    """What stands in mail already sent is what is answered."""
    answers = application(config(link), book=Subscribers(site.store), key=KEY, clock=At())
    server = listen(answers, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    elsewhere = Site(site.folder, site.store, server)
    assert elsewhere.ask("POST", path.replace("T", site.token())).status == 200
    assert elsewhere.ask("POST", f"/unsubscribe/{site.token()}").status == 404
    server.shutdown()
    thread.join()
    assert server.end()
    assert site.status() is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "link", ["https://example.org/?t={token}", "https://example.org/{token}/{token}"]
)
def test_a_link_that_cannot_be_served_is_refused_at_once(site: Site, link: str) -> None:
    """Not at the first reader who clicks."""
    with pytest.raises(ConfigError, match=r"links\.unsubscribe"):
        application(config(link), book=Subscribers(site.store), key=KEY, clock=At())


def test_a_taken_port_is_named(site: Site) -> None:
    """Who starts it twice is told so."""
    answers = application(config(), book=Subscribers(site.store), key=KEY, clock=At())
    with pytest.raises(FlashbackError, match=f"port {site.server.server_port}"):
        listen(answers, host="127.0.0.1", port=site.server.server_port)
