"""Handing messages to a relay: every stage told apart, nothing doubtful called sent.

``Relay`` (one) and ``Relays`` (several) are the transports that dispatch is handed. ``session`` is
the protocol without I/O; only ``channel``, while a line is opened, and ``connection`` own a socket.
"""

from flashback.smtp.codes import is_dead_address
from flashback.smtp.host import Host
from flashback.smtp.relay import Relay, Relays
from flashback.smtp.reply import parse, queue_id_of

__all__ = ["Host", "Relay", "Relays", "is_dead_address", "parse", "queue_id_of"]
