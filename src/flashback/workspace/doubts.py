"""Copies in doubt, settled by the log of a Postfix on this machine, where the settings name it."""

from flashback import addresses
from flashback.model import Account, Claim, Delivery, DeliveryState, Mailing
from flashback.workspace import mailroom
from flashback.workspace.parts import Workspace


def settle_by_log(workspace: Workspace, mailing: Mailing) -> Account:
    """Move what the relay's log knows from in doubt to accepted or planned; how many went where.

    What the log cannot tell stays in doubt. Raises TransportError when it cannot be read.
    """
    config = workspace.config
    # With several relays nobody knows to which of them a message in doubt went.
    if not config.relay.postfix_log or config.relays:
        return Account()
    doubtful = _by_message_id(workspace, mailing)
    if not doubtful:
        return Account()
    from flashback.smtp.postfix_log import settled

    log, now = config.path(config.relay.postfix_log), workspace.clock.now()
    # When the dot left is not known here, only that it was between these two moments: the log is
    # read from the first, and "it never came" must hold as seen from both.
    early = settled(log, dict.fromkeys(doubtful, mailing.opened_at), now=now)
    late = settled(log, {i: one.changed_at for i, one in doubtful.items()}, now=now)
    counts = dict.fromkeys((DeliveryState.ACCEPTED, DeliveryState.PLANNED), 0)
    for message_id, delivery in doubtful.items():
        if message_id not in early:
            continue
        if (queue_id := early[message_id]) is not None:
            state = DeliveryState.ACCEPTED
        elif late.get(message_id, "") is None:
            state = DeliveryState.PLANNED
        else:
            continue
        reason = f"postfix: {queue_id or 'never taken'}"
        workspace.ledger.record_evidence(delivery.id, state, at=now, reason=reason)
        counts[state] += 1
    return Account(counts)


def _by_message_id(workspace: Workspace, mailing: Mailing) -> dict[str, Delivery]:
    """What is in doubt, by the Message-ID it left with; without those who were erased since."""
    sender = mailroom.sender_of(workspace, mailing)
    found = {}
    for delivery in workspace.ledger.deliveries(mailing.id, DeliveryState.IN_DOUBT):
        if not delivery.address:
            continue
        address = addresses.parse(delivery.address)
        subscriber = workspace.subscribers.known(address.key)
        if subscriber is None:
            continue
        claim = Claim(
            delivery_id=delivery.id,
            mailing_id=mailing.id,
            subscriber_id=subscriber.id,
            address=address,
            name=subscriber.name,
            language=delivery.language,
            edition_digest=mailing.editions[delivery.language],
            attempt=delivery.attempts,
            owner="",
        )
        found[sender.message_id(claim)] = delivery
    return found
