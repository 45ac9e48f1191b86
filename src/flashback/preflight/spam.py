"""What SpamAssassin says of a message, from the report that it writes below it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flashback.model import Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr

#: ``0.7 HTML_FONT_LOW_CONTRAST BODY: HTML font color similar or``; its text may go on below.
#: A thousand points have no decimals.
_RULE: Final = re.compile(r"^ *(-?\d+(?:\.\d)?) ([A-Z][A-Z0-9_]+) +(.*)$")
_MORE: Final = re.compile(r"^ {12,}(\S.*)$")
_BEGINS: Final = "Content analysis details:"
#: From here on filters that ask SpamAssassin put a mail aside, unless they were told otherwise.
REFUSED_FROM: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that the message met."""

    points: float
    name: str
    meaning: str


def rules_of(report: str) -> tuple[Rule, ...]:
    """The rules of a report, as ``spamassassin -t`` prints it, in its order."""
    _, _, details = report.rpartition(_BEGINS)
    found: list[Rule] = []
    for line in details.splitlines():
        if rule := _RULE.match(line):
            found.append(Rule(float(rule[1]), rule[2], rule[3].strip()))
        elif found and (more := _MORE.match(line)):
            last = found[-1]
            found[-1] = Rule(last.points, last.name, f"{last.meaning} {more[1].strip()}")
    return tuple(found)


def remarks(rules: Sequence[Rule]) -> Iterator[Remark]:
    """What counts against the message; what counts for it elsewhere may not, and is not set off."""
    against = sorted((rule for rule in rules if rule.points > 0), key=lambda rule: -rule.points)
    if not against:
        return
    points = sum(rule.points for rule in against)
    sentence = tr(
        "SpamAssassin counts {points} points against it, of {most} that make it spam: {list}.",
        points=f"{points:.1f}",
        most=f"{REFUSED_FROM:g}",
        list="; ".join(f"{rule.name} {rule.points} ({rule.meaning})" for rule in against),
    )
    remedy = tr("Change what the rule names, and ask again.")
    if points >= REFUSED_FROM:
        yield Remark(severity=Severity.ERROR, code="spam-likely", sentence=sentence, remedy=remedy)
    else:
        yield Remark(
            severity=Severity.WARNING, code="spam-points", sentence=sentence, remedy=remedy
        )
