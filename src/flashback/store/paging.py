"""Long work on a store in many short transactions, beside others who write.

A page is as large as what is done within about a tenth of a second. SQLite has one writer at a
time and no queue: whoever writes without a pause keeps the others out until they give up. So after
each page as much time is left to them as it took.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from flashback.store.engine import Store

#: Given a number and a limit: the next numbers after it, in order; none at the end.
Find = Callable[[Connection, int, int], Sequence[int]]
#: What is done with them in one transaction; how many it was done with.
Take = Callable[[Connection, Sequence[int]], int]

FIRST: Final = 20
LARGEST: Final = 500  #: one statement names them all: databases limit its parameters
_AIM: Final = 0.1  #: seconds


def pages(store: Store, find: Find, take: Take) -> Iterator[int]:
    """Take all that is found, page by page; after each, with how many something was done."""
    after, size = 0, FIRST
    while True:
        # Looking for them may take longer than changing them, and keeps nobody out.
        with store.read() as connection:
            numbers = find(connection, after, size)
        if not numbers:
            return
        with store.write() as connection:
            began = time.monotonic()
            done = take(connection, numbers)
        took = time.monotonic() - began
        yield done
        after, size = numbers[-1], resized(size, took)
        if store.one_machine:
            time.sleep(took)


def resized(size: int, took: float) -> int:
    """How large the next page is, after one that took so many seconds."""
    if took > _AIM:
        return max(size // 2, 1)
    return min(size * 2, LARGEST) if took < _AIM / 2 else size
