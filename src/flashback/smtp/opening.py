"""A line made fit for mail: greeting, EHLO, TLS, login. Whatever fails here is about us.

Nothing here is ever a reader's fault, so nothing here is an outcome: it is a TransportError that
names the relay, what it said, and the way out. RelayUnreachableError means: the same settings may
work later.
"""

import ssl
from collections.abc import Callable
from typing import Final

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Reply
from flashback.sentences import Sentence, tr
from flashback.smtp.capabilities import Capabilities, capabilities_of
from flashback.smtp.channel import BrokenLineError, Channel
from flashback.smtp.dialogue import Dialogue
from flashback.smtp.login import Proof, Tokens, log_in
from flashback.smtp.trust import refused_certificate

_READY: Final = 220
_SUBMISSIONS: Final = 465  #: RFC 8314: TLS from the first octet


def open_dialogue(
    config: RelayConfig,
    *,
    context: ssl.SSLContext,
    password: Callable[[], str] | None,
    tokens: Tokens | None = None,
) -> Dialogue:
    """Connect, greet, go under TLS and log in, as set. Raises TransportError.

    The login is by ``tokens`` where there are any, else by ``password``.
    """
    session = Dialogue(_connect(config), config)
    try:
        _prepare(session, config, context, Proof(password=password, tokens=tokens))
    except BrokenLineError as error:
        session.close()
        raise _unreachable(config, error.sentence) from error
    except BaseException:
        session.close()
        raise
    return session


def _connect(config: RelayConfig) -> Channel:
    try:
        return Channel.open(config.host, config.port, seconds=config.connect_seconds)
    except TimeoutError as error:
        raise _unreachable(config, tr("nobody answered in time")) from error
    except (OSError, UnicodeError) as error:
        # UnicodeError: a host name that the encoding of domain names cannot take.
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreachable(config, reason) from error


def _prepare(
    session: Dialogue,
    config: RelayConfig,
    context: ssl.SSLContext,
    proof: Proof,
) -> None:
    if config.security == "tls":
        _secure(session, config, context)
    greeting = session.reply(seconds=config.connect_seconds)
    if greeting.code != _READY:
        raise _turned_away(config, greeting)
    session.capabilities = _introduce(session, config)
    if config.security == "starttls":
        _upgrade(session, config, context)
        # RFC 3207 section 4.2: what was offered in the clear may have been anybody's word.
        session.capabilities = _introduce(session, config)
    if config.require_tls and not session.capabilities.require_tls:
        raise _never_under_tls(config)
    if config.username:
        log_in(
            session,
            config,
            proof,
            offered=session.capabilities.logins,
            is_secret=config.security != "none",
        )


def _introduce(session: Dialogue, config: RelayConfig) -> Capabilities:
    reply = session.command(f"EHLO {session.helo_name}")
    if reply.code in {500, 502, 504, 550}:
        # RFC 5321 section 3.2: an old server knows only this.
        reply = session.command(f"HELO {session.helo_name}")
        if _is_good(reply):
            return Capabilities()
    if not _is_good(reply):
        raise _turned_away(config, reply)
    return capabilities_of(reply)


def _upgrade(session: Dialogue, config: RelayConfig, context: ssl.SSLContext) -> None:
    if not session.capabilities.starttls:
        raise TransportError(
            tr("{host} offers no encryption (STARTTLS).", host=_place(config)),
            hint=tr(
                "Ask the relay's operator for the port that does; "
                'for port 465 write security = "tls" under [relay].'
            ),
        )
    reply = session.command("STARTTLS")
    if reply.code != _READY:
        raise RelayUnreachableError(
            tr("{host} cannot go under encryption now: {reply}", host=_place(config), reply=reply),
            hint=tr("Try again later; tell the relay's operator if it stays so."),
        )
    _secure(session, config, context)


def _secure(session: Dialogue, config: RelayConfig, context: ssl.SSLContext) -> None:
    try:
        session.start_tls(context)
    except ssl.SSLCertVerificationError as error:
        raise refused_certificate(config.host, error) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise BrokenLineError(tr("the connection was lost")) from error
    except ssl.SSLError as error:
        raise TransportError(
            tr(
                "No encryption could be agreed on with {host}: {reason}.",
                host=_place(config),
                reason=error.reason or error,
            ),
            hint=tr(
                'Port 465 wants security = "tls", ports 587 and 25 want security = "starttls".'
            ),
        ) from error
    except OSError as error:
        raise BrokenLineError(tr("the connection was lost")) from error


def _is_good(reply: Reply) -> bool:
    return reply.code // 100 == 2  # noqa: PLR2004 - RFC 5321's 2yz


def _place(config: RelayConfig) -> str:
    return f"{config.host}:{config.port}"


def _turned_away(config: RelayConfig, reply: Reply) -> TransportError:
    if reply.code // 100 == 4:  # noqa: PLR2004 - RFC 5321's 4yz
        return _unreachable(config, reply)
    return TransportError(
        tr("{host} turns us away: {reply}", host=_place(config), reply=reply),
        hint=tr("Ask the relay's operator whether this machine may send there."),
    )


def _never_under_tls(config: RelayConfig) -> TransportError:
    return TransportError(
        tr("{host} does not promise encryption the whole way (REQUIRETLS).", host=_place(config)),
        hint=tr("Ask the relay's operator, or remove require_tls under [relay]."),
    )


def _unreachable(config: RelayConfig, reason: Sentence | Reply | str) -> RelayUnreachableError:
    if config.port == _SUBMISSIONS and config.security != "tls":
        hint = tr('Port 465 wants security = "tls" under [relay].')
    else:
        hint = tr("Check host and port under [relay], and the network; then run it again.")
    return RelayUnreachableError(
        tr("The relay {host} cannot be reached: {reason}.", host=_place(config), reason=reason),
        hint=hint,
    )
