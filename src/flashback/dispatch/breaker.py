"""The circuit breaker: when too many messages end in the same way, the mailing stops. Pure.

A thousand refusals tell no more than a dozen, and cost a sender's good name. So outcomes are
grouped by what was said, and a group that takes more than its share of the last ones trips the
breaker. Dead addresses are a group of their own, whatever the words: a bad list must stop too.
Three messages in a row of which the relay finds the content at fault stop a mailing at once.
"""

import re
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from flashback.dispatch.log import without_address
from flashback.model import Outcome, Result, Settlement
from flashback.sentences import Sentence, tr

Way = Hashable  #: how a message ended; equal ways are "the same way"

_DEAD: Final = "dead"
_ISSUE_FAULTS_IN_A_ROW: Final = 3
_PERMANENT: Final = 5
#: RFC 3463: too long for the recipient, too big for the system, content that cannot be taken.
_ISSUE_FAULT: Final = re.compile(r"5\.(2\.3|3\.4|6\.\d+)")
#: A greylisting server defers every first try, and takes the next: nothing is wrong.
_GREYLISTING: Final = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]+")
_FIRST_WORDS: Final = 4
_LONGEST_REPLY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRule:
    """When a mailing stops by itself."""

    share: float = 0.2  #: of the last outcomes: more than this, alike, trips it
    at_least: int = 10  #: outcomes alike, before their share counts
    last: int = 100  #: outcomes that are looked back upon


class Breaker:
    """Looks at outcomes as they come, and says when it is enough."""

    def __init__(self, rule: BreakerRule) -> None:
        self._rule = rule
        self._last: deque[Way | None] = deque()
        self._alike: Counter[Way] = Counter()
        self._issue_faults = 0  #: in a row

    def count(self, settlement: Settlement) -> Sentence | None:
        """Count one outcome; the reason to stop, or None to go on.

        What was not tried is not counted, unless the relay refused for good to try it.
        """
        outcome = settlement.outcome
        if outcome.result is Result.ACCEPTED:
            self._issue_faults = 0
            self._push(None)
            return None
        if outcome.result is Result.UNTRIED and not _is_permanent(outcome):
            return None
        if _is_issue_fault(outcome):
            self._issue_faults += 1
            if self._issue_faults == _ISSUE_FAULTS_IN_A_ROW:
                return _issue_is_refused(outcome)
        else:
            self._issue_faults = 0
        way = way_of(settlement)
        self._push(way)
        if way is None or self._alike[way] < self._rule.at_least:
            return None
        if self._alike[way] <= self._rule.share * len(self._last):
            return None
        return _are_alike(outcome, way, self._alike[way], len(self._last))

    def _push(self, way: Way | None) -> None:
        if len(self._last) == self._rule.last:
            oldest = self._last.popleft()
            if oldest is not None:
                self._alike[oldest] -= 1
                if not self._alike[oldest]:
                    del self._alike[oldest]
        self._last.append(way)
        if way is not None:
            self._alike[way] += 1


def way_of(settlement: Settlement) -> Way | None:
    """How a message failed; None when that is as it should be."""
    outcome = settlement.outcome
    reply = outcome.reply
    if settlement.suppress:
        return _DEAD
    if reply is None:
        return outcome.stage, outcome.result, _first_words(outcome.detail)
    said = " ".join(reply.lines)
    if outcome.result is Result.TEMPORARY and _GREYLISTING.search(said):
        return None
    return outcome.stage, reply.code // 100, reply.enhanced or _first_words(said)


def _first_words(said: str) -> str:
    """What two replies that mean the same have in common: no names, no numbers."""
    words = (word for word in said.casefold().split() if "@" not in word)
    return " ".join(_WORD.findall(" ".join(words))[:_FIRST_WORDS])


def _is_permanent(outcome: Outcome) -> bool:
    return outcome.reply is not None and outcome.reply.code // 100 == _PERMANENT


def _is_issue_fault(outcome: Outcome) -> bool:
    return (
        _is_permanent(outcome)
        and outcome.reply is not None
        and _ISSUE_FAULT.fullmatch(outcome.reply.enhanced) is not None
    )


def _issue_is_refused(outcome: Outcome) -> Sentence:
    return tr(
        "The issue itself is refused, {count} times in a row: {reply}",
        count=_ISSUE_FAULTS_IN_A_ROW,
        reply=_said(outcome),
    )


def _are_alike(outcome: Outcome, way: Way, count: int, total: int) -> Sentence:
    if way == _DEAD:
        return tr(
            "{count} of the last {total} addresses are dead. Is this the right list? {reply}",
            count=count,
            total=total,
            reply=_said(outcome),
        )
    if outcome.reply is None:
        return tr(
            "{count} of the last {total} messages got no answer: {detail}",
            count=count,
            total=total,
            detail=_said(outcome),
        )
    return tr(
        "{count} of the last {total} messages were answered alike: {reply}",
        count=count,
        total=total,
        reply=_said(outcome),
    )


def _said(outcome: Outcome) -> str:
    """What was said, short, and without the reader's address."""
    said = str(outcome.reply) if outcome.reply is not None else outcome.detail
    said = without_address(said or outcome.stage, outcome.claim.address)
    return said if len(said) <= _LONGEST_REPLY else f"{said[:_LONGEST_REPLY]}…"
