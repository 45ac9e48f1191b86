"""Who gets which edition. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from flashback.errors import IssueError
from flashback.model import Edition, Plan, PlannedDelivery
from flashback.sentences import tr

_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


def plan(
    editions: Sequence[Edition],
    readers: Iterable[tuple[int, str]],
    *,
    fallback: str,
    forced: Sequence[str] = (),
    sender: Mapping[str, str] = _NOBODY,
    again: bool = False,
) -> Plan:
    """Give each reader, as (subscriber id, language), the edition in their language.

    A reader whose language has no edition gets the one in ``fallback``; if that is missing too,
    the first. Raises IssueError without any edition.
    """
    if not editions:
        raise IssueError(tr("There is no edition to send."))
    typeset = {edition.language: edition for edition in editions}
    default = typeset.get(fallback, editions[0]).language
    deliveries = tuple(
        PlannedDelivery(subscriber_id=reader, language=_closest(language, typeset, default))
        for reader, language in readers
    )
    return Plan(
        editions=tuple(editions),
        deliveries=deliveries,
        forced=tuple(forced),
        sender=sender,
        again=again,
    )


def _closest(language: str, typeset: dict[str, Edition], default: str) -> str:
    primary = language.partition("-")[0].lower()
    return primary if primary in typeset else default
