"""Senders that are asked to stop, lose their terminal, are killed, or work side by side.

Each cell ends with an account that adds up, in which everything that the server took is accepted or
in doubt; and with a resume after which everybody has one copy, but for doubts that are named.
"""

import os
import pty
import signal
import time
from collections.abc import Iterator

import pytest

from fixtures.cells import DONE, LINES, REFUSALS, UNFINISHED, WAY_ON, Cell, Process
from fixtures.newsletters import until
from fixtures.stages import Stage

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_one_signal(on_sqlite: Stage, name: str) -> None:
    """What is on the wire is finished, nobody is in doubt, and the way on is told."""
    cell = on_sqlite.cell()
    sender = cell.send()
    cell.wait_for(10)
    sender.send_signal(signal.Signals[name])
    cell.end(sender, UNFINISHED, "Finishing what is on the wire", WAY_ON)
    assert not cell.counts()["in_doubt"]
    assert cell.counts()["planned"]
    cell.resume()


@pytest.mark.parametrize("names", ["SIGINT SIGINT", "SIGTERM SIGHUP"])
def test_two_signals(on_sqlite: Stage, names: str) -> None:
    """The second one does not wait for answers: one message a line is in doubt, and is named."""
    cell = on_sqlite.cell(readers=20, manners=["--delay-ms", "150"])
    sender = cell.send()
    cell.wait_for(4)
    for name in names.split():
        sender.send_signal(signal.Signals[name])
        time.sleep(0.03)
    cell.end(sender, UNFINISHED, WAY_ON, "in doubt")
    assert 0 < cell.counts()["in_doubt"] <= LINES
    cell.heal_server()
    cell.resume(doubts=LINES)


def test_a_signal_that_is_ignored(on_sqlite: Stage) -> None:
    """Under nohup, a terminal that hangs up stops nothing."""
    cell = on_sqlite.cell()
    sender = cell.send(through=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"])
    cell.wait_for(10)
    sender.send_signal(signal.SIGHUP)
    cell.end(sender, DONE)
    cell.resume()


def test_nobody_reads_on(on_sqlite: Stage) -> None:
    """``flashback send | head -1``: the pipe is closed, and the mailing goes on to its end."""
    cell = on_sqlite.cell()
    pipe, theirs = os.pipe()
    sender = cell.send(stdout=theirs)
    os.close(theirs)
    assert os.read(pipe, 10)
    cell.wait_for(10)
    os.close(pipe)
    cell.end(sender, DONE)
    cell.resume()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Our end of a terminal, which a test closes, and the program's end."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(theirs)


@pytest.mark.parametrize("is_its_own", [True, False])
def test_the_terminal_is_gone(
    on_sqlite: Stage, terminal: tuple[int, int], *, is_its_own: bool
) -> None:
    """Who runs in it stops politely; who only writes to it (``& disown``) goes on to the end."""
    cell = on_sqlite.cell()
    ours, theirs = terminal
    own = ["setsid", "--ctty"] if is_its_own else ["setsid"]
    sender = cell.send(through=own, stdin=theirs, stdout=theirs, stderr=theirs)
    cell.wait_for(10)
    assert os.read(ours, 10)
    os.close(ours)
    cell.end(sender, UNFINISHED if is_its_own else DONE)
    assert not cell.counts()["in_doubt"]
    cell.resume()


# Side by side ------------------------------------------------------------------------------------


def _two(cell: Cell) -> tuple[Process, Process]:
    """Two senders, both at work on the same mailing."""
    first = cell.send()
    cell.wait_for(5)
    first.send_signal(signal.SIGSTOP)
    second = cell.start("resume", "1")
    journals = cell.folder / "subscribers" / "journals"
    until(lambda: len(list(journals.glob("*.journal"))) == 2)
    first.send_signal(signal.SIGCONT)
    return first, second


def test_two_senders(on_each: Stage) -> None:
    """They share the mailing; nobody gets two copies, and the last to end finishes it."""
    cell = on_each.cell(sending={"window": 5})
    codes = {cell.end(sender, None).code for sender in _two(cell)}
    assert codes <= {DONE, UNFINISHED}
    assert DONE in codes
    cell.resume()


def test_one_of_two_is_killed(on_each: Stage) -> None:
    """The other goes on with its own; what the dead one held waits for a resume."""
    cell = on_each.cell(sending={"window": 5})
    victim, other = _two(cell)
    cell.wait_for(20)
    cell.kill(victim)
    cell.end(other, None)
    cell.resume(doubts=LINES)


def test_two_resume_at_once(on_each: Stage) -> None:
    """After a crash, both may clear up after it; each doubt and each copy is there once."""
    cell = on_each.cell()
    sender = cell.send()
    cell.wait_for(10)
    cell.kill(sender)
    both = [cell.start("resume", "1") for _ in range(2)]
    codes = [cell.end(one, None).code for one in both]
    assert set(codes) <= {DONE, REFUSALS, UNFINISHED}
    assert cell.counts()["in_doubt"] <= LINES
    cell.resume(doubts=LINES)
