"""Showing who we are: AUTH (RFC 4954) by password or by access token.

Without encryption a password never leaves this machine; only CRAM-MD5, which does not send it,
may go in the clear. Nothing secret stands in an error, whatever the server repeats of it.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from flashback.config import RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Reply
from flashback.sentences import Sentence, tr

_CONTINUE: Final = 334
_LOGGED_IN: Final = 235
_HIDDEN: Final = "***"
_BY_TOKEN: Final = ("OAUTHBEARER", "XOAUTH2")
#: The best first. LOGIN has no standard, and CRAM-MD5 makes servers keep passwords in the clear.
_BY_PASSWORD: Final = ("PLAIN", "LOGIN", "CRAM-MD5")
_IN_THE_CLEAR: Final = frozenset({"CRAM-MD5"})


class Line(Protocol):
    """A connection after EHLO."""

    def command(self, line: str, /) -> Reply:
        """Say one line and wait for the answer. Raises BrokenLineError."""
        ...


class Tokens(Protocol):
    """Where access tokens come from."""

    def token(self) -> str:
        """One that holds for a while. Raises TransportError."""
        ...

    def refused(self, token: str) -> None:
        """Never hand out this one again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What shows who we are: a password or tokens, asked for when they are needed."""

    password: Callable[[], str] | None = None
    tokens: Tokens | None = None


def log_in(
    line: Line, config: RelayConfig, proof: Proof, *, offered: frozenset[str], is_secret: bool
) -> None:
    """Log in as set, with a way that is ``offered`` (in capitals). Raises TransportError.

    ``is_secret``: whether the line is encrypted. A token that is refused is replaced once. With
    nothing to show, nothing is said.
    """
    if proof.tokens is None and proof.password is None:
        return
    way = _way(config, proof, offered, is_secret=is_secret)
    if proof.tokens is not None:
        _by_token(line, config, proof.tokens, way)
    elif proof.password is not None:
        secret = proof.password()
        reply = _shown(line, way, config, secret)
        _judge(config, _without(reply, config, secret), way)


def _way(config: RelayConfig, proof: Proof, offered: frozenset[str], *, is_secret: bool) -> str:
    known: Sequence[str] = _BY_TOKEN if proof.tokens is not None else _BY_PASSWORD
    wanted = known if config.login == "auto" else (config.login.upper(),)
    common = [way for way in wanted if way in known and way in offered]
    if not common:
        raise TransportError(
            tr("{host} offers no login that flashback knows.", host=_place(config)),
            hint=tr(
                "It must offer {list}; or remove username under [relay].", list=", ".join(wanted)
            ),
        )
    fit = [way for way in common if is_secret or way in _IN_THE_CLEAR]
    if not fit:
        raise TransportError(
            tr("A password would travel to {host} in the clear.", host=_place(config)),
            hint=tr('Write security = "starttls" or "tls" under [relay].'),
        )
    return fit[0]


def _by_token(line: Line, config: RelayConfig, tokens: Tokens, way: str) -> None:
    token = tokens.token()
    reply, why = _token_shown(line, config, token, way)
    # A token may be withdrawn before its time: one more, and no third.
    if reply.code == 535:  # noqa: PLR2004 - RFC 4954 section 6: authentication credentials invalid
        tokens.refused(token)
        token = tokens.token()
        reply, why = _token_shown(line, config, token, way)
    _judge(config, _without(reply, config, token), way, why=why.replace(token, _HIDDEN))


def _token_shown(line: Line, config: RelayConfig, token: str, way: str) -> tuple[Reply, str]:
    """The answer to a token, and what the server says is wrong with it."""
    reply = line.command(f"AUTH {way} {_encoded(_bearer(config, token, way))}")
    if reply.code != _CONTINUE:
        return reply, ""
    # RFC 7628 section 3.2.3: the error is a challenge, which wants an answer to end the exchange.
    # What to answer is %x01 there; servers of XOAUTH2 want an empty line.
    why = _reason(reply)
    return line.command(_encoded("\1") if way == "OAUTHBEARER" else ""), why


def _bearer(config: RelayConfig, token: str, way: str) -> str:
    if way == "XOAUTH2":
        return f"user={config.username}\1auth=Bearer {token}\1\1"
    # RFC 7628 section 3.1; RFC 5801 section 4: "=" and "," have another spelling in a name.
    name = config.username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\1host={config.host}\1port={config.port}\1auth=Bearer {token}\1\1"


def _reason(challenge: Reply) -> str:
    """What the error of RFC 7628 section 3.2.2 says; empty when it says nothing readable."""
    try:
        said: Any = json.loads(_decoded(challenge))
    except ValueError:
        return ""
    if not isinstance(said, Mapping):
        return ""
    words = [said.get(key) for key in ("status", "error_description", "scope")]
    text = " ".join(word for word in words if isinstance(word, str))
    return "".join(c for c in text if c.isprintable())[:200]


def _shown(line: Line, way: str, config: RelayConfig, password: str) -> Reply:
    """The last answer of an exchange that shows the password, or that one knows it."""
    if way == "PLAIN":
        # RFC 4616; the answer travels with the command (RFC 4954 section 4).
        return line.command("AUTH PLAIN " + _encoded(f"\0{config.username}\0{password}"))
    reply = line.command(f"AUTH {way}")
    if way == "LOGIN":
        for word in (config.username, password):
            if reply.code == _CONTINUE:
                reply = line.command(_encoded(word))
        return reply
    if reply.code != _CONTINUE:
        return reply
    try:
        challenge = _decoded(reply)
    except ValueError:
        # RFC 4954 section 4: an asterisk calls the exchange off.
        return line.command("*")
    digest = hmac.new(_octets(password), challenge, "md5").hexdigest()  # RFC 2195 section 2
    return line.command(_encoded(f"{config.username} {digest}"))


def _judge(config: RelayConfig, reply: Reply, way: str, *, why: str = "") -> None:
    if reply.code == _LOGGED_IN:
        return
    if reply.code // 100 == 4:  # noqa: PLR2004 - RFC 5321's 4yz
        raise RelayUnreachableError(
            tr("{host} cannot check the login now: {reply}", host=_place(config), reply=reply),
            hint=tr("Try again later."),
        )
    said = f"{reply} ({why})" if why else reply
    raise TransportError(
        tr(
            "{host} refused the login of {user}: {reply}",
            host=_place(config),
            user=config.username,
            reply=said,
        ),
        hint=_way_out(way),
    )


def _way_out(way: str) -> Sentence:
    if way in _BY_TOKEN:
        return tr(
            "Check username and scope, and that this mailbox has agreed to sending; a new "
            "refresh token may be needed."
        )
    return tr("Check username under [relay], and the password.")


def _without(reply: Reply, config: RelayConfig, secret: str) -> Reply:
    """A reply as it may be shown: some servers repeat what they were told."""
    spellings = {
        secret,
        _encoded(secret),
        _encoded(f"\0{config.username}\0{secret}"),
        *(_encoded(_bearer(config, secret, way)) for way in _BY_TOKEN),
    }
    lines = reply.lines
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        lines = tuple(text.replace(spelling, _HIDDEN) for text in lines)
    return replace(reply, lines=lines)


def _decoded(reply: Reply) -> bytes:
    """The challenge of a 334. Raises ValueError."""
    try:
        return base64.b64decode(reply.lines[0] if reply.lines else "", validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _encoded(text: str) -> str:
    return base64.b64encode(_octets(text)).decode()


def _octets(text: str) -> bytes:
    # A variable of the environment may hold octets that are no UTF-8: they travel as they are.
    return text.encode(errors="surrogateescape")


def _place(config: RelayConfig) -> str:
    return f"{config.host}:{config.port}"
