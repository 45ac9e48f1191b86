"""What is said about people who are not there, who are, or who must not be mailed."""

from flashback.errors import StoreError, UnknownSubscriberError
from flashback.model import Address, SuppressionReason
from flashback.sentences import tr


def unknown(name: str) -> UnknownSubscriberError:
    """The error about an address or a number that nobody has."""
    return UnknownSubscriberError(
        tr("There is no subscriber {name}.", name=name),
        hint=tr("See who is there: flashback subscribers list"),
    )


def taken(address: Address) -> StoreError:
    """The error about an address that somebody has."""
    return StoreError(
        tr("{address} is there already.", address=address),
        hint=tr("See what is known: flashback subscribers show {address}", address=address),
    )


def forbidden(address: Address, reason: SuppressionReason) -> StoreError:
    """The error about an address to which nothing may be sent."""
    return StoreError(
        tr("Mail to {address} is forbidden ({reason}).", address=address, reason=reason),
        hint=tr(
            "If that is a mistake, lift it first: flashback subscribers allow {address}",
            address=address,
        ),
    )
