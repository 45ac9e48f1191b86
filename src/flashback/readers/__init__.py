"""What readers do for themselves, by a link in their mail: see who the link is for, and leave.

Shared by every door (web, command line). No I/O of its own: the address book, the key and the
clock are handed in. Showing it to people, and the rules of HTTP, are left to the door.
"""

from flashback.readers.leaving import Reader, leave, who
from flashback.readers.ports import Book, Clock

__all__ = ["Book", "Clock", "Reader", "leave", "who"]
