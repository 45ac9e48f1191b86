"""How fast a mailing goes, and how long it still takes: from accounts seen one after another."""

import datetime as dt
from collections import deque
from dataclasses import dataclass
from typing import Final

from flashback.model import Account, DeliveryState, Mailing, MailingState

#: Seconds over which the speed is taken: long enough to be steady, short enough to be true.
_SPAN: Final = 60.0
_MOVING: Final = frozenset({MailingState.OPEN, MailingState.SCHEDULED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A mailing at one moment, and its speed until then."""

    mailing: Mailing
    account: Account
    at: dt.datetime
    per_minute: float | None  #: accepted; None: not known yet
    left: dt.timedelta | None  #: until nothing waits for its turn; None: nobody can say

    @property
    def moving(self) -> bool:
        """Whether more may come without anybody's doing."""
        return self.mailing.state in _MOVING and self.account.open > 0

    @property
    def waiting(self) -> int:
        """Copies whose turn comes as soon as those before them have left."""
        return self.account[DeliveryState.PLANNED] + self.account[DeliveryState.CLAIMED]

    @property
    def share(self) -> float:
        """How much of the audience has its end, from 0 to 1."""
        return 1 - self.account.open / max(self.account.audience, 1)


class Watch:
    """Remembers what was seen in the last minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[dt.datetime, int, int]] = deque()

    def seen(self, mailing: Mailing, account: Account, at: dt.datetime) -> Watched:
        """The mailing as it stands now, with its speed over the last minute."""
        waiting = account[DeliveryState.PLANNED] + account[DeliveryState.CLAIMED]
        self._seen.append((at, account[DeliveryState.ACCEPTED], waiting))
        while len(self._seen) > 2 and (at - self._seen[1][0]).total_seconds() >= _SPAN:  # noqa: PLR2004
            self._seen.popleft()
        then, accepted, waited = self._seen[0]
        seconds = (at - then).total_seconds()
        per_minute = left = None
        if seconds > 0:
            per_minute = max(account[DeliveryState.ACCEPTED] - accepted, 0) * 60 / seconds
            if waited > waiting:
                left = dt.timedelta(seconds=waiting * seconds / (waited - waiting))
        return Watched(mailing=mailing, account=account, at=at, per_minute=per_minute, left=left)
