"""Word files (.docx, ECMA-376) to manuscripts: text, looks and links, and nothing that could harm.

What the lines mean is said elsewhere (``issues.manuscripts``); here they are only read.
"""

from flashback.word.reading import read_docx

__all__ = ["read_docx"]
