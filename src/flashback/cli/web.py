"""``serve``: the page where readers leave, behind a web server that does https."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.sentences import tr
from flashback.workspace import Workspace

if TYPE_CHECKING:
    from flashback.web import Server

_HERE: Final = ("127.", "::1", "localhost")


@command(name="serve", example="flashback serve --port 8025")
@option("--host", default="127.0.0.1", help=mark("Listen at this address of the machine."))
@option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8025,
    help=mark("Listen at this port; 0 takes any free one."),
)
@click.pass_obj
def serve(folder: str, host: str, port: int) -> None:
    """Show the page behind the unsubscribe link, until Ctrl-C or SIGTERM."""
    from flashback.web import application, listen

    workspace = Workspace.at(Path(folder))
    answers = application(
        workspace.config, book=workspace.subscribers, key=workspace.key, clock=workspace.clock
    )
    server = listen(answers, host=host, port=port)
    link = workspace.config.links.unsubscribe
    if not host.startswith(_HERE):
        show.say(
            tr("Others can reach this port. Put https before it: docs/unsubscribe.md says how."),
            err=True,
            fg="yellow",
        )
    with until_told(server):
        show.say(tr("{link} is answered at {url}.", link=link, url=server.url), err=True)
        server.serve_forever(poll_interval=0.2)
    if not server.end():
        show.say(tr("Some requests did not end and were cut off."), err=True, fg="yellow")
    workspace.store.close()
    show.say(tr("Ended."), err=True)


@contextmanager
def until_told(server: "Server") -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the server once; a second Ctrl-C ends the program."""

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        # Not from here: shutdown waits for the very loop that this has interrupted.
        threading.Thread(target=server.shutdown, daemon=True).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
