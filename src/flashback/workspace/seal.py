"""A seal beside the store: how much was accepted when a sender last looked.

A database that says less than the seal is an old copy that somebody put back. To it, copies that
readers have are still to be sent. The seal lies in a folder of its own, so that restoring a
database file leaves it; who restores the whole folder restores the seal too, and is not warned.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Final

from flashback import files
from flashback.errors import FlashbackError
from flashback.model import Account, DeliveryState, Settlement
from flashback.workspace.parts import JOURNALS, Workspace

_PLACE: Final = f"{JOURNALS}/seal"
#: How many mailings back the seal remembers.
_KEPT: Final = 20
#: Seconds between two writings while a mailing runs.
_EVERY: Final = 1.0


def is_broken(workspace: Workspace) -> bool:
    """Whether the database says less than was known here: a mailing or a 250 is missing."""
    sealed = _read(workspace)
    if not sealed:
        # Where something was begun there was a seal: the database alone was put here.
        recent = workspace.ledger.mailings(limit=_KEPT)
        return any(_was_begun(workspace.ledger.account(mailing.id)) for mailing in recent)
    known = {mailing.id for mailing in workspace.ledger.mailings(limit=2 * _KEPT)}
    if max(sealed) > max(known, default=0):
        return True
    there = (number for number in sealed if number in known)
    return any(_taken(workspace.ledger.account(n)) < sealed[n] for n in there)


def _was_begun(account: Account) -> bool:
    return bool(
        _taken(account) or account[DeliveryState.CLAIMED] or account[DeliveryState.IN_DOUBT]
    )


def renew(workspace: Workspace) -> None:
    """Seal what the database says now, whatever the seal said before."""
    _write(
        workspace,
        {
            mailing.id: _taken(workspace.ledger.account(mailing.id))
            for mailing in workspace.ledger.mailings(limit=_KEPT)
        },
    )


def set_on(workspace: Workspace, mailing_id: int, account: Account) -> None:
    """Seal one mailing's account; never less than was sealed."""
    _raise(workspace, mailing_id, _taken(account))


class Sealing:
    """Renews the seal every few seconds while a mailing runs; told of what is durable."""

    def __init__(self, workspace: Workspace, mailing_id: int, account: Account) -> None:
        self._workspace = workspace
        self._mailing_id = mailing_id
        self._accepted = _taken(account)
        self._next = 0.0

    def tell(self, settlements: Sequence[Settlement]) -> None:
        """Count outcomes."""
        self._accepted += [one.state for one in settlements].count(DeliveryState.ACCEPTED)
        if (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            _raise(self._workspace, self._mailing_id, self._accepted)


def _taken(account: Account) -> int:
    """What only grows: a 250, and what came of it later."""
    return account[DeliveryState.ACCEPTED] + account[DeliveryState.BOUNCED]


def _raise(workspace: Workspace, mailing_id: int, accepted: int) -> None:
    sealed = _read(workspace)
    highest = max(accepted, sealed.get(mailing_id, 0))
    _write(workspace, {**sealed, mailing_id: highest})


def _read(workspace: Workspace) -> dict[int, int]:
    """What is sealed; nothing where there is no seal, or none that can be read."""
    try:
        text = workspace.config.path(_PLACE).read_text(encoding="ascii")
        return {int(number): int(accepted) for number, accepted in json.loads(text).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError):
        # A seal that was spoilt warns of nothing; the next one is whole.
        return {}


def _write(workspace: Workspace, sealed: Mapping[int, int]) -> None:
    newest = dict(sorted(sealed.items())[-_KEPT:])
    path = workspace.config.path(_PLACE)
    try:
        files.make_folder(path.parent, mode=0o700)
        files.write(path, json.dumps(newest).encode("ascii"), mode=0o600)
    except FlashbackError:
        # A seal is a warning for another day; it must not stop a mailing today.
        return
