"""Refusals that are about us: every other message would meet them as well, so the line stops."""

from flashback.config import RelayConfig
from flashback.errors import TransportError
from flashback.model import Envelope, Reply
from flashback.sentences import tr
from flashback.smtp import codes


def too_big(config: RelayConfig, *, octets: int) -> TransportError:
    """The message is larger than the relay takes."""
    return TransportError(
        tr("{host} does not take messages of {number} octets.", host=config.host, number=octets),
        hint=tr("Use smaller pictures, or ask the relay's operator for a higher limit."),
    )


def sender_refused(
    config: RelayConfig, envelope: Envelope, reply: Reply, *, octets: int
) -> TransportError:
    """The answer to MAIL was "never"."""
    if codes.wants_login(reply):
        return login_wanted(config, reply)
    if codes.is_too_big(reply):
        return too_big(config, octets=octets)
    return TransportError(
        tr(
            "{host} refuses our sender address {address}: {reply}",
            host=config.host,
            address=envelope.sender,
            reply=reply,
        ),
        hint=tr(
            "No reader was refused. Check bounce_address under [relay], and ask the relay's "
            "operator which sender addresses you may use."
        ),
    )


def login_wanted(config: RelayConfig, reply: Reply) -> TransportError:
    """The relay does not know who we are."""
    return TransportError(
        tr("{host} wants a login or encryption first: {reply}", host=config.host, reply=reply),
        hint=tr("Set username and security under [relay]."),
    )


def no_relay(config: RelayConfig, envelope: Envelope, reply: Reply) -> TransportError:
    """The relay is none, for us."""
    return TransportError(
        tr(
            "{host} passes on no mail for us, not even to {address}: {reply}",
            host=config.host,
            address=envelope.recipient,
            reply=reply,
        ),
        hint=tr(
            "No reader was refused. Set username under [relay], or ask the relay's operator to "
            "let this machine send."
        ),
    )
