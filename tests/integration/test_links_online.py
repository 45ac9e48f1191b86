"""``flashback check --online``: every link asked once, politely, and never our own network."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from flashback import founding
from flashback.clips import Web, probe, probe_all
from flashback.model import Fate, Severity
from flashback.workspace import Workspace, asking, clipping, desk

from fixtures.sites import Site, page, redirect, site

PAGES = {
    "/fine": page(b"<p>here</p>"),
    "/gone": page(b"", status="410 Gone"),
    "/closed": page(b"", status="403 Forbidden"),
    "/down": page(b"", status="503 Service Unavailable"),
    "/moved": page(b"", "Location: /fine", status="301 Moved Permanently"),
    "/sent": redirect("/fine"),
    "/round": redirect("/round"),
    "/cut": b"HTTP/1",
    "/large": page(b"", status="200 OK").replace(b"Length: 0", b"Length: 9999999999"),
}


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    """A site on loopback."""
    with site(PAGES) as there:
        yield there


def web(there: Site, **others: object) -> Web:
    """How tests go outside: every name is this machine, but for one that is nowhere."""

    def resolve(host: str, port: int) -> Sequence[str]:
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host == "inside.example":
            return ["10.0.0.1"]
        return ["127.0.0.1"]

    settings = {
        "agent": "test", "resolve": resolve, "ports": frozenset({there.port}), "seconds": 2.0,
        "permits": lambda address: str(address) != "10.0.0.1",
    } | others  # fmt: skip
    return Web(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "fate"),
    [("/fine", Fate.FINE), ("/gone", Fate.DEAD), ("/missing", Fate.DEAD), ("/closed", Fate.CLOSED),
     ("/down", Fate.CLOSED), ("/moved", Fate.MOVED), ("/sent", Fate.FINE), ("/round", Fate.SILENT),
     ("/cut", Fate.SILENT), ("/large", Fate.FINE)],
)  # fmt: skip
def test_every_answer_has_its_meaning(here: Site, path: str, fate: Fate) -> None:
    """Status, redirects and broken answers; the body of a page is not even read."""
    found = probe(f"http://press.example:{here.port}{path}", web(here))
    assert found.fate is fate
    if fate is Fate.MOVED:
        assert found.url.endswith("/fine")


def test_no_site_is_dead_and_our_network_is_not_asked(here: Site) -> None:
    """A name that does not exist is dead; one that leads inside is never asked."""
    before = len(here.requests)
    assert probe(f"http://nowhere.example:{here.port}/", web(here)).fate is Fate.DEAD
    assert probe(f"http://inside.example:{here.port}/", web(here)).fate is Fate.UNASKED
    assert probe("http://press.example:22/", web(here)).fate is Fate.UNASKED
    assert probe("ftp://press.example/", web(here)).fate is Fate.UNASKED
    assert len(here.requests) == before


def test_a_certificate_that_browsers_refuse_is_told(certificate: tuple[Path, Path]) -> None:
    """A certificate that nobody vouches for, on a real TLS line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with site(PAGES, tls=context) as there:
        found = probe(f"https://press.example:{there.port}/fine", web(there))
    assert found.fate is Fate.UNTRUSTED


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of our own making, and its key."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=press.example", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


def test_a_server_that_says_nothing_costs_its_time_and_no_more(here: Site) -> None:
    """Silence ends with the time that was given."""
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        port = dumb.getsockname()[1]
        began = time.monotonic()
        found = probe(
            f"http://press.example:{port}/", web(here, ports=frozenset({port}), seconds=0.5)
        )
    assert found.fate is Fate.SILENT
    assert time.monotonic() - began < 3


def test_sites_are_asked_beside_each_other_and_pages_of_one_in_turn() -> None:
    """Eight slow sites take the time of one; one site never has two questions at once."""
    now, most = [0], [0]

    def slowly(send: object) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.3)
        now[0] -= 1
        assert callable(send)
        send(page(b""))

    with site({"/": slowly, "/b": slowly}) as there:
        urls = [f"http://s{n}.example:{there.port}/" for n in range(8)]
        began = time.monotonic()
        found = probe_all([*urls, *urls], web(there))
        assert time.monotonic() - began < 2
        assert len(there.requests) == 8
        assert list(found) == urls
        assert most[0] > 1
        most[0] = 0
        probe_all(
            [f"http://s.example:{there.port}/", f"http://s.example:{there.port}/b"], web(there)
        )
        assert most[0] == 1


@pytest.fixture
def workspace(tmp_path: Path, here: Site) -> Path:
    """An issue with good and bad links."""
    text = founding.settings(name="Revue", sender="revue@example.org", language="fr")
    founding.found(tmp_path, text)
    at = f"http://press.example:{here.port}"
    (tmp_path / "issues" / "9").mkdir(parents=True)
    (tmp_path / "issues" / "9" / "fr.md").write_text(
        "---\ntitre: Revue\nnuméro: 9\ndate: 2011-09-02\nlangue: fr\nobjet: Un objet\n---\n\n"
        f"# S\n\n## A\n\n> « Un [lien]({at}/fine). »\n\n[Lire]({at}/gone)\n\n"
        f"Lire aussi : [B]({at}/moved), [C]({at}/closed)\n\n## D\n\n> « d »\n\n[Lire]({at}/gone)\n",
        encoding="utf-8",
    )
    return tmp_path


def test_findings_name_the_line(
    workspace: Path, here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead link is an error at its line, once; what moved names its new address."""
    monkeypatch.setattr(clipping, "web", lambda _workspace: web(here))
    at = Workspace.at(workspace)
    readings = desk.read(at, workspace / "issues" / "9")
    issues = [reading.issue for reading in readings if reading.issue]
    told: list[tuple[int, int]] = []
    found = list(asking.look(at, issues, tell=lambda done, of: told.append((done, of))))
    assert [(f.code, f.severity) for f in found] == [
        ("link-dead", Severity.ERROR),
        ("link-moved", Severity.HINT),
        ("link-closed", Severity.HINT),
    ]  # fmt: skip
    lines = (workspace / "issues" / "9" / "fr.md").read_text(encoding="utf-8").split("\n")
    assert "/gone" in lines[found[0].line - 1]
    assert "/fine" in str(found[1].remedy)
    assert told[-1] == (4, 4)


def test_the_program_asks_only_when_it_is_told(workspace: Path) -> None:
    """Without --online nobody is asked; with it, links into our own network are not, and told."""
    command = [sys.executable, "-m", "flashback", "-C", str(workspace), "check", "9", "--json"]
    for words, codes in (([], set()), (["--online"], {"link-silent", "link-dead"})):
        done = subprocess.run(
            [*command, *words], check=False, capture_output=True, text=True, timeout=90,
            env=os.environ,
        )  # fmt: skip
        found = {json.loads(line)["code"] for line in done.stdout.splitlines()}
        assert bool(words) == bool(found & codes)
        assert words or not found & {"link-silent", "link-dead", "link-closed", "link-moved"}
