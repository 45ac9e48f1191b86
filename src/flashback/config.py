"""flashback.toml to a frozen ``Config``; unknown keys are refused with the nearest known one.

Secrets never stand in the file: they come from the environment, from a file named there, or from
the system's keyring. All paths are relative to the file's folder, the workspace.
"""

import difflib
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from flashback.errors import ConfigError
from flashback.sentences import Sentence, tr

FILENAME: Final = "flashback.toml"
Security = Literal["tls", "starttls", "none"]
#: RFC 8058 section 3.1: the URI is https. This machine's own pages are for trials.
_SAFE_URL: Final = re.compile(
    r"https://[^/?#]|http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?[/?]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterConfig:
    """Who publishes, and under which name."""

    name: str  #: the sender's name in readers' mail programs
    sender: str  #: the From address
    list_id: str  #: RFC 2919, a domain-like name that never changes: "flash-back.example.org"
    language: str = "fr"  #: for readers whose language has no edition
    reply_to: str = ""  #: a mailbox that somebody reads; empty: the sender's
    publisher: str = ""  #: when the issue does not name one
    postal_address: str = ""  #: shown in the footer
    tagline: Mapping[str, str] = field(default_factory=dict)  #: by language
    reason: Mapping[str, str] = field(default_factory=dict)  #: why readers get this, by language
    disclaimer: Mapping[str, str] = field(default_factory=dict)  #: by language


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksConfig:
    """Where links lead."""

    unsubscribe: str  #: https URL with ``{token}``; answers GET with a button and POST (RFC 8058)
    unsubscribe_mail: str = ""  #: an address that takes requests by mail; empty: none offered
    archive: str = ""  #: URL with ``{number}`` and ``{language}``; empty: no web edition


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """The SMTP server that takes our mail."""

    host: str = "localhost"
    port: int = 587
    security: Security = "starttls"
    username: str = ""
    password_file: str = ""  #: a file with nothing but the password
    ca_file: str = ""  #: PEM certificates to trust instead of the system's
    bounce_address: str = ""  #: bounces come back to local+TAG@domain; empty: the sender's
    helo_name: str = ""  #: empty: this machine's name
    connect_seconds: float = 30.0
    command_seconds: float = 300.0  #: RFC 5321 section 4.5.3.2: 5 minutes
    final_dot_seconds: float = 600.0  #: RFC 5321 section 4.5.3.2.6: 10 minutes, or mail is doubled
    messages_per_connection: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingConfig:
    """How mail leaves."""

    window: int = 100  #: deliveries claimed at a time
    give_up_after_hours: float = 48.0  #: since the first try
    first_retry_minutes: float = 15.0
    longest_retry_hours: float = 6.0
    log: str = "subscribers/deliveries.jsonl"  #: one JSON line per delivery event; empty: none
    log_addresses: bool = False  #: full addresses in the log, instead of a***@example.org


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Where subscribers and mailings are kept."""

    url: str = "sqlite:///subscribers/subscribers.db"  #: or postgresql+psycopg://...
    key_file: str = "subscribers/signing.key"  #: signs unsubscribe links; env FLASHBACK_KEY wins


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A workspace's settings."""

    newsletter: NewsletterConfig
    links: LinksConfig
    relay: RelayConfig = field(default_factory=RelayConfig)
    sending: SendingConfig = field(default_factory=SendingConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    segments: Mapping[str, str] = field(default_factory=dict)  #: saved segments by name
    folder: Path = field(default=Path(), metadata={"internal": True})

    def path(self, relative: str) -> Path:
        """A path of this workspace."""
        return self.folder / relative


def find(start: Path) -> Path:
    """The nearest flashback.toml in a folder or above it. Raises ConfigError."""
    # The folder as it was named comes first: paths that staff read stay short.
    for folder in (start, *start.resolve().parents):
        if (folder / FILENAME).is_file():
            return folder / FILENAME
    raise ConfigError(
        tr("There is no {name} in {folder} or above it.", name=FILENAME, folder=start.resolve()),
        hint=tr("Go to your newsletter's folder, or make one: flashback init FOLDER"),
    )


def load(path: Path) -> Config:
    """Read and check a settings file. Raises ConfigError naming file, key and way out."""
    try:
        tree = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            tr("{file} is not valid TOML: {reason}", file=path, reason=error),
            hint=tr('Texts stand between double quotes: name = "Flash-back"'),
        ) from error
    config: Config = _table(Config, tree, "", path)
    _check(config, path)
    return replace(config, folder=path.parent)


def read_text(path: Path) -> str:
    """The text of a settings file. Raises ConfigError when it cannot be read or is not UTF-8."""
    try:
        # A byte-order mark is how some editors of Windows greet the world.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            tr("{file} is not UTF-8 text.", file=path),
            hint=tr("Save it again as UTF-8 in your editor."),
        ) from error


def _table(kind: type[Any], tree: object, where: str, path: Path) -> Any:
    if not isinstance(tree, dict):
        raise _wrong(path, where, tr("a table, [{where}]", where=where))
    known = {f.name: f for f in _settings(kind)}
    for key in tree:
        if key not in known:
            raise _unknown(path, where, key, known)
    hints = get_type_hints(kind)
    values = {}
    for name, setting in known.items():
        place = f"{where}.{name}" if where else name
        if name in tree:
            values[name] = _value(hints[name], tree[name], place, path)
        elif _required(setting):
            raise ConfigError(
                tr("{file}: {place} is missing.", file=path, place=place),
                hint=tr("docs/configuration.md says what to write there."),
            )
    return kind(**values)


def _settings(kind: type[Any]) -> Iterator[Field[Any]]:
    return (f for f in fields(kind) if "internal" not in f.metadata)


def _required(setting: Field[Any]) -> bool:
    return setting.default is MISSING and setting.default_factory is MISSING


def _value(hint: Any, value: object, place: str, path: Path) -> object:
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        return _table(hint, value, place, path)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise _wrong(path, place, tr("one of {list}", list=", ".join(get_args(hint))))
        return value
    if get_origin(hint) is not None:  # Mapping[str, str]
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise _wrong(path, place, tr("a table of texts"))
        return types.MappingProxyType(dict(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise _wrong(path, place, _KINDS[hint])
    return value


_KINDS: Final[Mapping[type, Sentence]] = {
    str: tr("a text between double quotes"),
    int: tr("a whole number"),
    float: tr("a number"),
    bool: tr("true or false"),
}


def _unknown(path: Path, where: str, key: str, known: Mapping[str, object]) -> ConfigError:
    place = f"{where}.{key}" if where else key
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = (
        tr("Did you mean “{near}”?", near=near[0])
        if near
        else tr("Known there: {list}.", list=", ".join(known))
    )
    return ConfigError(tr("{file}: unknown key {place}.", file=path, place=place), hint=hint)


def _wrong(path: Path, place: str, wanted: Sentence) -> ConfigError:
    return ConfigError(
        tr("{file}: {place} must be {wanted}.", file=path, place=place, wanted=wanted)
    )


#: What no clock, socket or database could bear more of: ports end at 65535, the rest is a day, a
#: year, or a million.
_HIGHEST: Final[Mapping[str, int]] = {
    "relay.port": 65_535,
    "relay.connect_seconds": 86_400,
    "relay.command_seconds": 86_400,
    "relay.final_dot_seconds": 86_400,
    "relay.messages_per_connection": 1_000_000,
    "sending.window": 1_000_000,
    "sending.give_up_after_hours": 8_784,
    "sending.first_retry_minutes": 1_440,
    "sending.longest_retry_hours": 8_784,
}


def _check(config: Config, path: Path) -> None:
    """Refuse what the types allow but mail does not."""
    if config.links.unsubscribe.count("{token}") != 1:
        raise _wrong(path, "links.unsubscribe", tr("a URL with {mark} in it, once", mark="{token}"))
    if not _SAFE_URL.match(config.links.unsubscribe):
        raise _wrong(path, "links.unsubscribe", tr("an https:// URL"))
    if any(c.isspace() or not c.isascii() for c in config.links.unsubscribe):
        raise _wrong(path, "links.unsubscribe", tr("a URL of ASCII letters without spaces"))
    for place, highest in _HIGHEST.items():
        table, _, name = place.partition(".")
        if not 0 < getattr(getattr(config, table), name) <= highest:  # also: not nan
            wanted = tr("a number above zero and at most {highest}", highest=highest)
            raise _wrong(path, place, wanted)
    if config.relay.security == "none" and config.relay.username:
        raise ConfigError(
            tr("{file}: a password would travel in the clear.", file=path),
            hint=tr('Write security = "starttls" or "tls" under [relay].'),
        )
