"""``preview``: the issue in a browser, drawn again whenever its file is saved."""

from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.cli.web import until_told
from flashback.sentences import tr

_HERE = "127.0.0.1"


@command(name="preview", example="flashback preview issues/36")
@click.argument("issue", required=False)
@option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8026,
    help=mark("Listen at this port; 0 takes any free one."),
)
@option(
    "--as", "address", default="", metavar="ADDRESS", help=mark("Show it as this reader gets it.")
)
@option("--open", "opens", is_flag=True, help=mark("Open the page in a browser."))
@click.pass_obj
def preview(folder: str, issue: str | None, *, port: int, address: str, opens: bool) -> None:
    """Show the issue in a browser on this machine, and again each time a file is saved."""
    from flashback.web import listen
    from flashback.web.preview import preview_application
    from flashback.workspace.previewing import Preview

    shown = Preview(Path(folder), issue)
    if address:
        shown.reader(address)
    page = preview_application(shown, language=show.language(), address=address)
    server = listen(page, host=_HERE, port=port)
    with until_told(server):
        show.say(tr("{path} is shown at {url}/", path=shown.path, url=server.url), err=True)
        show.say(tr("Save the file, and the page follows. Ctrl-C ends it."), err=True)
        if opens:
            click.launch(f"{server.url}/")
        server.serve_forever(poll_interval=0.2)
    server.end()
