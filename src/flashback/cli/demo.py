"""``demo``: the main job on the example issue, against a real SMTP server on this machine.

Each step is the very command a team would type. Nothing leaves the machine: the relay is started
here, on loopback, and puts what it accepts into a Maildir.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flashback import files, founding, resources
from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import Exit, FlashbackError
from flashback.sentences import tr

if TYPE_CHECKING:
    from flashback.demo_relay import DemoRelay

#: Takes the place of the example's own relay.
_RELAY = """\
[relay]
host = "127.0.0.1"
port = {port}
security = "none"
bounce_address = "bounces@example.org"
"""


@command(name="demo", example="flashback demo --output demo-workspace")
@option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-workspace"),
    help=mark("Folder to work in; an earlier demonstration there is replaced."),
)
def demo(output: Path) -> int:
    """Make a scratch workspace with 60 invented readers, and check, compose and send there."""
    _clear(output)
    with _relay(output / "maildir") as relay:
        _furnish(output, relay.port)
        show.say(
            tr("A newsletter with 60 invented readers, and an SMTP server at 127.0.0.1:{port}.",
               port=relay.port)
        )  # fmt: skip
        for arguments in (
            ["subscribers", "import", str(output / "readers.csv"), "--yes"],
            ["check", "issues/35"],
            ["compose", "issues/35", "-o", str(output / "out")],
            ["send", "issues/35", "--yes"],
        ):
            code = _step(output, arguments)
            if code != Exit.DONE:
                return code
        received = relay.received()
    click.echo()
    show.say(tr("Where to look:"), bold=True)
    show.say(tr("  what was composed   {path}", path=output / "out"))
    show.say(tr("  what arrived        {path}  ({count} messages)", path=output / "maildir",
                count=received))  # fmt: skip
    show.say(tr("  the account         flashback -C {path} report", path=output))
    return Exit.DONE


def _step(folder: Path, arguments: list[str]) -> int:
    """Show a command as it would be typed, and run it."""
    from flashback.cli.commands import flashback

    click.secho(f"\n$ flashback {' '.join(arguments)}", fg="cyan", bold=True)
    code = flashback.main(
        ["-C", str(folder), *arguments], prog_name="flashback", standalone_mode=False
    )
    return code if isinstance(code, int) else Exit.DONE


def _clear(folder: Path) -> None:
    """Remove an earlier demonstration, and nothing else."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / ".demonstration").exists():
        raise FlashbackError(
            tr("{folder} is not empty, and not a demonstration.", folder=folder),
            hint=tr("Name another: flashback demo --output FOLDER"),
        )
    shutil.rmtree(folder)


def _furnish(folder: Path, port: int) -> None:
    """Settings, key, example issue and readers."""
    files.make_folder(folder)
    files.write(folder / ".demonstration", b"")
    newsletter, _, _ = resources.example_settings().read_text(encoding="utf-8").partition("[relay]")
    files.write(folder / "flashback.toml", (newsletter + _RELAY.format(port=port)).encode())
    founding.found(folder)
    shutil.copytree(resources.example_issue(), folder / "issues" / "35")
    shutil.copyfile(resources.example_readers(), folder / "readers.csv")


@contextmanager
def _relay(maildir: Path) -> "Iterator[DemoRelay]":
    try:
        from flashback.demo_relay import DemoRelay
    except ImportError as error:
        raise FlashbackError(
            tr("The demonstration needs aiosmtpd."),
            hint=tr('Install it: pip install "flashback[demo]"'),
        ) from error
    relay = DemoRelay(maildir)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
