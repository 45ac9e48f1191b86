"""Pictures: an https address, or a PNG, JPEG or GIF file beside the issue.

Promises that a local picture that passes exists, lies inside the issue's folder (links followed)
and begins like what its readers can show. Sizes and pixels are looked at by others.
"""

from pathlib import Path
from typing import Final
from urllib.parse import unquote

from flashback.issues.remarks import Desk, short
from flashback.issues.urls import checked
from flashback.sentences import tr

_SIGNATURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def usable(source: str, alt: str, line: int, desk: Desk) -> str:
    """The source as it goes into the issue; empty when it must not, and then remarked upon."""
    if not alt:
        desk.remarks.warning(
            line,
            "image-alt-missing",
            tr(
                "The picture “{source}” has no words for those who cannot see it.",
                source=short(source),
            ),
            tr("Say in a few words what it shows: {example}", example=f"![…]({short(source)})"),
        )
    scheme, colon, _ = source.partition(":")
    if source.startswith("//") or (colon and "/" not in scheme):
        return _remote(source, line, desk)
    return _local(source, line, desk)


def _remote(source: str, line: int, desk: Desk) -> str:
    if source.lower().startswith("https:"):
        return checked(source, line, desk.remarks)
    desk.remarks.error(
        line,
        "image-address",
        tr(
            "The picture “{source}” can be neither a file nor an https address.",
            source=short(source),
        ),
        tr("Put the file beside the issue and write its name, or an address from https:// on."),
    )
    return ""


def _local(source: str, line: int, desk: Desk) -> str:
    if desk.folder is None:
        return source
    folder = desk.folder
    for name in dict.fromkeys((source, unquote(source))):
        try:
            place = (folder / name).resolve()
            if not place.is_relative_to(folder.resolve()):
                return _outside(source, line, desk)
            if place.is_file():
                return _shown(name, place, line, desk)
        except (OSError, RuntimeError, ValueError):
            # A name too long, a circle of links, an octet no name can hold: no such file.
            continue
    desk.remarks.error(
        line,
        "image-missing",
        tr("There is no picture “{source}” beside the issue.", source=short(source)),
        tr("Copy the file into the issue's folder, or correct its name (capitals count)."),
    )
    return ""


def _outside(source: str, line: int, desk: Desk) -> str:
    desk.remarks.error(
        line,
        "image-outside",
        tr("The picture “{source}” lies outside the issue's folder.", source=short(source)),
        tr("Copy the file into the issue's folder and write only its name."),
    )
    return ""


def _shown(name: str, place: Path, line: int, desk: Desk) -> str:
    with place.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(_SIGNATURES):
        return name
    desk.remarks.error(
        line,
        "image-type",
        tr("The picture “{source}” is neither PNG nor JPEG nor GIF.", source=short(name)),
        tr("Save it as PNG or JPEG: many mail programs show nothing else."),
    )
    return ""
