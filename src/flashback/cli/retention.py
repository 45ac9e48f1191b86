"""``subscribers purge``: what is kept longer than the settings say goes, for good."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.sentences import Sentence, tr
from flashback.workspace import Workspace, retention

if TYPE_CHECKING:
    from flashback.store.retention import Due

_WORDS: Final = {
    "unconfirmed": tr("people who never confirmed in {days} days"),
    "unsubscribed": tr("people who left more than {days} days ago"),
    "suppressed": tr("confirmed people to whom mail has been forbidden for {days} days"),
    "replies": tr("copies about which servers’ words are older than {days} days"),
}


@command(
    name="purge",
    example="flashback subscribers purge --dry-run",
    help=mark("Delete what is kept longer than [retention] in flashback.toml says."),
)
@option("--dry-run", is_flag=True, help=mark("Only show what would happen."))
@option("--yes", is_flag=True, help=mark("Do not ask."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object; asks nothing."))
@click.pass_obj
def purge(folder: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what is due; erase it once confirmed. A run that was interrupted is run again."""
    workspace = Workspace.at(Path(folder))
    due = retention.due(workspace)
    is_any = any(one.count for one in due.values())
    if not as_json:
        _show(retention.days(workspace), due)
    wanted = bool(due) and not dry_run and (yes or not as_json)
    if wanted and is_any and not yes and not show.ask(tr("Delete it for good?")):
        wanted = False
    done: Mapping[str, int] = {}
    if wanted:  # also where nothing is due: a purge that was killed may have left its log
        with show.stages(tr("Purging")) as told:
            done = retention.purge(workspace, told)
    if as_json:
        click.echo(
            json.dumps(_as_object(retention.days(workspace), due, done, is_done=wanted and is_any))
        )
    elif wanted and is_any:
        _tell(done)
    else:
        show.say(tr("Nothing was changed."))


def _show(days: Mapping[str, int], due: "Mapping[str, Due]") -> None:
    if not due:
        show.say(tr("Everything is kept for ever: no time is set under [retention]."), fg="yellow")
    for kind, one in due.items():
        sentence = show.told(Sentence(_WORDS[kind].source, {"days": days[kind]}))
        since = ""
        if one.oldest:
            since = show.told(tr("; the first since {date}", date=f"{one.oldest:%Y-%m-%d}"))
        click.echo(f"  {one.count:>7,}  {sentence}{since}")


def _tell(done: Mapping[str, int]) -> None:
    copies = done.get("replies", 0)
    if people := sum(done.values()) - copies:
        show.say(tr("{people} people are erased.", people=people), fg="green")
    if copies:
        words = tr("Of what servers said about {copies} copies, the codes are left.", copies=copies)
        show.say(words, fg="green")


def _as_object(
    days: Mapping[str, int], due: "Mapping[str, Due]", done: Mapping[str, int], *, is_done: bool
) -> dict[str, object]:
    found: dict[str, object] = {"done": is_done}
    for kind, number in days.items():
        one = due.get(kind)
        found[kind] = {
            "days": number,
            "due": one.count if one else 0,
            "oldest": one.oldest.isoformat() if one and one.oldest else None,
            "purged": done.get(kind, 0),
        }
    return found
