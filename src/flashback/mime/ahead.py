"""Messages made a little ahead of their turn, by several threads.

Signing with RSA is most of a message's work, and happens outside of Python's lock: two threads on
two cores sign nearly twice as many. Without signers there is nothing to gain. Building has no
effect on anything, so a message that was made and is not wanted after all costs its making only.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final

from flashback.model import Claim, Message

#: Claims handed to a thread at a time: enough to hide the handing over.
_BATCH: Final = 8
#: Messages in order, and what kept the next one from being made.
_Made = tuple[Sequence[Message], Exception | None]


def ahead(
    build: Callable[[Claim], Message], claims: Iterable[Claim], *, threads: int
) -> Generator[Message, None, None]:
    """Messages in the order of their claims; ``threads`` + 1 batches of eight are under way.

    What ``build`` raises is raised at the turn of that message, after all that come before it.
    """
    remaining = iter(claims)
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="flashback-build") as pool:
        try:
            while batch := list(islice(remaining, _BATCH)):
                waiting.append(pool.submit(_make, build, batch))
                if len(waiting) > threads:
                    yield from _taken(waiting.popleft())
            while waiting:
                yield from _taken(waiting.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _make(build: Callable[[Claim], Message], batch: Sequence[Claim]) -> _Made:
    messages: list[Message] = []
    try:
        # What was made before the trouble stays in the list.
        messages.extend(build(claim) for claim in batch)
    except Exception as error:  # noqa: BLE001  # raised where the message is wanted
        return messages, error
    return messages, None


def _taken(made: "Future[_Made]") -> Iterator[Message]:
    messages, error = made.result()
    yield from messages
    if error:
        raise error
