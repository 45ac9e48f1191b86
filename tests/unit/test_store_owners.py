"""Whether a sender is surely dead, or only silent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flashback.store import is_dead, new_owner, owners


def owner_with(**parts: str) -> str:
    """This process' name with some parts changed."""
    names = ("host", "boot", "namespace", "pid", "start", "random")
    mine = dict(zip(names, new_owner().split(":"), strict=True))
    return ":".join((mine | parts).values())


def test_a_living_process_is_not_dead() -> None:
    """A sender never frees its own claims, nor those of another that runs."""
    assert not is_dead(new_owner())
    assert not is_dead(new_owner(), one_machine=True)


def test_names_differ() -> None:
    """Two senders in one process have two names, which tell where they are."""
    first, second = new_owner(), new_owner()
    assert first != second
    parts = owners.parse_owner(first)
    assert parts is not None
    assert parts.pid == os.getpid()


def test_an_ended_process_is_dead() -> None:
    """Also while nobody has asked for its exit status yet: a zombie sends nothing."""
    program = "from flashback.store import new_owner; print(new_owner())"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        name = process.stdout.read().strip()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(name)
    assert is_dead(name)


def test_a_reused_number_is_another_process() -> None:
    """A younger process under the old number does not keep the claims."""
    assert is_dead(owner_with(start="1"))


def test_another_namespace_cannot_be_judged() -> None:
    """The same number in another container is somebody else: the lease decides."""
    assert not is_dead(owner_with(namespace="1", start="1"))


def test_another_boot() -> None:
    """Perhaps another machine, so it cannot be judged; unless all are on this one."""
    assert not is_dead(owner_with(boot="b"))
    assert is_dead(owner_with(boot="b"), one_machine=True)


@pytest.mark.parametrize("name", ["", "me", "a:b:c:d:e:f", "a:b:c:1:e", "a:b:c:²:e:f"])
def test_a_name_of_somebody_else(name: str) -> None:
    """What we did not make is never called dead."""
    assert owners.parse_owner(name) is None
    assert not is_dead(name, one_machine=True)


def test_a_system_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There, the host's name and a signal that is none have to do."""
    monkeypatch.setattr(owners, "_PROC", tmp_path)
    name = new_owner()
    assert not is_dead(name)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        host, boot, namespace, _, start, chance = name.split(":")
        ended = ":".join((host, boot, namespace, str(process.pid), start, chance))
        assert is_dead(ended)
        elsewhere = ":".join(("elsewhere", boot, namespace, str(process.pid), start, chance))
        assert not is_dead(elsewhere)


def test_a_process_of_somebody_else_lives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that may not be asked is there all the same."""
    monkeypatch.setattr(owners, "_PROC", tmp_path)

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_dead(new_owner())
