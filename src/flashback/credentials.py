"""Secrets: from the environment, from a file the settings name, or from the system's keyring.

What belongs to a relay under ``[relays.NAME]`` has the relay's name at the end of its variable:
``FLASHBACK_RELAY_PASSWORD_NAME``, in capitals, with ``_`` for ``-``.
"""

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from flashback import files
from flashback.config import MAIN, Config, read_text
from flashback.errors import ConfigError
from flashback.sentences import Sentence, tr
from flashback.tokens import SigningKey

_PASSWORD: Final = "FLASHBACK_RELAY_PASSWORD"  # noqa: S105 - the variable's name
_CLIENT_SECRET: Final = "FLASHBACK_OAUTH_CLIENT_SECRET"  # noqa: S105 - the variable's name
_REFRESH_TOKEN: Final = "FLASHBACK_OAUTH_REFRESH_TOKEN"  # noqa: S105 - the variable's name
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN (RSA |EC )?PRIVATE KEY-----\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthSecrets:
    """What a token endpoint wants to see. Never shown."""

    refresh_token: str = field(repr=False)
    client_secret: str = field(default="", repr=False)  #: empty: a public client


def relay_password(config: Config, name: str = MAIN) -> str:
    """A relay's password: FLASHBACK_RELAY_PASSWORD, else the file, else the keyring."""
    relay = config.all_relays[name]
    if found := os.environ.get(variable := _variable(_PASSWORD, name)):
        return found
    if relay.password_file:
        return _secret_file(
            config.path(relay.password_file),
            when_garbled=tr("Save it again as UTF-8 in your editor."),
            when_empty=tr("Write the password into it, and nothing else."),
        )
    if found := _from_keyring(relay.username, variable):
        return found
    raise ConfigError(
        tr("There is no password for {user} at {host}.", user=relay.username, host=relay.host),
        hint=tr(
            "Set {variable}, or name a file: password_file under [{table}].",
            variable=variable,
            table=_table(name),
        ),
    )


def oauth_secrets(config: Config, name: str = MAIN) -> OAuthSecrets:
    """What a relay's access token is asked for with: from the environment, else from files.

    Raises ConfigError without a refresh token; a client secret may be missing.
    """
    oauth = config.all_relays[name].oauth
    variable = _variable(_REFRESH_TOKEN, name)
    token = _oauth_secret(config, variable, oauth.refresh_token_file)
    if not token:
        raise ConfigError(
            tr("There is no refresh token for {url}.", url=oauth.token_url),
            hint=tr(
                "Set {variable}, or name a file: refresh_token_file under [{table}].",
                variable=variable,
                table=f"{_table(name)}.oauth",
            ),
        )
    secret = _oauth_secret(config, _variable(_CLIENT_SECRET, name), oauth.client_secret_file)
    return OAuthSecrets(refresh_token=token, client_secret=secret)


def keep_refresh_token(config: Config, token: str, name: str = MAIN) -> None:
    """Write down the refresh token that replaces the one in the file (RFC 6749 section 6).

    One from the environment cannot be replaced and is left alone. Raises FlashbackError.
    """
    file = config.all_relays[name].oauth.refresh_token_file
    if file and not os.environ.get(_variable(_REFRESH_TOKEN, name)):
        files.write(config.path(file), f"{token}\n".encode(), mode=0o600)


def dkim_keys(config: Config) -> Mapping[str, bytes]:
    """The private keys that sign, as PEM octets by selector; none: nothing is signed.

    Each comes from FLASHBACK_DKIM_SELECTOR, else from its file. Raises ConfigError.
    """
    found = {}
    for selector, file in config.dkim.keys.items():
        variable = f"FLASHBACK_DKIM_{_capitals(selector)}"
        where = variable
        # An environment file holds one line per variable: its line ends are written out there.
        text = os.environ.get(variable, "").replace("\\n", "\n")
        if not text and file:
            where = str(config.path(file))
            again = tr("Write the private key into it, as PEM.")
            text = _secret_file(config.path(file), when_garbled=again, when_empty=again)
        if not text:
            raise ConfigError(
                tr("There is no private key for the DKIM selector {name}.", name=selector),
                hint=tr("Set {variable}, or name its file: keys under [dkim].", variable=variable),
            )
        if not _PRIVATE_KEY.match(text.lstrip()):
            raise ConfigError(
                tr("{place} holds no private key that can be read.", place=where),
                hint=tr("It is PEM without a password: -----BEGIN PRIVATE KEY-----"),
            )
        found[selector] = text.strip().encode() + b"\n"
    return MappingProxyType(found)


def signing_key(config: Config) -> SigningKey:
    """What signs unsubscribe links: FLASHBACK_KEY, else the key file.

    Raises ConfigError; never makes a new one by itself, because links in mail already sent would
    lead nowhere.
    """
    if not (found := os.environ.get("FLASHBACK_KEY", "")):
        path = config.path(config.store.key_file)
        if not path.exists():
            raise ConfigError(
                tr("The key that signs unsubscribe links is missing: {file}.", file=path),
                hint=tr(
                    "Copy it back from where it was kept: links in mail already sent need it. "
                    "A newsletter that never sent anything can make one: flashback init {folder}",
                    folder=config.folder,
                ),
            )
        # Whoever writes anything else into it breaks the links in mail already sent.
        kept = tr("Copy it back from where it was kept: links in mail already sent need it.")
        found = _secret_file(path, when_garbled=kept, when_empty=kept)
    try:
        return SigningKey(found.strip().encode())
    except ValueError as error:
        raise ConfigError(
            tr("The key that signs unsubscribe links is too short."),
            hint=tr("It has at least 16 letters; flashback init makes one of 64."),
        ) from error


def _variable(first: str, relay: str) -> str:
    return first if relay == MAIN else f"{first}_{_capitals(relay)}"


def _capitals(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")


def _table(relay: str) -> str:
    return "relay" if relay == MAIN else f"relays.{relay}"


def _oauth_secret(config: Config, variable: str, file: str) -> str:
    if (found := os.environ.get(variable, "")) or not file:
        return found
    return _secret_file(
        config.path(file),
        when_garbled=tr("Save it again as UTF-8 in your editor."),
        when_empty=tr("Write the secret into it, and nothing else."),
    )


def _from_keyring(username: str, variable: str) -> str | None:
    try:
        # Optional: present where the team installed it.
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password("flashback", username)
    except keyring.errors.NoKeyringError:
        return None  # A server without a desktop has the library and nothing behind it.
    except keyring.errors.KeyringError as error:
        raise ConfigError(
            tr("The system's keyring does not answer: {reason}", reason=error),
            hint=tr("Unlock it, or set {variable}.", variable=variable),
        ) from error
    return found


def _secret_file(path: Path, *, when_garbled: Sentence, when_empty: Sentence) -> str:
    """The one line of a secret file, without its end. Raises ConfigError with these ways out."""
    try:
        secret = read_text(path).strip("\r\n")
    except ConfigError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        raise ConfigError(error.sentence, hint=when_garbled) from error
    if path.stat().st_mode & 0o007:
        raise ConfigError(
            tr("{file} holds a secret and can be read by everyone on this machine.", file=path),
            hint=tr("Run: chmod 600 {file}", file=path),
        )
    if not secret:
        raise ConfigError(
            tr("{file} is empty.", file=path),
            hint=when_empty,
        )
    return secret
