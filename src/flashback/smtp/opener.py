"""Connections opened in the background, so that a slow greeting holds up no message.

Each is opened by a thread of its own, by the blocking dialogue; what came of it is fetched by the
loop, which a bell wakes.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence

from flashback.smtp.dialogue import Dialogue
from flashback.smtp.host import Host

Opened = Dialogue | Exception
#: Whose connection, what came of it, and when it was begun.
Done = tuple[Host, Opened, float]


class Opener:
    """Opens connections; what that raises is handed out as well."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        self._pause = pause
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)

    def fileno(self) -> int:
        """Readable when something was opened, or failed."""
        return self._bell.fileno()

    def begin(self, host: Host, *, after: float) -> None:
        """Open a connection to a relay, after so many seconds."""
        host.pending += 1
        threading.Thread(target=self._open, args=(host, after), daemon=True).start()

    def take(self) -> Sequence[Done]:
        """What has come of openings since the last time."""
        found: list[Done] = []
        while True:
            try:
                found.append(self._done.get_nowait())
            except queue.Empty:
                break
            self._bell.recv(1)
        for host, *_ in found:
            host.pending -= 1
        return found

    def close(self) -> None:
        """Let go; connections that come later are hung up at once."""
        with self._lock:
            self._is_closed = True
            for _, opened, _ in self.take():
                _hang_up(opened)
            self._bell.close()
            self._rope.close()

    def _open(self, host: Host, after: float) -> None:
        self._pause(after)
        begun = time.monotonic()
        opened: Opened
        try:
            opened = host.open()
        except Exception as error:  # noqa: BLE001 - raised again by whoever fetches it
            opened = error
        with self._lock:
            if self._is_closed:
                _hang_up(opened)
                return
            # The bell rings first: whoever finds the entry finds a ring to take away.
            self._rope.send(b"\0")
            self._done.put((host, opened, begun))


def _hang_up(opened: Opened) -> None:
    if isinstance(opened, Dialogue):
        opened.close()
