"""Faults of the machine under a running mailing: its clock, its names, its sleep, its limits.

Each cell ends with an account that adds up, in which everything that the server took is accepted or
in doubt; and with a resume after which everybody has one copy, but for doubts that are named.
"""

import signal
from pathlib import Path

import pytest

from chaos.account import states

from fixtures.cells import DONE, FAILED, LINES, REFUSALS, UNFINISHED, WAY_ON, hurried
from fixtures.confined import Names, few_files
from fixtures.stages import Stage

pytestmark = pytest.mark.slow

HOUR, DAY = 3600, 86_400
#: Longer than the lease of 15 minutes.
NAP = 20 * 60


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """By how many seconds the clock is wrong."""
    file = tmp_path / "clock"
    file.write_text("0", encoding="ascii")
    return file


def test_the_clock_is_set_back_meanwhile(on_each: Stage, clock: Path) -> None:
    """An hour back: the mailing goes on as if nothing had been."""
    cell = on_each.cell()
    sender = cell.send(clock=clock)
    cell.wait_for(10)
    clock.write_text(str(-HOUR), encoding="ascii")
    cell.end(sender, DONE)
    cell.resume(clock=clock)


def test_the_clock_jumps_ahead_meanwhile(on_each: Stage, clock: Path) -> None:
    """A day ahead: whether the sender goes on or ends, it blames no other sender; there is none."""
    cell = on_each.cell()
    sender = cell.send(clock=clock)
    cell.wait_for(10)
    clock.write_text(str(DAY), encoding="ascii")
    ended = cell.end(sender, None)
    assert ended.code in {DONE, UNFINISHED}
    assert "another sender" not in ended.err
    assert (WAY_ON in ended.out) is (ended.code == UNFINISHED)
    cell.resume(clock=clock)


@pytest.mark.parametrize("seconds", [-HOUR, DAY])
def test_the_clock_is_set_between_crash_and_resume(
    on_each: Stage, clock: Path, seconds: int
) -> None:
    """That a sender is dead is seen without a clock, and its journal holds at any hour."""
    cell = on_each.cell()
    sender = cell.send()
    cell.wait_for(10)
    cell.kill(sender)
    clock.write_text(str(seconds), encoding="ascii")
    ended = cell.resume(clock=clock, doubts=LINES)
    assert "A sender had stopped" in ended.out


def test_the_clock_is_set_back_with_copies_deferred(on_sqlite: Stage, clock: Path) -> None:
    """They are not tried before their hour, and staff are told which; then they leave."""
    cell = on_sqlite.cell(manners=["--refuse", "rcpt:6:451"], sending={"first_retry_minutes": 30})
    cell.end(cell.send(clock=clock), UNFINISHED, "not now")
    deferred = cell.counts()["deferred"]
    assert deferred
    clock.write_text(str(-HOUR), encoding="ascii")
    cell.end(cell.start("resume", clock=clock), UNFINISHED, "not now", "not before")
    assert cell.counts()["deferred"] == deferred
    cell.heal_server()
    clock.write_text(str(HOUR), encoding="ascii")
    cell.end(cell.start("resume", clock=clock), DONE)


# Sleep -------------------------------------------------------------------------------------------


def test_a_short_sleep(on_each: Stage) -> None:
    """A sender that is stopped and goes on finds its claims as they were; another left them."""
    cell = on_each.cell()
    sender = cell.send()
    cell.wait_for(10)
    sender.send_signal(signal.SIGSTOP)
    cell.end(cell.start("resume"), UNFINISHED, "Another sender is at work on")
    sender.send_signal(signal.SIGCONT)
    cell.end(sender, DONE)
    cell.resume()


def test_it_sleeps_while_another_finishes(on_each: Stage, clock: Path) -> None:
    """Past its lease another takes over; awake, it sends nothing, and settles what it had heard."""
    cell = on_each.cell()
    sender = cell.send(clock=clock)
    cell.wait_for(10)
    sender.send_signal(signal.SIGSTOP)
    clock.write_text(f"{NAP} asleep", encoding="ascii")
    other = cell.end(cell.start("resume", clock=clock), None, "A sender had stopped")
    assert other.code in {DONE, REFUSALS}
    sender.send_signal(signal.SIGCONT)
    ended = cell.end(sender, None)
    doubts = cell.counts()["in_doubt"]
    assert doubts <= LINES
    # Nothing is left to go on with, whoever did it.
    assert ended.code == (REFUSALS if doubts else DONE), ended
    cell.resume(doubts=LINES)


def test_it_wakes_while_another_is_at_work(on_each: Stage, clock: Path) -> None:
    """The same when the other one is in the middle: nobody is mailed by both."""
    cell = on_each.cell()
    sender = cell.send(clock=clock)
    cell.wait_for(10)
    sender.send_signal(signal.SIGSTOP)
    clock.write_text(f"{NAP} asleep", encoding="ascii")
    other = cell.start("resume", clock=clock)
    cell.wait_for(25)
    sender.send_signal(signal.SIGCONT)
    cell.end(sender, None)
    cell.end(other, None)
    cell.resume(doubts=LINES)


# Names and files ---------------------------------------------------------------------------------


def test_the_relays_name_is_not_known(on_sqlite: Stage, tmp_path: Path) -> None:
    """Nothing is begun; once the name is known, the same command sends."""
    names = Names(tmp_path)
    cell = on_sqlite.cell(relay={"host": "relay.example.org"})
    told = "The relay relay.example.org"
    cell.end(cell.send(through=names.through), UNFINISHED, told, "cannot be reached")
    assert not states(cell.store_url)
    names.know("relay.example.org")
    cell.end(cell.send(through=names.through), DONE)


def test_the_relays_name_is_forgotten_meanwhile(on_sqlite: Stage, tmp_path: Path) -> None:
    """Open lines go on to their end, no new one opens, and nobody is in doubt."""
    names = Names(tmp_path)
    names.know("relay.example.org")
    cell = on_sqlite.cell(relay={"host": "relay.example.org", "messages_per_connection": 6})
    sender = cell.send(through=names.through, environment=hurried())
    cell.wait_for(5)
    names.know()
    cell.end(sender, UNFINISHED, "The relay relay.example.org", "cannot be reached", WAY_ON)
    assert not cell.counts()["in_doubt"]
    cell.end(cell.start("resume", through=names.through), UNFINISHED, "cannot be reached")
    names.know("relay.example.org")
    cell.resume(through=names.through)


@pytest.mark.parametrize("files", [16, 32])
def test_few_files_may_be_open(on_sqlite: Stage, files: int) -> None:
    """With fewer than the settings ask for, there are fewer connections, and that is all."""
    cell = on_sqlite.cell(relay={"connections": 20})
    cell.end(cell.send(through=few_files(files)), DONE)
    cell.resume()


def test_too_few_files_may_be_open(on_sqlite: Stage) -> None:
    """With fewer than can be worked with, nothing is begun."""
    cell = on_sqlite.cell()
    cell.end(cell.send(through=few_files(10)), FAILED, "Too many open files")
    assert not states(cell.store_url)
    cell.end(cell.send(), DONE)
