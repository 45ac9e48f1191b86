"""The states in words, for terminals and pages alike."""

from typing import Final

from flashback.model import DeliveryState, MailingState
from flashback.sentences import tr

DELIVERY: Final = {
    DeliveryState.ACCEPTED: tr("accepted"),
    DeliveryState.PLANNED: tr("planned"),
    DeliveryState.CLAIMED: tr("claimed"),
    DeliveryState.DEFERRED: tr("deferred"),
    DeliveryState.REFUSED: tr("refused"),
    DeliveryState.IN_DOUBT: tr("in doubt"),
    DeliveryState.SKIPPED: tr("skipped"),
    DeliveryState.BOUNCED: tr("bounced"),
}
MAILING: Final = {
    MailingState.SCHEDULED: tr("scheduled"),
    MailingState.OPEN: tr("open"),
    MailingState.PAUSED: tr("paused"),
    MailingState.FINISHED: tr("finished"),
    MailingState.CANCELLED: tr("cancelled"),
}
#: What did not go as it should: most final first.
TROUBLED: Final = (
    DeliveryState.REFUSED,
    DeliveryState.BOUNCED,
    DeliveryState.IN_DOUBT,
    DeliveryState.DEFERRED,
    DeliveryState.SKIPPED,
)
