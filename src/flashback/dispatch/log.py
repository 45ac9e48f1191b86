"""The delivery log: one JSON object a line, for machines; addresses are redacted unless asked."""

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Final

from flashback.model import Address, DeliveryState, Settlement

_STATES: Final = {state: quoted(state.value) for state in DeliveryState}


def lines_of(settlements: Sequence[Settlement], *, addresses: bool) -> str:
    """The lines of outcomes, in their order, each with its end."""
    return "".join([line_of(settlement, addresses=addresses) + "\n" for settlement in settlements])


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
    due_at = settlement.due_at.isoformat() if settlement.due_at is not None else None
    code = "null" if reply is None else reply.code
    enhanced = None if reply is None else reply.enhanced
    # Written out: a tenth of what the encoder takes for a line.
    return (
        f'{{"at": "{_moment(outcome.at)}", "mailing": {claim.mailing_id}, "delivery": '
        f'{claim.delivery_id}, "attempt": {claim.attempt}, "address": '
        f'{quoted(address.mailbox if addresses else address.masked)}, "language": '
        f'{quoted(claim.language)}, "state": {_STATES[settlement.state]}, "host": '
        f'{quoted(outcome.host)}, "stage": {quoted(outcome.stage)}, "code": {code}, "enhanced": '
        f'{_word(enhanced)}, "reply": {_word(said)}, "queue_id": '
        f'{_word(outcome.queue_id or None)}, "detail": {_word(detail)}, "due_at": {_word(due_at)}}}'
    )


def _word(text: str | None) -> str:
    return "null" if text is None else quoted(text)


@lru_cache(maxsize=8)
def _moment(at: dt.datetime) -> str:
    """Outcomes that come together have one time."""
    return at.isoformat(timespec="milliseconds")


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
