"""The delivery log: one JSON object a line, for machines; addresses are redacted unless asked."""

import json
import re
from typing import Final

from flashback.model import Address, Settlement

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode


def line_of(settlement: Settlement, *, addresses: bool) -> str:
    """One log line, without its line end. Keys are stable; see docs/log.md."""
    outcome = settlement.outcome
    claim = outcome.claim
    address = claim.address
    reply = outcome.reply
    said = " ".join(reply.lines) if reply is not None else None
    detail = outcome.detail or None
    if not addresses:
        said = said and without_address(said, address)
        detail = detail and without_address(detail, address)
    return _ENCODE(
        {
            "at": outcome.at.isoformat(timespec="milliseconds"),
            "mailing": claim.mailing_id,
            "delivery": claim.delivery_id,
            "attempt": claim.attempt,
            "address": address.mailbox if addresses else address.masked,
            "language": claim.language,
            "state": settlement.state.value,
            "host": outcome.host,
            "stage": outcome.stage,
            "code": reply.code if reply is not None else None,
            "enhanced": reply.enhanced if reply is not None else None,
            "reply": said,
            "queue_id": outcome.queue_id or None,
            "detail": detail,
            "due_at": settlement.due_at.isoformat() if settlement.due_at is not None else None,
        }
    )


def without_address(said: str, address: Address) -> str:
    """The text with the address masked wherever a relay repeats it, in whatever case."""
    if "@" not in said:
        return said
    if said.isascii() and address.mailbox.isascii() and address.key.isascii():
        lowered = said.lower()
        if address.mailbox.lower() not in lowered and address.key.lower() not in lowered:
            return said
    named = re.compile(f"{re.escape(address.mailbox)}|{re.escape(address.key)}", re.IGNORECASE)
    return named.sub(lambda _: address.masked, said)
