"""A report as one page that needs nothing else: no script, no picture, nothing from outside.

What relays said stands in it, and relays are strangers: everything is escaped, and the page's own
Content-Security-Policy allows nothing but its style sheet.
"""

import base64
import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from flashback.model import DeliveryState
from flashback.reporting import words
from flashback.reporting.figures import Figures
from flashback.reporting.plot import plot_of
from flashback.sentences import Sentence, tr

_MEANINGS: Final = {
    DeliveryState.ACCEPTED: tr("The relay has taken it over."),
    DeliveryState.PLANNED: tr("Its turn has not come."),
    DeliveryState.CLAIMED: tr("A sender has it in hand."),
    DeliveryState.DEFERRED: tr("The relay said “not now”; it is tried again."),
    DeliveryState.REFUSED: tr("The relay said “never”, or patience has ended."),
    DeliveryState.IN_DOUBT: tr("The line broke at the last moment; nobody knows."),
    DeliveryState.SKIPPED: tr("Its reader left, or it was called off, before its turn."),
    DeliveryState.BOUNCED: tr("It was taken over, and a report of failure came back."),
}
_WORDS: Final = {
    "report": tr("Report of a mailing"),
    "number": tr("Mailing"),
    "opened": tr("opened"),
    "audience": tr("audience"),
    "waiting": tr("waiting"),
    "lost": tr("refused or bounced"),
    "copies": tr("copies"),
    "states": tr("Where every copy stands"),
    "sum": tr("Together they are the audience: every copy is accounted for."),
    "no_sum": tr("This does not add up to the audience. Look at the store before anything else."),
    "pace": tr("Accepted per minute"),
    "slowest": tr("Slowest domains"),
    "domain": tr("domain"),
    "seconds": tr("from opening to acceptance"),
    "open": tr("waiting"),
    "why": tr("Why copies were not accepted"),
    "made": tr("Made by flashback on"),
    "accepted_means": tr(
        "“Accepted” means that the relay has taken a copy over, and nothing more."
    ),
}
_MOST_DOMAINS: Final = 12


def page(figures: Figures, templates: Path, *, language: str) -> str:
    """The report as HTML in a staff language, from ``report.html.j2`` and ``report.css``."""
    style = (templates / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = _environment(templates, figures, language).get_template("report.html.j2")
    counts = figures.account
    told = _teller(language)
    return template.render(
        f=figures,
        mailing=figures.mailing,
        counts=counts,
        adds_up=counts.audience == figures.mailing.audience,
        states=[
            {
                "name": state.value.replace("_", "-"),
                "word": told(word),
                "meaning": told(_MEANINGS[state]),
                "count": counts[state],
            }
            for state, word in words.DELIVERY.items()
            if counts[state] or state is DeliveryState.ACCEPTED
        ],
        slices=_slices(figures),
        state=figures.mailing.state,
        state_word=told(words.MAILING[figures.mailing.state]),
        lost=counts[DeliveryState.REFUSED] + counts[DeliveryState.BOUNCED],
        in_doubt=counts[DeliveryState.IN_DOUBT],
        in_doubt_word=told(words.DELIVERY[DeliveryState.IN_DOUBT]),
        plot=plot_of(figures.pace),
        domains=figures.domains[:_MOST_DOMAINS],
        slowest=max((d.seconds or 0 for d in figures.domains[:_MOST_DOMAINS]), default=0) or 1,
        troubles=[
            {
                "name": state.value.replace("_", "-"),
                "word": told(words.DELIVERY[state]),
                "count": counts[state],
                "reasons": figures.reasons.get(state, ()),
            }
            for state in words.TROUBLED
            if figures.reasons.get(state)
        ],
        words={name: told(word) for name, word in _WORDS.items()},
        language=language,
        style=Markup(style),  # noqa: S704  # our own file
        policy=f"default-src 'none'; style-src 'sha256-{digest}'",
    )


def _teller(language: str) -> Callable[[Sentence], str]:
    return lambda sentence: sentence.in_language(language)


def _slices(figures: Figures) -> list[dict[str, Any]]:
    """The account as one bar of 1000 units."""
    total, x, slices = max(figures.account.audience, 1), 0.0, []
    for state in words.DELIVERY:
        if count := figures.account[state]:
            width = 1000 * count / total
            slices.append({"name": state.value.replace("_", "-"), "x": round(x, 2),
                           "width": round(width, 2)})  # fmt: skip
            x += width
    return slices


def _environment(templates: Path, figures: Figures, language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    moments = [minute for minute, _ in figures.pace] or [figures.made_at]
    one_day = len({figures.local(moment).date() for moment in (moments[0], moments[-1])}) == 1
    environment.filters |= {
        "number": lambda value: number(value, language),
        "percent": lambda value, whole: percent(value, whole, language),
        "when": lambda moment: figures.local(moment).strftime("%Y-%m-%d %H:%M"),
        "hour": lambda moment: figures.local(moment).strftime(
            "%H:%M" if one_day else "%m-%d %H:%M"
        ),
        "duration": duration,
    }
    return environment


def number(value: float, language: str) -> str:
    """A number with its thousands apart, as that language writes them."""
    text = f"{value:,.0f}" if value == round(value) or value >= 10 else f"{value:.1f}"  # noqa: PLR2004
    if language == "fr":
        return text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
    return text


def percent(value: int, whole: int, language: str) -> str:
    """A share that says 100 % of nothing but the whole, and 0 % of nothing but nothing."""
    share = 100 * value / max(whole, 1)
    text = f"{share:.1f}" if 0 < share < 100 else f"{share:.0f}"  # noqa: PLR2004
    if 0 < value < whole:
        text = {"100.0": "> 99.9", "0.0": "< 0.1"}.get(text, text)
    return f"{text.replace('.', ',')}\N{NO-BREAK SPACE}%" if language == "fr" else f"{text} %"


def duration(seconds: float | None) -> str:
    """The span as "8 s", "12 min" or "3 h 05"; a dash when not known."""
    if seconds is None:
        return "–"
    span = dt.timedelta(seconds=round(seconds))
    minutes = int(span.total_seconds()) // 60
    if minutes < 1:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"  # noqa: PLR2004
