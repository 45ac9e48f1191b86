"""Ways out of the house that are no SMTP: a program of this machine, a folder, a file.

Each keeps the promises of ``dispatch.ports.Transport``: one outcome for every message taken, and
nothing beyond the point of no return that was not noted before. ``turns`` is what they share.
"""

from flashback.outlets.maildir import Maildir
from flashback.outlets.mbox import Mbox
from flashback.outlets.sendmail import Sendmail

__all__ = ["Maildir", "Mbox", "Sendmail"]
