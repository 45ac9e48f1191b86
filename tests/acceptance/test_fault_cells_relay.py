"""Faults of the relay under a running mailing: it refuses, falls silent, is gone, lets nobody in.

Each cell ends with an account that adds up, in which everything that the server took is accepted or
in doubt; and with a resume after which everybody has one copy, was refused with a word, or is named
as in doubt.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.account import hurry, states

from fixtures.cells import DONE, FAILED, LINES, REFUSALS, UNFINISHED, WAY_ON, Cell, hurried
from fixtures.certificates import Certificate, authority
from fixtures.locks import HOST, PASSWORD, USER, LockedRelay
from fixtures.logins import TokenEndpoint, given
from fixtures.stages import Stage

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("code", [550, 451])
@pytest.mark.parametrize("step", ["rcpt", "dot"])
def test_everybody_is_refused(on_sqlite: Stage, step: str, code: int) -> None:
    """The mailing pauses by itself and says why; it goes on only when a person wants it."""
    cell = on_sqlite.cell(manners=["--refuse", f"{step}:1:{code}"])
    why = f"messages were answered alike: {code} {code // 100}.7.1 Refused as told"
    cell.end(cell.send(), UNFINISHED, "Mailing 1 was paused", why, WAY_ON)
    asked = cell.counts()["refused" if code == 550 else "deferred"]
    assert asked <= 20, "a thousand refusals tell no more than a dozen"
    cell.end(cell.start("resume"), UNFINISHED, "is paused", why)
    cell.heal_server()
    hurry(cell.store_url)
    refused = asked if code == 550 else 0
    cell.end(cell.start("resume", "1", "--yes"), REFUSALS if refused else DONE)
    assert cell.counts() == {"accepted": cell.readers - refused} | (
        {"refused": refused} if refused else {}
    )


@pytest.mark.parametrize("code", [550, 451])
def test_our_sender_address_is_refused(on_sqlite: Stage, code: int) -> None:
    """That is no reader's fault: nobody is refused or deferred, and all is still planned."""
    cell = on_sqlite.cell(manners=["--refuse", f"mail:1:{code}"])
    cell.end(cell.send(environment=hurried()), UNFINISHED, "No reader was refused", WAY_ON)
    assert cell.counts() == {"planned": cell.readers}
    cell.heal_server()
    cell.resume()


def test_it_takes_half_and_is_gone(on_each: Stage) -> None:
    """What was past its dot is in doubt; the rest is planned, however often one tries in vain."""
    cell = on_each.cell()
    sender = cell.send(environment=hurried())
    cell.wait_for(20)
    cell.sink.stop(signal.SIGKILL)
    cell.end(sender, UNFINISHED, "cannot be reached: Connection refused", WAY_ON)
    counts = cell.counts()
    assert counts["accepted"] + counts["in_doubt"] + counts["planned"] == cell.readers
    cell.end(cell.start("resume"), UNFINISHED, "cannot be reached", WAY_ON)
    assert cell.counts() == counts
    cell.sink.start()
    cell.resume(doubts=LINES)


def test_it_falls_silent_for_a_moment(on_sqlite: Stage) -> None:
    """Shorter than any deadline: nobody even notices."""
    cell = on_sqlite.cell()
    sender = cell.send()
    cell.wait_for(10)
    _pause(cell, signal.SIGSTOP)
    time.sleep(0.5)
    _pause(cell, signal.SIGCONT)
    cell.end(sender, DONE)
    cell.resume()


def test_it_falls_silent_for_good(on_each: Stage) -> None:
    """Longer than the deadlines: one message a line is in doubt, though it is taken later on."""
    deadlines = dict.fromkeys(("connect_seconds", "command_seconds", "final_dot_seconds"), 8)
    cell = on_each.cell(relay=deadlines)
    sender = cell.send(environment=hurried())
    cell.wait_for(10)
    _pause(cell, signal.SIGSTOP)
    try:
        cell.end(sender, UNFINISHED, "did not answer in time", WAY_ON)
    finally:
        _pause(cell, signal.SIGCONT)
    cell.resume(doubts=LINES)


def _pause(cell: Cell, how: signal.Signals) -> None:
    assert cell.sink.process is not None
    cell.sink.process.send_signal(how)


# Locks -------------------------------------------------------------------------------------------


@pytest.fixture
def trusted(tmp_path: Path) -> Certificate:
    """Who vouches for the relay and the endpoint; its certificate is in ``ca.pem``."""
    found = authority()
    found.write(tmp_path / "ca.pem")
    return found


@pytest.fixture
def relay(trusted: Certificate, tmp_path: Path) -> Iterator[LockedRelay]:
    """A relay that wants TLS and a password."""
    with LockedRelay(trusted, tmp_path) as relay:
        yield relay


def _locked(stage: Stage, server: LockedRelay, **more: object) -> Cell:
    """A cell that brings the right key; each line carries a few messages only."""
    keys = {
        "security": "starttls",
        "username": USER,
        "ca_file": stage.folder / "ca.pem",
        "messages_per_connection": 5,
        "connections": 2,
    }
    return stage.cell(server=server, relay=keys | more, readers=30)


PASSWORDS = {"FLASHBACK_RELAY_PASSWORD": PASSWORD}


def test_the_certificate_has_expired(on_sqlite: Stage, relay: LockedRelay) -> None:
    """Nothing is begun; once it is renewed, the same command sends."""
    cell = _locked(on_sqlite, relay)
    relay.renew_certificate(expired=True)
    cell.end(cell.send(environment=PASSWORDS), FAILED, "has expired", "clock")
    assert not states(cell.store_url)
    relay.renew_certificate(expired=False)
    cell.end(cell.send(environment=PASSWORDS), DONE)


def test_the_certificate_expires_meanwhile(on_sqlite: Stage, relay: LockedRelay) -> None:
    """Lines that are open go on; no new one is opened, and nobody is in doubt."""
    cell = _locked(on_sqlite, relay)
    sender = cell.send(environment=PASSWORDS)
    cell.wait_for(4)
    relay.renew_certificate(expired=True)
    cell.end(sender, UNFINISHED, "has expired", WAY_ON)
    cell.end(cell.start("resume", environment=PASSWORDS), UNFINISHED, "has expired")
    relay.renew_certificate(expired=False)
    cell.resume(environment=PASSWORDS)


def test_the_password_is_changed_meanwhile(on_sqlite: Stage, relay: LockedRelay) -> None:
    """The same with a login that begins to fail."""
    cell = _locked(on_sqlite, relay)
    sender = cell.send(environment=PASSWORDS)
    cell.wait_for(4)
    relay.change_password("another")
    cell.end(sender, UNFINISHED, USER, WAY_ON)
    cell.end(cell.start("resume", environment=PASSWORDS), UNFINISHED, USER)
    cell.resume(environment={"FLASHBACK_RELAY_PASSWORD": "another"})


def test_the_token_endpoint_is_down(on_sqlite: Stage, trusted: Certificate, tmp_path: Path) -> None:
    """Before the mailing nothing is begun; in its middle, what has no token stays planned."""
    trusts = {
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "FLASHBACK_OAUTH_REFRESH_TOKEN": "refresh",
        "FLASHBACK_OAUTH_CLIENT_SECRET": "secret",
    }
    context = LockedRelay(trusted, tmp_path)._context(expired=False)
    with LockedRelay(trusted, tmp_path, tokens=True) as relay:
        # A token that is over at once: each line asks for its own.
        with TokenEndpoint(context, given("t", expires_in=0.01)) as endpoint:
            oauth = {"token_url": endpoint.url, "client_id": "us"}
            cell = _locked(on_sqlite, relay, oauth=oauth)
            sender = cell.send(environment=trusts)
            cell.wait_for(4)
        cell.end(sender, UNFINISHED, HOST, WAY_ON)
        assert cell.counts()["planned"]
        cell.end(cell.start("resume", environment=trusts), UNFINISHED, HOST)
        with TokenEndpoint(context, given("t")) as endpoint:
            file = cell.folder / "flashback.toml"
            file.write_text(file.read_text("utf-8").replace(oauth["token_url"], endpoint.url))
            cell.resume(environment=trusts)
