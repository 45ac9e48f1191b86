"""SpamAssassin asked about an edition, on this machine and without a network."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from flashback.errors import FlashbackError
from flashback.model import Edition, Finding, Issue
from flashback.sentences import tr
from flashback.workspace import mailroom
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.preflight.spam import Rule

_PROGRAM: Final = "spamassassin"
_PATIENCE: Final = 120.0  #: seconds for one message; it takes one or two


def look(
    workspace: Workspace, issues: Sequence[Issue], editions: Sequence[Edition]
) -> Iterator[Finding]:
    """What SpamAssassin has against each edition, in their order. Raises FlashbackError."""
    from flashback.preflight.look import findings_of
    from flashback.preflight.spam import remarks

    for issue, edition in zip(issues, editions, strict=True):
        _, _, message = mailroom.preview(workspace, edition)
        yield from findings_of(issue, remarks(judged(message)))


def judged(message: bytes) -> "tuple[Rule, ...]":
    """The rules that a message meets. Raises FlashbackError when there is nobody to ask."""
    from flashback.preflight.spam import rules_of

    program = shutil.which(_PROGRAM)
    if program is None:
        raise FlashbackError(
            tr("SpamAssassin is not installed here."),
            hint=tr("On Debian: sudo apt-get install spamassassin. It needs no server."),
        )
    try:
        # -L: nobody is asked over the network. -t: the report follows, whatever the verdict.
        done = subprocess.run(  # noqa: S603  # a fixed program; the message is its input
            [program, "-L", "-t"], input=message, capture_output=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FlashbackError(
            tr("SpamAssassin did not answer: {reason}", reason=error),
            hint=tr("Try it by hand: {command}", command="spamassassin --lint"),
        ) from error
    return rules_of(done.stdout.decode("utf-8", "replace"))
