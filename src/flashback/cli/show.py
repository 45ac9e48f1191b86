"""How things look in a terminal: findings, accounts, tables, the progress of a mailing."""

import datetime as dt
import os
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from flashback.errors import UnfinishedError
from flashback.model import Account, DeliveryState, Finding, Settlement, Severity
from flashback.sentences import Sentence, tr

_STATE_COLOURS: Final = {
    DeliveryState.ACCEPTED: "green",
    DeliveryState.REFUSED: "red",
    DeliveryState.BOUNCED: "red",
    DeliveryState.IN_DOUBT: "magenta",
    DeliveryState.DEFERRED: "yellow",
}
#: Fewer octets are read before a bar is drawn.
_WORTH_A_BAR: Final = 1_000_000
_OPEN: Final = frozenset({DeliveryState.PLANNED, DeliveryState.DEFERRED})
_SEVERITY_COLOURS: Final = {
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.HINT: "blue",
}


def language() -> str:
    """The language spoken to staff."""
    return os.environ.get("LANGUAGE", "en")


def say(sentence: Sentence, *, err: bool = False, **style: object) -> None:
    """Print one sentence."""
    click.secho(sentence.in_language(language()), err=err, **style)  # type: ignore[arg-type]


def told(sentence: Sentence) -> str:
    """A sentence as text."""
    return sentence.in_language(language())


def ask(question: Sentence) -> bool:
    """Ask, and take yes and no in both languages; nothing said is no.

    Raises UnfinishedError when nobody is there to answer.
    """
    words = f"{told(question)} {told(tr('[y/N]'))}"
    try:
        answer: str = click.prompt(words, default="", show_default=False)
    except click.Abort as nobody:
        click.echo()
        raise UnfinishedError(
            tr("Nobody answered; nothing was changed."),
            hint=tr("Where nobody can be asked, add: --yes"),
        ) from nobody
    return answer.strip().lower() in {"y", "yes", "o", "oui"}


def insist(question: Sentence, otherwise: UnfinishedError, *, may_ask: bool) -> None:
    """Ask, and raise when the answer is no, or when there is nobody to give one."""
    try:
        agreed = may_ask and ask(question)
    except UnfinishedError as nobody:
        raise otherwise from nobody
    if not agreed:
        raise otherwise


def span(time_left: dt.timedelta) -> str:
    """A span of time as people say it: "8 s", "12 min", "3 h 05", "2 d 4 h"."""
    total = max(round(time_left.total_seconds()), 0)
    minutes, hours, days = total // 60, total // 3600, total // 86_400
    if not minutes:
        return f"{total} s"
    if not hours:
        return f"{minutes} min"
    if not days:
        return f"{hours} h {minutes % 60:02}"
    return told(tr("{days} d {hours} h", days=days, hours=hours % 24))


def seconds(number: float | None) -> str:
    """The same of a number of seconds; a dash when it is not known."""
    return "–" if number is None else span(dt.timedelta(seconds=number))


def harmless(text: str) -> str:
    """What a stranger wrote, without what would move a terminal's cursor or change its colours."""
    return "".join(c if unicodedata.category(c)[0] != "C" else "�" for c in text)


def finding_line(finding: Finding) -> str:
    """``file:line: severity CODE sentence remedy``: what editors and people can both follow."""
    severity = click.style(finding.severity.value, fg=_SEVERITY_COLOURS[finding.severity])
    text = finding.sentence.in_language(finding.staff_language)
    remedy = finding.remedy.in_language(finding.staff_language)
    return f"{finding.file}:{finding.line}: {severity} {finding.code} {text} {remedy}".rstrip()


def findings(found: Iterable[Finding], *, err: bool = False) -> None:
    """Print findings, one a line."""
    for finding in found:
        click.echo(finding_line(finding), err=err)


def account(counts: Account, audience: int) -> None:
    """Print how many copies stand where, and whether it adds up to the audience."""
    from flashback.reporting import words

    widest = max(len(told(word)) for word in words.DELIVERY.values())
    for state, word in words.DELIVERY.items():
        if not counts[state] and state is not DeliveryState.ACCEPTED:
            continue
        bar = "█" * round(30 * counts[state] / max(counts.audience, 1))
        colour = _STATE_COLOURS.get(state)
        click.echo(f"  {told(word):<{widest}} {counts[state]:>8,} {click.style(bar, fg=colour)}")
    label = told(tr("audience"))
    click.echo(f"  {label:<{widest}} {audience:>8,}")
    if counts.audience != audience:
        say(
            tr("This does not add up: {count} copies are accounted for.", count=counts.audience),
            err=True,
            fg="red",
        )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns, each as wide as its widest cell."""
    lines = [head, *rows]
    widths = [max(width(line[n]) for line in lines) for n in range(len(head))]
    for number, line in enumerate(lines):
        cells = (cell + " " * (w - width(cell)) for cell, w in zip(line, widths, strict=True))
        click.secho("  ".join(cells).rstrip(), bold=number == 0)


def width(text: str) -> int:
    """Columns that a text takes on a screen: marks take none, wide characters two."""
    return sum(
        0
        if unicodedata.category(c) in {"Mn", "Cf"}
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


@contextmanager
def octets(count: int) -> Iterator[Callable[[int], None]]:
    """A bar for reading so many octets; nothing where nobody looks, or for what is read at once."""
    if count < _WORTH_A_BAR or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=count, label=told(tr("Reading")), file=sys.stderr) as bar:
        yield bar.update


@contextmanager
def stages(label: Sentence) -> Iterator[Callable[[int, int], None]]:
    """A bar for work of known length, where somebody looks; tell it what is done, of how many."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    with click.progressbar(length=1, label=told(label), file=sys.stderr) as bar:

        def tell(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield tell
        bar.update(max((bar.length or 1) - bar.pos, 0))


class Progress:
    """A bar that a person likes: counts, speed and what is left; silent where nobody looks."""

    #: Seconds between two drawings: a bar that is drawn for every message slows the mailing down.
    _EVERY: Final = 0.1

    def __init__(self, audience: int, done: int) -> None:
        self._counts = Counter[DeliveryState]()
        self._done = 0  #: not drawn yet
        self._drawn_at = 0.0
        self._bar = click.progressbar(
            length=audience,
            label=told(tr("Sending")),
            show_pos=True,
            item_show_func=self._item,
            width=0 if not sys.stderr.isatty() else 30,
            file=sys.stderr,
        )
        self._bar.update(done)

    @contextmanager
    def shown(self) -> Iterator["Progress"]:
        """Keep the bar on the screen."""
        with self._bar:
            yield self
            self._draw()

    def tell(self, settlements: Sequence[Settlement]) -> None:
        """Count outcomes; a copy that comes again later is not done."""
        states = [settlement.state for settlement in settlements]
        self._counts.update(states)
        self._done += sum(state not in _OPEN for state in states)
        if time.monotonic() - self._drawn_at >= self._EVERY:
            self._draw()

    def _draw(self) -> None:
        done, self._done = self._done, 0
        self._drawn_at = time.monotonic()
        self._bar.update(done, self)

    def _item(self, _progress: object) -> str:
        from flashback.reporting import words

        bad = [
            f"{count} {told(words.DELIVERY[state])}"
            for state in DeliveryState
            if (count := self._counts[state]) and state is not DeliveryState.ACCEPTED
        ]
        return ", ".join(bad)
