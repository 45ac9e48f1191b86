"""``import docx``: the Word file that a team has today becomes an issue."""

import datetime as dt
import json
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import Day, Group, mark, option
from flashback.errors import Exit
from flashback.model import EDITION_LANGUAGES
from flashback.sentences import tr
from flashback.workspace import Workspace

_LISTED = 12
_GUESSED = {
    "number": tr("The file does not say its number; {value} follows the last issue."),
    "date": tr("The file does not say its date; {value} is today."),
}


@click.group(name="import", cls=Group, example="flashback import docx review.docx")
def import_() -> None:
    """Begin an issue with a file from elsewhere."""


@import_.command(name="docx", example="flashback import docx review-36.docx")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@option("--number", help=mark("Number of the issue, if the file does not say it."))
@option(
    "--date",
    type=Day(),
    help=mark("Day of the issue (2026-03-06), if the file does not say it."),
)
@option("--language", type=click.Choice(EDITION_LANGUAGES), help=mark("Language of the issue."))
@option("--stdout", is_flag=True, help=mark("Print the text, and write nothing."))
@option("--json", "as_json", is_flag=True, help=mark("What was written, as one JSON object."))
@click.pass_obj
def docx(
    folder: str,
    file: Path,
    *,
    number: str | None,
    date: dt.datetime | None,
    language: str | None,
    stdout: bool,
    as_json: bool,
) -> int:
    """Turn a Word file into an issue file: sections, headlines, excerpts and links."""
    from flashback.workspace import importing

    workspace = Workspace.at(Path(folder))
    proposal = importing.propose(
        workspace, file, number=number, date=date.date() if date else None, language=language
    )
    issue = proposal.issue
    if stdout:
        click.echo(proposal.text, nl=False)
        found = []
    else:
        found = importing.write(workspace, proposal)
    if as_json and not stdout:
        told = {
            "file": str(proposal.file),
            "number": issue.number,
            "date": issue.date.isoformat(),
            "language": issue.language,
            "articles": len(issue.articles),
            "guessed": proposal.guessed,
            "left_out": [show.told(sentence) for sentence in proposal.left_out],
            "lost": proposal.lost,
            "findings": len(found),
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return Exit.DONE
    values = {"number": issue.number, "date": issue.date.isoformat()}
    for word in proposal.guessed:
        sentence = _GUESSED[word]
        show.say(tr(sentence.source, value=values[word]), err=True, fg="yellow")
    for sentence in proposal.left_out:
        show.say(sentence, err=True, fg="yellow")
    if proposal.lost:
        words = ", ".join(map(show.harmless, proposal.lost[:_LISTED]))
        show.say(
            tr("These words or links found no place; add them: {list}", list=words),
            err=True,
            fg="red",
        )
    if stdout:
        return Exit.DONE
    click.echo(f"  {proposal.file}")
    for section in issue.sections:
        for article in section.articles:
            place = f"{section.title}: " if section.title else ""
            click.echo(f"  · {show.harmless(place + article.headline)}")
    show.findings(found)
    show.say(tr("Read it through, then: flashback check {path}", path=proposal.file.parent))
    return Exit.DONE
