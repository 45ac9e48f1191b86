"""What is kept longer than the settings say: counted, and purged."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.store.retention import Due, Kind

Told = Callable[[int, int], None]


def days(workspace: Workspace) -> dict[str, int]:
    """For how many days each kind is kept, by its name in the settings; 0: for ever."""
    return asdict(workspace.config.retention)


def due(workspace: Workspace) -> "dict[str, Due]":
    """How much is older than it may be; kinds that are kept for ever are not among them."""
    from flashback.store import retention

    found = retention.due(workspace.store, _limits(workspace))
    return {kind.value: one for kind, one in found.items()}


def purge(workspace: Workspace, told: Told) -> dict[str, int]:
    """Delete it; how much it was."""
    from flashback.store import retention

    now = workspace.clock.now()
    done = retention.purge(workspace.store, _limits(workspace), now=now, told=told)
    return {kind.value: count for kind, count in done.items()}


def _limits(workspace: Workspace) -> "Mapping[Kind, dt.datetime]":
    from flashback.store.retention import Kind

    now = workspace.clock.now()
    return {Kind(kind): now - dt.timedelta(days=n) for kind, n in days(workspace).items() if n}
