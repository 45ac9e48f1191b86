"""Which editions go to whom. Pure."""

from collections.abc import Collection, Sequence

from flashback.errors import IssueError
from flashback.model import Edition
from flashback.sentences import tr


def fallback_of(editions: Sequence[Edition], *, preferred: str) -> str:
    """The language of the edition for readers whose own has none: ``preferred``, else the first.

    Raises IssueError without any edition.
    """
    if not editions:
        raise IssueError(tr("There is no edition to send."))
    typeset = [edition.language for edition in editions]
    return preferred if preferred in typeset else typeset[0]


def language_for(reader: str, typeset: Collection[str], *, fallback: str) -> str:
    """The language of the edition for a reader with this BCP 47 tag: the primary subtag decides."""
    primary = reader.partition("-")[0].lower()
    return primary if primary in typeset else fallback
