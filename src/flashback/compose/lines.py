"""Plain text in lines of 72 columns, broken at ordinary spaces only.

A no-break space never opens a line, an address is never cut, and in Arabic every line isolates
its own Latin runs, for an isolate ends with its line (UAX #9, rule X8).
"""

import textwrap
from typing import Final

from flashback.compose import typography

COLUMNS: Final = 72


def wrap(text: str, language: str, first: str = "", rest: str = "") -> str:
    """Lines of at most 72 columns, unless one word is longer. Line ends in the text are kept."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(
            line,
            width=COLUMNS,
            initial_indent=rest if lines else first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
            # Tabs went with typography.clean; other spaces are the typographer's.
            expand_tabs=False,
            replace_whitespace=False,
        ) or [rest if lines else first]
    return "\n".join(typography.isolate(line.rstrip(" "), language) for line in lines)


def hang(text: str, mark: str) -> str:
    """Put a list mark before the first line and indent the others below it."""
    return mark + textwrap.indent(text, " " * len(mark))[len(mark) :]
