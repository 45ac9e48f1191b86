"""The address book: people are listed, brought in and given out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from flashback import files
from flashback.errors import ImportFileError
from flashback.model import Circumstances, FieldKind, Subscriber, SubscriberStatus
from flashback.sentences import Sentence, tr
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from flashback.rosters import Sheet
    from flashback.store import Import, ImportPlan

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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of people, read: what it is, and what it would do."""

    sheets: "tuple[Sheet, ...]"
    list: "Import"
    plan: "ImportPlan"


@contextmanager
def arriving(
    workspace: Workspace,
    path: Path,
    *,
    consent: str = "",
    status: SubscriberStatus | None = None,
    system: str = "",
    encoding: str = "",
    watch: Callable[[int], AbstractContextManager[Callable[[int], None]]] = lambda _: nullcontext(
        lambda _: None
    ),
) -> Iterator[Arrival]:
    """Tell what a file of people would do; nothing is written until its list is applied.

    ``watch`` is told how many octets there are, and gives what is told of each part read. Raises
    ImportFileError: also for a file that leaves open whether its people agreed.
    """
    from flashback import rosters
    from flashback.store import importing

    told = Circumstances(
        source=f"import:{path.name}",
        now=workspace.clock.now(),
        consent=consent,
        status=status,
        kinds={name: FieldKind(kind) for name, kind in workspace.config.fields.items()},
    )
    with rosters.opened(path, told, system=system, encoding=encoding) as roster:
        for sheet in roster.sheets:
            if sheet.question is not None:
                raise ImportFileError(
                    sheet.question,
                    hint=tr(
                        "If they agreed, say to what: --consent “...”. If you cannot know: "
                        "--status unconfirmed, and they get no mail until they confirm."
                    ),
                )
        with importing(workspace.store) as waiting:
            with watch(roster.size) as moved:
                plan = waiting.plan(roster.entries(moved))
            yield Arrival(roster.sheets, waiting, plan)


def write_rejects(path: Path, arrival: Arrival, told: Callable[[Sentence], str]) -> int:
    """Write the rows that cannot be taken, with reasons in the reader's words; how many."""
    from flashback.rosters import rejects

    with files.writing(path, mode=0o600) as file:
        return rejects.write(file, arrival.sheets, arrival.list.refusals(), told)


def export(workspace: Workspace, file: BinaryIO, *, kind: str) -> int:
    """Write everybody as ``csv``, ``jsonl`` or ``xlsx``; answer how many lines."""
    from flashback.rosters import WRITERS
    from flashback.store import exporting

    with exporting(workspace.store) as (facts, fields):
        return WRITERS[kind](file, facts, fields)


def export_file(workspace: Workspace, path: Path, *, kind: str) -> int:
    """The same into a file, whole or not at all, readable only by its owner."""
    with files.writing(path, mode=0o600) as file:
        return export(workspace, file, kind=kind)
