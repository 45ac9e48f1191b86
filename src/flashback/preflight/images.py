"""Pictures that travel with a mail: readers with a dear or slow line pay for them."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from flashback import pixels
from flashback.model import Edition, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr

_IMAGE: Final = re.compile(r"<img\b[^>]*>")
_CID: Final = re.compile(r"""\bsrc=["']cid:([^"']+)["']""")
_WIDTH: Final = re.compile(r"""\bwidth=["']([0-9]{1,5})["']""")
#: Screens draw two or three dots for a pixel; what is beyond nobody sees, and this much is dear.
_DENSEST: Final = 3
_DEAR: Final = 100_000
#: Octets of one picture, and of all of one edition.
HEAVY: Final = 250_000
HEAVY_TOGETHER: Final = 800_000


def remarks(edition: Edition) -> Iterator[Remark]:
    """Whether one picture, or all together, are heavier than they need be."""
    for image in edition.images:
        if len(image.content) > HEAVY:
            yield Remark(
                severity=Severity.WARNING,
                code="image-heavy",
                sentence=tr(
                    "A picture of {size} kB travels with every copy ({name}).",
                    size=len(image.content) // 1000,
                    name=image.filename,
                ),
                remedy=tr("Scale it down to 1200 pixels, and save it as JPEG."),
            )
    yield from _sizes(edition)
    together = sum(len(image.content) for image in edition.images)
    if together > HEAVY_TOGETHER:
        yield Remark(
            severity=Severity.WARNING,
            code="images-heavy",
            sentence=tr("The pictures make every copy {size} kB heavier.", size=together // 1000),
            remedy=tr("Scale them down, or host them and write their https address."),
        )


def _sizes(edition: Edition) -> Iterator[Remark]:
    """Whether a picture is drawn larger than it is, or is much larger than it is drawn."""
    drawn = _drawn(edition.html)
    for image in edition.images:
        found, width = pixels.recognised(image.content), drawn.get(image.content_id, 0)
        if not (found and width):
            continue
        if found.width < width:
            yield Remark(
                severity=Severity.WARNING,
                code="image-small",
                sentence=tr(
                    "A picture of {own} pixels is drawn {drawn} wide, and blurred ({name}).",
                    own=found.width,
                    drawn=width,
                    name=image.filename,
                ),
                remedy=tr("Take one of {width} pixels.", width=2 * width),
            )
        elif found.width > _DENSEST * width and len(image.content) > _DEAR:
            yield Remark(
                severity=Severity.WARNING,
                code="image-large",
                sentence=tr(
                    "A picture of {own} pixels is drawn {drawn} wide ({name}).",
                    own=found.width,
                    drawn=width,
                    name=image.filename,
                ),
                remedy=tr("Scale it down to {width} pixels.", width=2 * width),
            )


def _drawn(html: str) -> Mapping[str, int]:
    """How wide each picture of the message is drawn at most, in pixels."""
    found: dict[str, int] = {}
    for tag in _IMAGE.findall(html):
        source, width = _CID.search(tag), _WIDTH.search(tag)
        if source and width:
            found[source[1]] = max(found.get(source[1], 0), int(width[1]))
    return found
