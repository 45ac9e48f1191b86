"""Handing messages to a relay: every stage told apart, nothing doubtful called sent.

``Relay`` is the transport that dispatch is handed. Replies, codes and the wire form are pure;
``channel`` alone owns a socket.
"""

from flashback.smtp.codes import is_dead_address
from flashback.smtp.relay import Relay
from flashback.smtp.reply import parse, queue_id_of

__all__ = ["Relay", "is_dead_address", "parse", "queue_id_of"]
