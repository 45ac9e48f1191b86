"""``bounces``: what reports of failed mail say, and what follows from them. Changes nothing yet."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from flashback.bounces import Notice, Verdict, delivery_of, read, verdict
from flashback.cli import show
from flashback.cli.house import Group, mark, option
from flashback.sentences import tr
from flashback.workspace import Workspace

VERDICT_WORDS: Final = {
    Verdict.DEAD: tr("dead address"),
    Verdict.FULL: tr("mailbox full"),
    Verdict.LATER: tr("passing trouble"),
    Verdict.BLOCKED: tr("blocked"),
    Verdict.UNCERTAIN: tr("uncertain"),
    Verdict.NO_FAILURE: tr("no failure"),
}


@click.group(name="bounces", cls=Group, example="flashback bounces read Maildir")
def bounces() -> None:
    """Read reports of failed mail."""


@bounces.command(name="read", example="flashback bounces read Maildir/")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=Path)
)
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@click.pass_obj
def read_(folder: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Read reports from mails, Maildirs or standard input (-), and say what they mean."""
    key = Workspace.at(Path(folder)).key
    rows: list[tuple[str, ...]] = []
    mails = reports = 0
    for name, octets in _mails(paths):
        mails += 1
        report = read(octets)
        if report is None:
            continue
        reports += 1
        number = delivery_of(report, key)
        for notice in report.notices:
            if as_json:
                click.echo(json.dumps({"mail": name, **as_object(notice, number)}))
            rows.append(_row(name, notice, number))
    if as_json:
        return
    if rows:
        words = tr("delivery"), tr("recipient"), tr("verdict"), tr("status"), tr("mail"), tr("said")
        show.table([show.told(word) for word in words], rows)
    show.say(
        tr("{mails} mails, {reports} of them reports. Nothing was changed.", mails=mails,
           reports=reports)
    )  # fmt: skip


def as_object(notice: Notice, delivery: int | None) -> dict[str, object]:
    """A notice for programs."""
    return {
        "delivery": delivery,
        "recipient": notice.recipient,
        "action": notice.action.value,
        "verdict": verdict(notice).value,
        "status": notice.reply_status or notice.status,
        "diagnostic": notice.diagnostic,
    }


def _row(name: str, notice: Notice, delivery: int | None) -> tuple[str, ...]:
    cells = (
        show.told(tr("not ours")) if delivery is None else str(delivery),
        notice.recipient,
        show.told(VERDICT_WORDS[verdict(notice)]),
        notice.reply_status or notice.status,
        name,
        notice.diagnostic,
    )
    # Strangers wrote this; no control character of theirs reaches the terminal.
    return tuple("".join(c if c.isprintable() else " " for c in cell) for cell in cells)


def _mails(paths: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    """Each mail with its name: files, all files of a Maildir or of a plain folder, or stdin."""
    for path in paths:
        if path == Path("-"):
            yield "-", sys.stdin.buffer.read()
        elif not path.is_dir():
            yield path.name, path.read_bytes()
        else:
            boxes = [path / box for box in ("new", "cur") if (path / box).is_dir()] or [path]
            files = (file for box in boxes for file in sorted(box.iterdir()) if file.is_file())
            yield from ((file.name, file.read_bytes()) for file in files)
