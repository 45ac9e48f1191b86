"""Rosters: files of people, read whoever wrote them, and written so that nothing is lost.

``opened`` recognises a file and hands out entries and refusals, row by row; ``WRITERS`` write facts
that it takes back unharmed. The store decides what becomes of an entry.
"""

from flashback.rosters import rejects
from flashback.rosters.reading import FORMATS, Roster, opened
from flashback.rosters.sheet import Sheet
from flashback.rosters.writing import WRITERS

__all__ = ["FORMATS", "WRITERS", "Roster", "Sheet", "opened", "rejects"]
