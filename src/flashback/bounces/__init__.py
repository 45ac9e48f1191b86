"""What came back: octets of a mail to a report, to the delivery it is about, to a verdict.

Pure: reading mailboxes and writing to the store are left to others. Today only reports of the
standard kind (RFC 3464) are read; ``docs/bounces.md`` says what is not.
"""

from flashback.bounces.origin import delivery_of
from flashback.bounces.report import Action, Notice, Report, read
from flashback.bounces.verdict import Verdict, verdict

__all__ = ["Action", "Notice", "Report", "Verdict", "delivery_of", "read", "verdict"]
