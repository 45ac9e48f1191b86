"""Access tokens for the login: got with a refresh token (RFC 6749 section 6), kept in memory.

The endpoint is asked over verified TLS only, follows no redirection, and is told the client's
secret in the body, as Google and Microsoft want it (section 2.3.1). Nothing secret stands in an
error.
"""

import contextlib
import http.client
import json
import re
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from flashback.config import OAuthConfig
from flashback.credentials import OAuthSecrets
from flashback.errors import FlashbackError, RelayUnreachableError, TransportError
from flashback.sentences import NOTHING, Sentence, tr

_LONGEST_ANSWER: Final = 65_536
_TOO_MANY: Final = 429
#: RFC 6749 section 5.1 only recommends to tell how long a token holds.
_USUAL_SECONDS: Final = 300.0
_LONGEST_SECONDS: Final = 31_622_400.0  #: a year
#: A token that ends within this time may end on its way to the relay.
_MARGIN_SECONDS: Final = 60.0


class AccessTokens:
    """The access tokens of one mailbox. For any number of threads at once."""

    def __init__(
        self,
        config: OAuthConfig,
        secrets: Callable[[], OAuthSecrets],
        *,
        keep: Callable[[str], None],
        context: ssl.SSLContext,
        seconds: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``keep`` is called with each refresh token that replaces the last one."""
        self._config = config
        self._secrets = secrets
        self._keep = keep
        self._seconds = seconds
        self._monotonic = monotonic
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirection()
        )
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0
        self._refresh_token = ""  #: replaces the one that was set

    def token(self) -> str:
        """One that holds for a while, asked for when there is none. Raises TransportError."""
        with self._lock:
            if not self._token or self._monotonic() >= self._ends:
                self._refresh()
            return self._token

    def refused(self, token: str) -> None:
        """Never hand out this one again."""
        with self._lock:
            if token == self._token:
                self._token = ""

    def _refresh(self) -> None:
        self._token = ""
        secrets = self._secrets()
        refresh_token = self._refresh_token or secrets.refresh_token
        fields = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self._config.client_id,
            "client_secret": secrets.client_secret,
            "scope": self._config.scope,
        }
        asked_at = self._monotonic()
        said = self._ask({name: value for name, value in fields.items() if value})
        token, seconds = said.get("access_token"), said.get("expires_in", _USUAL_SECONDS)
        if not _is_token(token) or not _is_bearer(said):
            raise self._senseless()
        self._token = token
        holds = float(seconds) if _is_number(seconds) else _USUAL_SECONDS
        self._ends = asked_at + max(holds - _MARGIN_SECONDS, holds / 2)
        if _is_token(new := said.get("refresh_token")) and new != refresh_token:
            self._refresh_token = new
            # Where a file cannot be written, this process still has the new one.
            with contextlib.suppress(FlashbackError):
                self._keep(new)

    def _ask(self, fields: Mapping[str, str]) -> Mapping[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the settings allow https only
            self._config.token_url,
            data=urllib.parse.urlencode(fields).encode(),
            headers={"Accept": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                said = _parsed(response.read(_LONGEST_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error, fields) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._no_answer(error) from error
        if said is None:
            raise self._senseless()
        return said

    def _refusal(self, error: urllib.error.HTTPError, fields: Mapping[str, str]) -> TransportError:
        try:
            said = _parsed(error.read(_LONGEST_ANSWER)) or {}
        except (OSError, http.client.HTTPException):
            said = {}
        words = [said.get("error"), said.get("error_description")]
        text = " ".join([str(error.code), *(word for word in words if isinstance(word, str))])
        for name in ("refresh_token", "client_secret"):
            if fields.get(name):
                text = text.replace(fields[name], "***")
        reason = "".join(c if c.isprintable() else " " for c in text)[:300].rstrip(". ")
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or error.code == _TOO_MANY:
            return self._unreachable(reason)
        return TransportError(
            tr("{url} gives no access token: {reason}.", url=self._config.token_url, reason=reason),
            hint=_way_out(said.get("error")),
        )

    def _no_answer(self, error: Exception) -> TransportError:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TransportError(
                tr(
                    "The certificate of {host} cannot be trusted: {reason}.",
                    host=urllib.parse.urlsplit(self._config.token_url).hostname,
                    reason=cause.verify_message.rstrip("."),
                ),
                hint=tr("Check token_url under [relay.oauth], and this machine's clock."),
            )
        if isinstance(cause, TimeoutError):
            return self._unreachable(tr("nobody answered in time"))
        if isinstance(cause, OSError):
            return self._unreachable(cause.strerror or tr("the connection was lost"))
        return self._unreachable(tr("its answer is not HTTP"))

    def _unreachable(self, reason: Sentence | str) -> RelayUnreachableError:
        return RelayUnreachableError(
            tr(
                "{url} gives no access token now: {reason}.",
                url=self._config.token_url,
                reason=reason,
            ),
            hint=tr("Check token_url under [relay.oauth], and the network; then run it again."),
        )

    def _senseless(self) -> TransportError:
        return TransportError(
            tr("What {url} answers is no access token.", url=self._config.token_url),
            hint=tr("Check token_url under [relay.oauth]."),
        )


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """A secret goes to the place that was named, and to no other."""

    def redirect_request(self, *_arguments: Any, **_names: Any) -> None:
        """Answer that there is nowhere to go."""


def _way_out(error: object) -> Sentence:
    if error == "invalid_grant":
        return tr(
            "The refresh token has ended or was withdrawn. Get a new one, and write it into "
            "refresh_token_file under [relay.oauth]."
        )
    if error in {"invalid_client", "unauthorized_client"}:
        return tr("Check client_id and client_secret_file under [relay.oauth].")
    if error == "invalid_scope":
        return tr("Check scope under [relay.oauth].")
    return NOTHING


def _parsed(octets: bytes) -> Mapping[str, Any] | None:
    try:
        said = json.loads(octets)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, Mapping) else None


def _is_token(value: object) -> TypeGuard[str]:
    """Printable ASCII without spaces (RFC 6750 section 2.1): nothing that could end a line."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]+", value) is not None


def _is_bearer(said: Mapping[str, Any]) -> bool:
    return str(said.get("token_type", "bearer")).lower() == "bearer"


def _is_number(value: object) -> TypeGuard[float]:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value <= _LONGEST_SECONDS
    )
