"""``demo``: the main job on the example issue, against a real SMTP server on this machine.

Each step is the very command a team would type. Nothing leaves the machine: the relay is started
here, on loopback, and puts what it accepts into a Maildir.
"""

import shutil
import sys
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

#: Marks a folder that the demonstration may empty again.
_SIGN = ".demonstration"


@command(name="demo", example="flashback demo --output demo-workspace")
@option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-workspace"),
    help=mark("Folder to work in; an earlier demonstration there is replaced."),
)
def demo(output: Path) -> int:
    """Make a scratch workspace with 60 invented readers, and check, compose and send there."""
    kind = _relay_kind()
    _prepare(output)
    with _running(kind(output / "maildir")) as relay:
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
    program = "flashback" if shutil.which("flashback") else sys.argv[0]
    show.say(tr("  the account         {program} -C {path} report", program=program, path=output))
    show.say(tr("The SMTP server of the demonstration has ended; the folder stays."))
    return Exit.DONE


def _step(folder: Path, arguments: list[str]) -> int:
    """Show a command as it would be typed, and run it."""
    from flashback.cli.commands import flashback

    typed = " ".join(["flashback", "-C", str(folder), *arguments])
    click.secho(f"\n$ {typed}", fg="cyan", bold=True)
    code = flashback.main(
        ["-C", str(folder), *arguments], prog_name="flashback", standalone_mode=False
    )
    return code if isinstance(code, int) else Exit.DONE


def _prepare(folder: Path) -> None:
    """Empty the folder of an earlier demonstration, and of nothing else; mark it as ours.

    The folder itself stays, for it may be the one we stand in. The mark is there from first to
    last, so that a demonstration that failed never stands in the way of the next.
    """
    files.make_folder(folder)
    sign = folder / _SIGN
    try:
        there = [path for path in folder.iterdir() if path != sign]
        if there and not sign.exists():
            raise FlashbackError(
                tr("{folder} is not empty, and not a demonstration.", folder=folder),
                hint=tr("Name another: flashback demo --output FOLDER"),
            )
        for path in there:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise files.cannot_write(folder, error) from error
    files.write(sign, b"")


def _furnish(folder: Path, port: int) -> None:
    """Settings, key, example issue and readers."""
    newsletter, _, _ = resources.example_settings().read_text(encoding="utf-8").partition("[relay]")
    files.write(folder / "flashback.toml", (newsletter + _RELAY.format(port=port)).encode())
    founding.found(folder)
    shutil.copytree(resources.example_issue(), folder / "issues" / "35")
    shutil.copyfile(resources.example_readers(), folder / "readers.csv")


def _relay_kind() -> "type[DemoRelay]":
    try:
        from flashback.demo_relay import DemoRelay
    except ImportError as error:
        raise FlashbackError(
            tr("The demonstration needs aiosmtpd."),
            hint=tr("Install it: {command}", command=resources.installs("demo")),
        ) from error
    return DemoRelay


@contextmanager
def _running(relay: "DemoRelay") -> "Iterator[DemoRelay]":
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
