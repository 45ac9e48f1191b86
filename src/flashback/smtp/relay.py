"""The transport over SMTP: several lines to one or more relays at once, one outcome per message.

Sender and reader are never confused: what is about us raises TransportError, and what may be either
waits in ``doubt`` until the next readers have told.
"""

import datetime as dt
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flashback.config import RelayConfig
from flashback.errors import TransportError
from flashback.model import Message, Outcome
from flashback.smtp import faults
from flashback.smtp.errand import BeforeFinalDot, Errand, Wait
from flashback.smtp.host import Host
from flashback.smtp.opener import Opener
from flashback.smtp.pool import Pool

_PARTING_SECONDS: Final = 5.0


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Relays:
    """SMTP servers that take our mail, by their weights. Not for two threads at once."""

    def __init__(
        self, hosts: Sequence[Host], *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._hosts = tuple(hosts)
        self._pause = pause
        self._at_work: tuple[Pool, Opener] | None = None

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Open (and log in) on entry, part politely on exit. Raises TransportError.

        One relay that lets us in is enough; the others are called when there is work for them.
        """
        pool = self._first_line()
        opener = Opener(self._pause)
        pool.watch(opener)
        self._at_work = pool, opener
        try:
            yield
        finally:
            self._at_work = None
            opener.close()
            patience = max(host.config.command_seconds for host in self._hosts)
            pool.part(seconds=min(patience, _PARTING_SECONDS))

    def send(
        self, messages: Iterator[Message | Wait], before_final_dot: BeforeFinalDot
    ) -> Generator[Sequence[Outcome], None, None]:
        """Yield outcomes as they become known, at least twice a second; one for every message.

        Raises TransportError when no more can be sent, after the outcomes of all messages taken.
        Whatever else is raised here, and closing the generator, hangs up without another final
        dot. Use within ``connected``.
        """
        assert self._at_work is not None
        pool, opener = self._at_work
        errand = Errand(self._hosts, iter(messages), before_final_dot, pool, opener)
        is_in_order = False
        try:
            yield from errand.run()
            is_in_order = True
        except TransportError:
            # The line's own end; one that came from the caller's side still finds lines busy.
            is_in_order = pool.is_idle
            raise
        finally:
            if not is_in_order:
                pool.hang_up()

    def _first_line(self) -> Pool:
        pool, errors = Pool(), list[TransportError]()
        for host in self._hosts:
            host.begin()
        for host in sorted(self._hosts, key=lambda host: -host.config.weight):
            try:
                line = host.connection(host.open())
            except TransportError as error:
                host.error = error
                errors.append(error)
                continue
            if line is not None:
                pool.add(host, line)
                return pool
            host.error = faults.breaks_off(host.config)
            errors.append(host.error)
        raise errors[0]


class Relay(Relays):
    """One SMTP server that takes our mail."""

    def __init__(
        self,
        config: RelayConfig,
        password: Callable[[], str] | None = None,
        clock: Callable[[], dt.datetime] = _now,
        ca_file: Path | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__([Host(config, password, clock, ca_file)], pause=pause)
