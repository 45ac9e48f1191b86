"""What an inbox shows of a mail: the subject, and the line beside it."""

from collections.abc import Iterator
from typing import Final

from flashback.model import Edition, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr

#: Characters. Gmail shows about 70 on a screen and 40 on a phone; here the end is lost everywhere.
LONGEST_SUBJECT: Final = 110
#: Few mail programs show more beside the subject.
LONGEST_PREVIEW: Final = 200


def remarks(edition: Edition) -> Iterator[Remark]:
    """Whether they are too long, and whether they say the same."""
    subject, preview = edition.subject, edition.preheader
    if len(subject) > LONGEST_SUBJECT:
        yield Remark(
            severity=Severity.WARNING,
            code="subject-long",
            sentence=tr(
                "The subject has {count} characters; inboxes show 40 to 70.", count=len(subject)
            ),
            remedy=tr("Begin with what matters, and leave the rest to the preview."),
        )
    if len(preview) > LONGEST_PREVIEW:
        yield Remark(
            severity=Severity.WARNING,
            code="preview-long",
            sentence=tr(
                "The preview has {count} characters; inboxes show 100 at most.",
                count=len(preview),
            ),
        )
    if preview and _bare(preview) == _bare(subject):
        yield Remark(
            severity=Severity.WARNING,
            code="preview-repeats",
            sentence=tr("The preview repeats the subject; inboxes show them side by side."),
            remedy=tr("Name in it what else the issue holds."),
        )


def _bare(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".… ")
