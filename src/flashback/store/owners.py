"""Who is sending: a name for this process that can be checked for life later.

``host:boot:namespace:pid:start:random``. A process is surely dead when this kernel, since the
same boot and in the same PID namespace, runs no such process or a younger one under its number.
Of anything else nobody can be sure from here, and the lease decides.
"""

import os
import platform
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_DEAD_STATES: Final = ("Z", "X")  # proc(5): a zombie sends nothing any more
_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Owner:
    """The parts of an owner's name. Empty: this system does not tell."""

    host: str
    boot: str
    namespace: str
    pid: int
    start: str  #: clock ticks since boot


def new_owner() -> str:
    """A name for this process, different each time."""
    pid = os.getpid()
    parts = (_host(), this_boot(), _namespace(), str(pid), _start(pid) or "", secrets.token_hex(4))
    return ":".join(parts)


def parse_owner(name: str) -> Owner | None:
    """The parts of a name that ``new_owner`` made; None for any other text."""
    parts = name.split(":")
    if len(parts) != _PARTS or not (parts[3].isascii() and parts[3].isdigit()):
        return None
    return Owner(parts[0], parts[1], parts[2], int(parts[3]), parts[4])


def is_dead(name: str, *, one_machine: bool = False) -> bool:
    """Whether the process behind a name has surely ended.

    ``one_machine`` says that no other machine can be meant (a SQLite file): then a boot that is
    over takes all its processes with it.
    """
    owner = parse_owner(name)
    if owner is None:
        return False
    is_here = owner.host == _host() and owner.namespace == _namespace()
    boot = this_boot()
    if not owner.boot or not boot:
        return is_here and not _answers(owner.pid)
    if owner.boot != boot:
        return one_machine
    if owner.namespace != _namespace():
        return False
    start = _start(owner.pid)
    # Where /proc hides other users' processes (hidepid), only a signal tells.
    is_hidden = start is None and not _may_look(owner.pid) and _answers(owner.pid)
    return start != owner.start and not is_hidden


def _host() -> str:
    return platform.node().replace(":", "-")


def this_boot() -> str:
    """What tells this boot of the kernel from every other; empty where the system does not."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    """Containers of one kernel count their processes apart."""
    try:
        return "".join(filter(str.isdigit, str((_PROC / "self/ns/pid").readlink())))
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """When a process began; None when it is not running."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc(5): the name in parentheses may hold anything, so count from its end.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _DEAD_STATES else fields[19]


def _may_look(pid: int) -> bool:
    return os.access(_PROC / str(pid) / "stat", os.R_OK)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
