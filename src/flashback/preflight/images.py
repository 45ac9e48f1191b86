"""Pictures that travel with a mail: readers with a dear or slow line pay for them."""

from collections.abc import Iterator
from typing import Final

from flashback.model import Edition, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr

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
    together = sum(len(image.content) for image in edition.images)
    if together > HEAVY_TOGETHER:
        yield Remark(
            severity=Severity.WARNING,
            code="images-heavy",
            sentence=tr("The pictures make every copy {size} kB heavier.", size=together // 1000),
            remedy=tr("Scale them down, or host them and write their https address."),
        )
