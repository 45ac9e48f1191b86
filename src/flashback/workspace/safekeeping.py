"""The store copied, put back and checked."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flashback import files
from flashback.errors import StoreError
from flashback.sentences import Sentence, tr
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.store.safekeeping import Copied, Restored

Told = Callable[[int, int], None]


def backup(workspace: Workspace, path: Path, told: Told) -> "Copied":
    """Copy the store into a file, while it is used. Raises StoreError for PostgreSQL."""
    from flashback.store import safekeeping

    files.make_folder(path.parent, mode=0o700)
    return safekeeping.snapshot(workspace.store, path, workspace.clock.now(), told)


def restore(workspace: Workspace, path: Path, told: Told) -> "Restored":
    """Put a copy back; who left since stays away. Raises StoreError for PostgreSQL."""
    from flashback.store import safekeeping, sqlite_file

    url, folder, now = workspace.config.store.url, workspace.config.folder, workspace.clock.now()
    place = sqlite_file(url, folder=folder)
    if place is None:
        raise StoreError(
            tr("A store in PostgreSQL is put back by its own tool."),
            hint=tr("Run: pg_restore --clean --dbname “your url” {path}", path=path),
        )
    return safekeeping.restore(
        folder, url, place, path, mark_of=workspace.mark_of, now=now, told=told
    )


def check(workspace: Workspace) -> tuple[Sentence, ...]:
    """What is wrong with the store; nothing for a sound one."""
    from flashback.store import checking

    return checking.check(workspace.store)
