"""How things look in a terminal: findings, accounts, tables, the progress of a mailing."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from flashback.model import Account, DeliveryState, Finding, Settlement, Severity
from flashback.sentences import Sentence, tr

STATE_WORDS: Final = {
    DeliveryState.ACCEPTED: tr("accepted"),
    DeliveryState.PLANNED: tr("planned"),
    DeliveryState.CLAIMED: tr("claimed"),
    DeliveryState.DEFERRED: tr("deferred"),
    DeliveryState.REFUSED: tr("refused"),
    DeliveryState.IN_DOUBT: tr("in doubt"),
    DeliveryState.SKIPPED: tr("skipped"),
    DeliveryState.BOUNCED: tr("bounced"),
}
_STATE_COLOURS: Final = {
    DeliveryState.ACCEPTED: "green",
    DeliveryState.REFUSED: "red",
    DeliveryState.BOUNCED: "red",
    DeliveryState.IN_DOUBT: "magenta",
    DeliveryState.DEFERRED: "yellow",
}
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
    """Ask, and take yes and no in both languages; nothing said is no."""
    words = f"{told(question)} {told(tr('[y/N]'))}"
    answer: str = click.prompt(words, default="", show_default=False)
    return answer.strip().lower() in {"y", "yes", "o", "oui"}


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
    widest = max(len(told(word)) for word in STATE_WORDS.values())
    for state, word in STATE_WORDS.items():
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
    widths = [max(_width(line[n]) for line in lines) for n in range(len(head))]
    for number, line in enumerate(lines):
        cells = (cell + " " * (w - _width(cell)) for cell, w in zip(line, widths, strict=True))
        click.secho("  ".join(cells).rstrip(), bold=number == 0)


def _width(text: str) -> int:
    """Columns that a text takes on a screen: marks take none, wide characters two."""
    return sum(
        0
        if unicodedata.category(c) in {"Mn", "Cf"}
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


class Progress:
    """A bar that a person likes: counts, speed and what is left; silent where nobody looks."""

    def __init__(self, audience: int, done: int) -> None:
        self._counts = dict.fromkeys(DeliveryState, 0)
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

    def tell(self, settlement: Settlement) -> None:
        """Count one outcome."""
        self._counts[settlement.state] += 1
        self._bar.update(1, settlement)

    def _item(self, _settlement: object) -> str:
        bad = [
            f"{count} {told(STATE_WORDS[state])}"
            for state, count in self._counts.items()
            if count and state is not DeliveryState.ACCEPTED
        ]
        return ", ".join(bad)
