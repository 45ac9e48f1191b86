"""Secrets: from the environment, from a file the settings name, or from the system's keyring."""

import importlib
import os
from pathlib import Path

from flashback.config import Config, read_text
from flashback.errors import ConfigError
from flashback.sentences import Sentence, tr
from flashback.tokens import SigningKey


def relay_password(config: Config) -> str:
    """The relay's password: FLASHBACK_RELAY_PASSWORD, else the file, else the keyring."""
    if found := os.environ.get("FLASHBACK_RELAY_PASSWORD"):
        return found
    if config.relay.password_file:
        return _secret_file(
            config.path(config.relay.password_file),
            when_garbled=tr("Save it again as UTF-8 in your editor."),
            when_empty=tr("Write the password into it, and nothing else."),
        )
    if found := _from_keyring(config.relay.username):
        return found
    raise ConfigError(
        tr(
            "There is no password for {user} at {host}.",
            user=config.relay.username,
            host=config.relay.host,
        ),
        hint=tr("Set FLASHBACK_RELAY_PASSWORD, or name a file: password_file under [relay]."),
    )


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


def _from_keyring(username: str) -> str | None:
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
            hint=tr("Unlock it, or set FLASHBACK_RELAY_PASSWORD."),
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
