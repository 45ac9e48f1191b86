"""``theme check``: whether the mail's colours can be read."""

import json
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import Group, mark, option
from flashback.errors import Exit
from flashback.sentences import Sentence, tr
from flashback.workspace import Workspace

_WORDS = {"light": tr("light"), "dark": tr("dark")}


@click.group(name="theme", cls=Group, example="flashback theme check")
def theme() -> None:
    """Look after the colours of the mail."""


@theme.command(name="check", example="flashback theme check")
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def check(folder: str, *, as_json: bool) -> int:
    """Compute the contrast of every text with its ground, in light and in dark."""
    from flashback.compose.contrast import NEEDED, Judged, judged

    def as_object(one: Judged) -> dict[str, object]:
        return {
            "scheme": one.scheme,
            "text": one.pair.ink,
            "ground": one.pair.ground,
            "where": show.told(one.pair.where),
            "colours": [one.ink, one.ground],
            "ratio": round(one.ratio, 2),
            "needed": NEEDED,
            "passes": one.passes,
            **({} if one.passes else {"better": one.better}),
        }

    found = list(judged(Workspace.at(Path(folder)).theme.tokens))
    faint = [one for one in found if not one.passes]
    if as_json:
        for one in found:
            click.echo(json.dumps(as_object(one), ensure_ascii=False))
        return Exit.FAILED if faint else Exit.DONE
    head = [tr("scheme"), tr("text"), tr("ground"), tr("contrast"), tr("where")]
    rows = (
        [
            show.told(_WORDS[one.scheme]),
            f"{one.pair.ink} {one.ink}",
            f"{one.pair.ground} {one.ground}",
            f"{one.ratio:5.2f} {'✓' if one.passes else '✗'}",
            show.told(one.pair.where),
        ]
        for one in found
    )
    show.table([show.told(word) for word in head], rows)
    for (scheme, ink), better in {(one.scheme, one.pair.ink): one.better for one in faint}.items():
        show.say(_offer(scheme, ink, better), fg="yellow")
    if not faint:
        show.say(tr("Every text can be read: {needed} and more.", needed=NEEDED), fg="green")
    return Exit.FAILED if faint else Exit.DONE


def _offer(scheme: str, ink: str, better: str) -> Sentence:
    """What to write for a text that cannot be read."""
    if not better:
        return tr(
            "No {ink} can be read on all its grounds in [{scheme}]: bring the grounds closer.",
            ink=ink, scheme=scheme,
        )  # fmt: skip
    return tr(
        'Too faint. Write in templates/email/tokens.toml, under [{scheme}]: {ink} = "{better}"',
        scheme=scheme, ink=ink, better=better,
    )  # fmt: skip
