"""The door to the web, against real servers: what comes in, and what is never asked."""

import gzip
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flashback.clips import Web, fetch
from flashback.clips.fetching import agent, resolved
from flashback.clips.public import Address
from flashback.errors import FlashbackError

from fixtures.certificates import Certificate, authority, certificate
from fixtures.sites import Script, Send, Site, page, redirect, site

HELLO = b"<title>Hello</title>"
HOST = "news.example"


def is_here(address: Address) -> bool:
    """What tests permit instead of the public internet."""
    return address == ipaddress.ip_address("127.0.0.1")


def web(*ports: int, hosts: tuple[str, ...] = (HOST,), seconds: float = 5) -> Web:
    """A web whose hosts all lie here, at these ports."""

    def resolve(host: str, _port: int) -> list[str]:
        if host not in hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ["127.0.0.1"]

    return Web(
        agent=agent("Flash-back", "flash-back.example.org"),
        resolve=resolve,
        permits=is_here,
        ports=frozenset(ports),
        seconds=seconds,
    )


def refusal(answer: Script, **limits: float) -> str:
    """What is said when a site answers like this."""
    with site({"/": answer}) as here:
        outside = web(here.port)
        if "octets" in limits:
            outside = replace(outside, octets=int(limits["octets"]))
        if "seconds" in limits:
            outside = replace(outside, seconds=limits["seconds"])
        with pytest.raises(FlashbackError) as caught:
            fetch(f"http://{HOST}:{here.port}/", outside)
    assert str(caught.value.hint)
    return str(caught.value.sentence)


def test_a_page_comes_with_its_address_and_character_set() -> None:
    """The octets arrive as they are, and the site hears who asks, under its own name."""
    answer = page(HELLO, kind='text/html; Charset="ISO-8859-1"')
    with site({"/a%C3%A9?q=1": answer}) as here:
        got = fetch(f"http://NEWS.example.:{here.port}/aé?q=1#top", web(here.port))
    assert (got.octets, got.charset) == (HELLO, "ISO-8859-1")
    assert got.url == f"http://{HOST}:{here.port}/a%C3%A9?q=1#top"
    head = here.requests[0].split("\r\n")
    assert head[0] == "GET /a%C3%A9?q=1 HTTP/1.1"
    assert f"Host: {HOST}:{here.port}" in head
    said = next(line for line in head if line.startswith("User-Agent: "))
    assert said.startswith("User-Agent: flashback/")
    assert said.endswith(" (Flash-back; flash-back.example.org)")


@pytest.mark.parametrize(
    ("name", "list_id", "expected"),
    [
        ("Révue (du) Sud\r\nX: y", "r.example", "(Revue du Sud X y; r.example)"),
        ("فلاش باك", "flash.example", "(flash.example)"),
    ],
)
def test_any_name_makes_a_sound_field(name: str, list_id: str, expected: str) -> None:
    """A newsletter's name cannot add a line to what we ask, nor letters that HTTP has not."""
    assert agent(name, list_id).partition(" ")[2] == expected


def chunked(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (HELLO[:5], HELLO[5:], b""):
        send(b"%x\r\n%b\r\n" % (len(piece), piece))


@pytest.mark.parametrize(
    "answer",
    [
        page(gzip.compress(HELLO), "Content-Encoding: gzip"),
        page(gzip.compress(HELLO) + b"junk", "Content-Encoding: X-GZIP"),
        page(HELLO, "Content-Encoding: identity"),
        b"HTTP/1.0 200 OK\r\nContent-Type: application/xhtml+xml\r\n\r\n" + HELLO,
        chunked,
    ],
    ids=["gzip", "gzip and junk", "identity", "until the end", "chunked"],
)
def test_packings_are_opened(answer: Script) -> None:
    """However a page is packed, the same page comes out."""
    with site({"/": answer}) as here:
        assert fetch(f"http://{HOST}:{here.port}", web(here.port)).octets == HELLO


def test_redirects_are_followed_and_the_last_address_told() -> None:
    """A short link leads to its page: relative, UTF-8 in the field, another host."""
    with site({}) as here:
        here.pages |= {
            "/s": redirect("/a"),
            "/a": redirect(f"//other.example:{here.port}/caf\u00e9"),
            "/caf%C3%A9": page(HELLO),
        }
        hosts = (HOST, "other.example")
        got = fetch(f"http://{HOST}:{here.port}/s", web(here.port, hosts=hosts))
    assert got.url == f"http://other.example:{here.port}/caf%C3%A9"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "is not on the public internet"),
        ("http://inside.example/", "is not on the public internet"),
        ("file:///etc/passwd", "is not the address of a web page"),
        ("http://user@news.example/", "has a name before its host"),
        ("http://news.example:22/", r"only the usual ports \(80 and 443\) are asked"),
        ("http://[::1", "it sends us to no sound address"),
        ("/\u0000", "is not a sound address"),
    ],
)
def test_every_redirect_is_judged_anew(location: str, reason: str) -> None:
    """A site cannot send us where we would not have gone by ourselves."""

    def resolve(host: str, _port: int) -> list[str]:
        return {"inside.example": ["10.0.0.7"], HOST: ["127.0.0.1"]}.get(host, [host])

    with site({"/": redirect(location)}) as here:
        outside = replace(web(here.port, 80), resolve=resolve)
        with pytest.raises(FlashbackError, match=reason):
            fetch(f"http://{HOST}:{here.port}/", outside)
    assert len(here.requests) == 1


def test_a_circle_ends() -> None:
    """Six redirects are one too many."""
    with site({"/": redirect("/")}) as here:
        with pytest.raises(FlashbackError, match="sends us on more than 5 times"):
            fetch(f"http://{HOST}:{here.port}/", web(here.port))
        assert len(here.requests) == 6


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f.1", "2130706433.", "[::1]", "[::ffff:127.0.0.1]",
     "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0", "localhost.localdomain"],
)  # fmt: skip
def test_this_machine_is_never_asked(host: str) -> None:
    """As it is used, the door is closed to loopback in all its forms: no connection is made."""
    with site({"/": page(HELLO)}) as here:
        outside = Web(agent="flashback", ports=frozenset({here.port}))
        with pytest.raises(FlashbackError):
            fetch(f"http://{host}:{here.port}/", outside)
    assert here.requests == []


def test_one_private_address_among_public_ones_is_enough() -> None:
    """A name that leads inside as well as outside is not asked at all."""
    outside = Web(agent="flashback", resolve=lambda *_: ["93.184.216.34", "192.168.1.1"])
    with pytest.raises(FlashbackError, match=r"news\.example is not on the public internet"):
        fetch("https://news.example/", outside)


def test_a_name_without_addresses_is_not_asked() -> None:
    """A resolver that answers nothing permits nothing."""
    with pytest.raises(FlashbackError, match="is not on the public internet"):
        fetch("https://news.example/", Web(agent="flashback", resolve=lambda *_: []))


def test_a_name_is_resolved_once() -> None:
    """A resolver that changes its mind after the judgement changes nothing (DNS rebinding)."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) == 1 else "10.0.0.7"]

    with site({"/": page(HELLO)}) as here:
        outside = replace(web(here.port), resolve=resolve)
        assert fetch(f"http://{HOST}:{here.port}/", outside).octets == HELLO
    assert asked == [HOST]


def test_the_next_address_is_tried() -> None:
    """Where one of a site's machines is down, another one answers."""
    with site({"/": page(HELLO)}) as here:
        outside = replace(
            web(here.port), resolve=lambda *_: ["127.0.0.2", "127.0.0.1"], permits=lambda _: True
        )
        assert fetch(f"http://{HOST}:{here.port}/", outside).octets == HELLO


def test_the_system_resolver_is_asked_by_default() -> None:
    """Names and numbers in old spellings come out as addresses that can be judged."""
    assert resolved("127.1", 80) == ["127.0.0.1"]


def cut_short(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900\r\n\r\n" + HELLO)


def endless(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    for _ in range(1_000):
        send(b"x" * 10_000)


def dripping(send: Send) -> None:
    for octet in b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Long: " + b"x" * 1_000:
        send(bytes([octet]))
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(b"", status="403 Forbidden"), "answered 403"),
        (page(b"", status="404 Not Found"), "answered 404"),
        (page(b"%PDF", kind="application/pdf"), "is no web page but application/pdf."),
        (b"HTTP/1.1 200 OK\r\n\r\n" + HELLO, "is no web page but ?."),
        (page(b"", status="302 Found"), "answered 302"),
        (page(b"x", "Content-Encoding: br"), "came in a packing that cannot be opened."),
        (page(b"x" * 40, "Content-Encoding: gzip"), "came in a packing that cannot be opened."),
        (page(gzip.compress(HELLO)[:-9], "Content-Encoding: gzip"), "cannot be opened."),
        (cut_short, "could not be read: IncompleteRead."),
        (b"220 smtp.example ESMTP\r\n", "could not be read: BadStatusLine."),
        (b"", "could not be read: RemoteDisconnected."),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "could not be read: HTTPException."),
    ],
)
def test_what_is_no_page_is_explained(answer: Script, said: str) -> None:
    """Whatever a server answers, staff read what was wrong and what to do."""
    assert said in refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        page(b"x" * 50_001),
        endless,
        page(gzip.compress(b"x" * 50_000_000), "Content-Encoding: gzip"),
    ],
    ids=["announced", "endless", "bomb"],
)
def test_nothing_larger_than_the_limit_is_taken(answer: Script) -> None:
    """Neither what comes nor what it unpacks to grows beyond the limit."""
    assert refusal(answer, octets=50_000).endswith("/ is larger than 0.05 MB.")


def test_the_limit_itself_is_taken() -> None:
    """A page just as large as allowed is not too large, packed or not."""
    body = b"x" * 50_000
    pages = {"/": page(body), "/z": page(gzip.compress(body), "Content-Encoding: gzip")}
    with site(pages) as here:
        outside = replace(web(here.port), octets=50_000)
        assert fetch(f"http://{HOST}:{here.port}/", outside).octets == body
        assert fetch(f"http://{HOST}:{here.port}/z", outside).octets == body


@pytest.mark.parametrize("answer", [dripping, lambda _send: time.sleep(1)], ids=["drips", "silent"])
def test_time_is_counted_for_all_of_it(answer: Callable[[Send], None]) -> None:
    """A server that sends an octet now and then cannot hold us."""
    begun = time.monotonic()
    assert refusal(answer, seconds=0.4).endswith("did not answer within 0.4 seconds.")
    assert time.monotonic() - begun < 3


def test_no_time_left_asks_nothing() -> None:
    """Where redirects have used up the time, no further server is asked."""
    with site({"/": page(HELLO)}) as here:
        with pytest.raises(FlashbackError, match="did not answer"):
            fetch(f"http://{HOST}:{here.port}/", web(here.port, seconds=0))
        assert here.requests == []


def test_a_dead_name_and_a_closed_port_are_explained() -> None:
    """A slip in the address is not a mystery."""
    with pytest.raises(FlashbackError, match=r"There is no site typo\.example"):
        fetch("https://typo.example/", web(443))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(FlashbackError, match="could not be read: Connection refused"):
        fetch(f"http://{HOST}:{port}/", web(port))


@pytest.fixture(scope="module")
def issuer() -> Certificate:
    """Whom the tests trust."""
    return authority()


def secure(issuer: Certificate, folder: Path, here: Site) -> Web:
    file = issuer.write(folder / "authority.pem")
    return replace(web(here.port), trust=lambda: ssl.create_default_context(cafile=file))


def test_https_says_the_name_and_verifies_it(issuer: Certificate, tmp_path: Path) -> None:
    """The connection goes to the judged address, the certificate is that of the name."""
    context = certificate(HOST, by=issuer).server_context(tmp_path)
    with site({"/": page(HELLO)}, tls=context) as here:
        got = fetch(f"https://{HOST}:{here.port}/", secure(issuer, tmp_path, here))
    assert got.octets == HELLO
    assert here.names == [HOST]


@pytest.mark.parametrize(
    ("name", "trusted", "expired"),
    [("other.example", True, False), (HOST, False, False), (HOST, True, True)],
)
def test_a_bad_certificate_ends_it(
    issuer: Certificate,
    tmp_path: Path,
    name: str,
    *,
    trusted: bool,
    expired: bool,
) -> None:
    """Another's name, a stranger's signature, an old date: nothing is asked for."""
    shown = certificate(name, by=issuer if trusted else None, expired=expired)
    with site({"/": page(HELLO)}, tls=shown.server_context(tmp_path)) as here:
        with pytest.raises(FlashbackError, match=f"The certificate of {HOST} cannot be trusted"):
            fetch(f"https://{HOST}:{here.port}/", secure(issuer, tmp_path, here))
        assert here.requests == []
