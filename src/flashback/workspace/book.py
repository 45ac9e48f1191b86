"""The address book: people are listed, brought in and given out."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from flashback import files
from flashback.errors import ImportFileError
from flashback.model import Subscriber, SubscriberStatus
from flashback.sentences import tr
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from flashback.store import ImportPlan

_PAGE: Final = 500


def people(
    workspace: Workspace,
    *,
    status: SubscriberStatus | None = None,
    language: str | None = None,
    segment: str | None = None,
    limit: int | None = None,
) -> Iterator[Subscriber]:
    """The people of the address book in the order they came, page by page."""
    wanted = condition(workspace, segment)
    after, left = 0, limit
    while left is None or left > 0:
        page = workspace.subscribers.list(
            status=status,
            language=language,
            condition=wanted,
            limit=_PAGE if left is None else min(_PAGE, left),
            after=after,
        )
        if not page:
            return
        yield from page
        after = page[-1].id
        left = None if left is None else left - len(page)


def condition(workspace: Workspace, segment: str | None) -> "ColumnElement[bool] | None":
    """The condition of a segment, by its name in the settings or as an expression."""
    from flashback.store import compile_segment

    if segment is None:
        return None
    return compile_segment(_by_name(workspace, segment))


def expression(workspace: Workspace, segment: str | None) -> str:
    """The expression of a segment, by its name or as it is; empty for none, which is everybody.

    Raises SegmentError for what is no expression, so that an empty text is never everybody.
    """
    condition(workspace, segment)
    return "" if segment is None else _by_name(workspace, segment)


def _by_name(workspace: Workspace, segment: str) -> str:
    return workspace.config.segments.get(segment, segment)


def plan_import(workspace: Workspace, path: Path, *, consent: str) -> "ImportPlan":
    """Tell what a file of people would do; nothing is written. Raises ImportFileError."""
    from flashback.store import Circumstances, read_csv, read_jsonl
    from flashback.store import plan_import as plan

    read = read_jsonl if path.suffix in {".json", ".jsonl", ".ndjson"} else read_csv
    told = Circumstances(source=f"import:{path.name}", now=workspace.clock.now(), consent=consent)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reading = read(stream, told)
    except OSError as error:
        raise ImportFileError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror)
        ) from error
    return plan(workspace.store, reading)


def apply_import(workspace: Workspace, plan: "ImportPlan") -> "ImportPlan":
    """Do what was planned, in one transaction; answer what was done."""
    from flashback.store import apply_import as apply

    return apply(workspace.store, plan, now=workspace.clock.now())


def export(workspace: Workspace, stream: TextIO, *, kind: str) -> int:
    """Write everybody as ``csv`` or ``jsonl``; answer how many lines."""
    from flashback.store import export_csv, export_jsonl

    return (export_jsonl if kind == "jsonl" else export_csv)(workspace.store, stream)


def export_file(workspace: Workspace, path: Path, *, kind: str) -> int:
    """The same into a file, whole or not at all, readable only by its owner."""
    with files.writing(path, mode=0o600) as file:
        stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
        count = export(workspace, stream, kind=kind)
        stream.flush()
        stream.detach()
    return count
