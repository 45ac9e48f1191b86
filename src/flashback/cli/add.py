"""``add``: an article of the issue being written, from the address of a page."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.trouble import explain
from flashback.errors import Exit, FlashbackError
from flashback.model import EDITION_LANGUAGES
from flashback.sentences import tr
from flashback.workspace import Workspace, clipping

if TYPE_CHECKING:
    from flashback.issues.appending import Place

_WIDEST = 300  #: characters of what a page says of itself


@command(
    name="add",
    example="flashback add https://news.example.org/microcredit --section Maroc",
)
@click.argument("urls", metavar="ADDRESS...", nargs=-1, required=True)
@option("--to", help=mark("The issue: number, folder or file (default: the newest)."))
@option("--section", help=mark("Section to add it to (default: the last one)."))
@option(
    "--language",
    type=click.Choice(EDITION_LANGUAGES),
    help=mark("Edition to add it to (default: the page's language, or the newsletter's)."),
)
@option(
    "--html",
    "saved",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=mark("Read the page from this file, saved by a browser; nothing is fetched."),
)
@option("--picture", is_flag=True, help=mark("Put the page's picture in as well."))
@option("--again", is_flag=True, help=mark("Add a page that an issue quotes already."))
@option("--yes", is_flag=True, help=mark("Do not ask before adding."))
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def add(
    folder: str,
    urls: tuple[str, ...],
    to: str | None,
    section: str | None,
    language: str | None,
    saved: Path | None,
    picture: bool,
    again: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Add articles to an issue, from the addresses of their pages (- reads them from a pipe)."""
    if not yes and ("-" in urls or as_json):
        raise click.UsageError(show.told(tr("Nobody can be asked then: add --yes.")))
    if saved and (len(urls) > 1 or "-" in urls):
        raise click.UsageError(show.told(tr("--html goes with one address.")))
    workspace = Workspace.at(Path(folder))
    wish = clipping.Wish(to=to, section=section, language=language, again=again, picture=picture)
    wanted = list(_every(urls))
    failures = [
        error
        for url in wanted
        if (error := _one(workspace, url, wish, saved, ask=not yes, as_json=as_json))
    ]
    if len(failures) < len(wanted):
        return Exit.REFUSALS if failures else Exit.DONE
    return failures[0].exit_code if failures else Exit.DONE


def _every(urls: Sequence[str]) -> Iterator[str]:
    """The addresses in their order; those from a pipe stand one a line."""
    for url in urls:
        if url != "-":
            yield url.strip()
            continue
        for line in sys.stdin.buffer.read().decode("utf-8", "replace").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def _one(
    workspace: Workspace,
    url: str,
    wish: clipping.Wish,
    saved: Path | None,
    *,
    ask: bool,
    as_json: bool,
) -> FlashbackError | None:
    """Add one; what went wrong is told, and answered."""
    try:
        if saved is None:
            clipping.refuse_quoted(workspace, url, wish)
            page = clipping.fetched(url, clipping.web(workspace))
        else:
            page = clipping.saved(url, saved)
        proposal, warnings = clipping.propose(workspace, url, page, wish)
        for warning in warnings:
            show.say(warning, err=True, fg="yellow")
        if not as_json:
            _tell(proposal)
        if saved and not (ask or proposal.article.headline):
            raise _headless(saved)
        if ask and not show.ask(tr("Add it?")):
            show.say(tr("Nothing was changed."))
            return None
        place = clipping.add(proposal)
    except FlashbackError as error:
        explain(error)
        if as_json:
            told = {"address": url, "error": str(error.sentence)}
            click.echo(json.dumps(told, ensure_ascii=False))
        return error
    if as_json:
        click.echo(json.dumps(as_object(proposal, place), ensure_ascii=False))
    else:
        show.say(
            tr("{file}:{line}: added. Write the quotation in its place, then: flashback check "
               "{file}", file=place.file, line=place.line),
            fg="green",
        )  # fmt: skip
    return None


def _headless(saved: Path) -> FlashbackError:
    """Why a file that may be anything is not added while nobody looks."""
    return FlashbackError(
        tr("No headline was found in {file}; nothing was added.", file=saved),
        hint=tr("Look whether it is the page you mean. If it is, add it without --yes."),
    )


def _tell(proposal: clipping.Proposal) -> None:
    """Show what is about to be added, and what the page says for the editor's eyes only."""
    article, clip = proposal.article, proposal.clip
    assert article.link
    place = tr("{file}, section “{section}”", file=proposal.file, section=proposal.section)
    click.secho(show.told(place) if proposal.section else str(proposal.file), bold=True)
    rows = (
        (tr("headline"), article.headline or show.told(tr("not found: write it yourself"))),
        (tr("source"), article.source),
        (tr("language"), article.language),
        (tr("link"), article.link.url),
        (tr("picture"), clip.image),
        (tr("page says"), clip.description[:_WIDEST]),
    )
    width = max(len(show.told(word)) for word, _ in rows)
    for word, value in rows:
        if value:
            click.echo(f"  {show.told(word):<{width}}  {show.harmless(value)}")
    if clip.image and not article.image:
        show.say(tr("  The picture stays where it is; to put it in: --picture"))


def as_object(proposal: clipping.Proposal, place: "Place") -> dict[str, object]:
    """What was added, for programs."""
    article, clip = proposal.article, proposal.clip
    assert article.link
    return {
        "address": proposal.given,
        "file": str(place.file),
        "line": place.line,
        "section": place.section,
        "headline": article.headline,
        "outlet": clip.outlet,
        "date": clip.date.isoformat() if clip.date else None,
        "language": article.language,
        "link": article.link.url,
        "image": clip.image or None,
        "description": clip.description or None,
    }
