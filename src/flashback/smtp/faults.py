"""What is about us: every other message would meet it as well, so the line stops."""

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
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


def refuses_us(config: RelayConfig, reply: Reply) -> TransportError:
    """The relay will not take what we send, whoever it is for."""
    return TransportError(
        tr("{host} takes nothing from us, whoever it is for: {reply}", host=config.host,
           reply=reply),
        hint=tr(
            "No reader was refused. Check sender and bounce_address, or ask the relay's operator; "
            "then go on with: flashback resume"
        ),
    )  # fmt: skip


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


def not_now(config: RelayConfig, reply: Reply) -> RelayUnreachableError:
    """The answer to MAIL was "not now", on one new line after the other."""
    return RelayUnreachableError(
        tr('{host} says "not now" to every message: {reply}', host=_place(config), reply=reply),
        hint=tr("No reader was refused. Wait a while, then go on with: flashback resume"),
    )


def breaks_off(config: RelayConfig) -> RelayUnreachableError:
    """Line after line broke."""
    return RelayUnreachableError(
        tr("{host} breaks off one message after the other.", host=_place(config)),
        hint=tr("Wait a while, then run it again; what was not sent is still planned."),
    )


def _place(config: RelayConfig) -> str:
    return f"{config.host}:{config.port}"
