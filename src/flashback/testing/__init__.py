"""Fakes that remember, for our tests and for yours: a ledger, a transport and a clock in memory.

Each has a real counterpart, and the same tests run against both: ``MemoryLedger`` keeps the
promises of ``dispatch.ports.Ledger`` but durability.
"""

from flashback.model import Address
from flashback.testing.ledger import LEASE, MemoryLedger
from flashback.testing.transport import FrozenClock, MemoryTransport

__all__ = ["LEASE", "FrozenClock", "MemoryLedger", "MemoryTransport", "address"]


def address(mailbox: str) -> Address:
    """An address without the parser, for tests: ASCII, well-formed, lower case."""
    return Address(mailbox=mailbox, key=mailbox.casefold())
