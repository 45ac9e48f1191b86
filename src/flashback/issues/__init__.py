"""Issues: text files to frozen issues, with findings about them, and back.

Promises that no text makes it raise, that every finding names its line and the way out, and that
nothing an editor wrote is lost without a finding. Leaves typography, pictures' pixels and whether
links answer to others. The format is told in ``docs/issue-format.md``.
"""

from flashback.issues.files import read_issue, read_issues
from flashback.issues.reading import Reading, parse
from flashback.issues.writing import next_issue, written

__all__ = ["Reading", "next_issue", "parse", "read_issue", "read_issues", "written"]
