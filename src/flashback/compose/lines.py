"""Plain text in lines of 72 columns, broken at ordinary spaces only.

A no-break space never opens a line, an address is never cut, and in Arabic every line isolates
its own Latin runs, for an isolate ends with its line (UAX #9, rule X8).
"""

import textwrap
from typing import Final

from flashback.compose import typography

COLUMNS: Final = 72


def wrap(text: str, language: str, first: str = "", rest: str = "", columns: int = COLUMNS) -> str:
    """Lines of at most ``columns``, unless one word is longer. Line ends in the text are kept.

    ``first`` and ``rest`` stand before the first line and the others, outside of any isolate.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(
            line,
            width=columns,
            initial_indent=rest if lines else first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
            # Tabs went with typography.clean; other spaces are the typographer's.
            expand_tabs=False,
            replace_whitespace=False,
        ) or [rest if lines else first]
    marks = [first, *[rest] * (len(lines) - 1)]
    return "\n".join(
        (mark + typography.isolate(line[len(mark) :], language)).rstrip(" ")
        for mark, line in zip(marks, lines, strict=True)
    )


def hang(text: str, mark: str) -> str:
    """Put a list mark before the first line and indent the others below it."""
    return mark + textwrap.indent(text, " " * len(mark))[len(mark) :]
