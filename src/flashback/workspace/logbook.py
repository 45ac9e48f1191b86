"""The delivery log: a file of events for machines, beside the store, which is the truth."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from flashback.errors import StoreError
from flashback.model import Settlement
from flashback.sentences import Sentence, tr
from flashback.workspace.parts import Workspace


@contextmanager
def delivery_log(
    workspace: Workspace, warn: Callable[[Sentence], None]
) -> Iterator[Callable[[Sequence[Settlement]], None]]:
    """The file of delivery events; opened for appending, whole lines at a time.

    Raises StoreError when it cannot be opened. When it cannot be written later, that is told once
    and sending goes on: the store is the truth.
    """
    from flashback.dispatch import lines_of

    sending = workspace.config.sending
    if not sending.log:
        yield lambda _settlements: None
        return
    path = workspace.config.path(sending.log)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            tr(
                "The delivery log {file} cannot be written: {reason}.",
                file=path,
                reason=error.strerror,
            ),
            hint=tr('Name another under [sending] log, or write log = "" for none.'),
        ) from error
    broken = False

    def write(settlements: Sequence[Settlement]) -> None:
        nonlocal broken
        if broken:
            return
        lines = lines_of(settlements, addresses=sending.log_addresses)
        try:
            os.write(handle, lines.encode())
        except OSError as error:
            broken = True
            warn(
                tr(
                    "The delivery log {file} cannot be written ({reason}); sending goes on.",
                    file=path,
                    reason=error.strerror,
                )
            )

    try:
        yield write
    finally:
        os.close(handle)
