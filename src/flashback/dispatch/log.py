"""The delivery log: one JSON object a line, for machines; addresses are redacted unless asked."""

import json
import re

from flashback.model import Settlement


def line_of(settlement: Settlement, *, addresses: bool) -> str:
    """One log line, without its line end. Keys are stable; see docs/log.md."""
    outcome = settlement.outcome
    address = outcome.claim.address
    event = {
        "at": outcome.at.isoformat(timespec="milliseconds"),
        "mailing": outcome.claim.mailing_id,
        "delivery": outcome.claim.delivery_id,
        "attempt": outcome.claim.attempt,
        "address": address.mailbox,
        "language": outcome.claim.language,
        "state": settlement.state.value,
        "host": outcome.host,
        "stage": outcome.stage,
        "code": outcome.reply.code if outcome.reply else None,
        "enhanced": outcome.reply.enhanced if outcome.reply else None,
        "reply": " ".join(outcome.reply.lines) if outcome.reply else None,
        "queue_id": outcome.queue_id or None,
        "detail": outcome.detail or None,
        "due_at": settlement.due_at.isoformat() if settlement.due_at else None,
    }
    if not addresses:
        # Relays repeat the address in what they say, in whatever case.
        named = re.compile(f"{re.escape(address.mailbox)}|{re.escape(address.key)}", re.IGNORECASE)
        for key in ("address", "reply", "detail"):
            event[key] = event[key] and named.sub(lambda _: address.masked, str(event[key]))
    return json.dumps(event, ensure_ascii=False)
