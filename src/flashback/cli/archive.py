"""``archive``: the issues that were sent, as a site of plain files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import Exit
from flashback.sentences import tr
from flashback.workspace import Workspace

if TYPE_CHECKING:
    from flashback.workspace.shelf import Shelf, Written


@command(name="archive", example="flashback archive 36 -o public")
@click.argument("issues", nargs=-1)
@option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("public"),
    help=mark("Folder to write to (default: public)."),
)
@option("--all", "everything", is_flag=True, help=mark("Every issue up to today, sent or not."))
@option("--pdf", is_flag=True, help=mark("A PDF file of every edition as well."))
@option("--json", "as_json", is_flag=True, help=mark("What was written, as one JSON object."))
@click.pass_obj
def archive(
    folder: str,
    issues: tuple[str, ...],
    *,
    output: Path,
    everything: bool,
    pdf: bool,
    as_json: bool,
) -> int:
    """Write a site of all issues that were sent, and of those named: pages, search, feed."""
    from flashback.workspace import shelf

    workspace = Workspace.at(Path(folder))
    with show.stages(tr("Typesetting")) as tell:
        found = shelf.gather(workspace, also=issues, everything=everything, tell=tell)
    contents = dict(shelf.build(workspace, found, pdf=pdf))
    if pdf:
        from flashback.workspace import printing

        with show.stages(tr("Printing")) as tell:
            contents |= printing.printed(workspace, found, output, tell=tell)
    written = shelf.write(output, contents)
    for item in found.left_out:
        show.say(
            tr("Issue {number} is left out. {reason}", number=item.number, reason=item.reason),
            err=True,
            fg="yellow",
        )
    if as_json:
        click.echo(json.dumps(_as_object(workspace, found, written), ensure_ascii=False))
    else:
        show.say(
            tr(
                "{folder}: {issues} editions, {files} files; {changed} written, {removed} removed.",
                folder=output,
                issues=len(found.sheets),
                files=written.files,
                changed=written.changed,
                removed=written.removed,
            )
        )
        show.say(tr("Copy the folder to {url}", url=shelf.places(workspace).root))
    return Exit.REFUSALS if found.left_out else Exit.DONE


def _as_object(workspace: Workspace, found: "Shelf", written: "Written") -> dict[str, object]:
    from flashback.workspace import shelf

    places = shelf.places(workspace)
    return {
        "folder": str(written.folder),
        "url": places.root,
        "files": written.files,
        "written": written.changed,
        "removed": written.removed,
        "editions": [
            {
                "number": sheet.number,
                "language": sheet.language,
                "date": sheet.date.isoformat(),
                "url": places.url(places.page(sheet.number, sheet.language)),
            }
            for sheet in found.sheets
        ],
        "left_out": [
            {"number": item.number, "reason": show.told(item.reason)} for item in found.left_out
        ],
    }
