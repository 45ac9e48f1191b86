"""What there is to set, with its defaults: one frozen value per table of flashback.toml.

A number carries its bounds in its type, so that whatever reads a table holds it to them. How the
keys are explained to staff: docs/configuration.md.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from flashback.config.bounds import UpTo

Security = Literal["tls", "starttls", "none"]
Kind = Literal["smtp", "sendmail", "maildir", "mbox"]
Login = Literal["auto", "plain", "login", "cram-md5", "xoauth2", "oauthbearer"]

#: The name, among relays, of the one under ``[relay]``.
MAIN: Final = "main"

# What no clock, socket or database could bear more of: ports end at 65535, the rest is a day, a
# year, a century, or a million.
_Seconds = Annotated[float, UpTo(86_400)]
_Hours = Annotated[float, UpTo(8_784)]
_DaysOrForEver = Annotated[int, UpTo(36_525, takes_zero=True)]
_Count = Annotated[int, UpTo(1_000_000)]
_PerMinute = Annotated[float, UpTo(1_000_000)]
_PerMinuteOrNoLimit = Annotated[float, UpTo(1_000_000, takes_zero=True)]


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
class OAuthConfig:
    """Where a login gets its access token (RFC 6749 section 6). Without ``token_url``: no OAuth."""

    token_url: str = ""  #: https
    client_id: str = ""
    client_secret_file: str = ""  #: empty: a public client, which has none
    refresh_token_file: str = ""
    scope: str = ""  #: empty: the one that was granted


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """The server, program, folder or file that takes our mail."""

    kind: Kind = "smtp"
    path: str = ""  #: program (sendmail), folder (maildir) or file (mbox)
    host: str = "localhost"
    port: Annotated[int, UpTo(65_535)] = 587
    security: Security = "starttls"
    username: str = ""
    login: Login = "auto"
    password_file: str = ""  #: a file with nothing but the password
    oauth: OAuthConfig = field(default_factory=OAuthConfig)
    ca_file: str = ""  #: PEM certificates to trust instead of the system's
    require_tls: bool = False  #: RFC 8689, on every message; a relay without it is refused
    bounce_address: str = ""  #: bounces come back to local+TAG@domain; empty: the sender's
    delivery_reports: bool = False  #: RFC 3461: ask for reports of failure and delay, if offered
    helo_name: str = ""  #: empty: this machine's name
    connect_seconds: _Seconds = 30.0
    command_seconds: _Seconds = 300.0  #: RFC 5321 section 4.5.3.2: 5 minutes
    final_dot_seconds: _Seconds = 600.0  #: section 4.5.3.2.6: 10 minutes, or mail is doubled
    connections: Annotated[int, UpTo(50)] = 5
    messages_per_connection: _Count = 100
    messages_per_minute: _PerMinuteOrNoLimit = 0.0  #: 0: no limit
    weight: Annotated[int, UpTo(1_000)] = 1  #: its share, when there are more relays
    pipelining: bool = True  #: RFC 2920, when offered
    #: RFC 3030, when offered: whole messages are written before the answer to the first, for
    #: distant relays; then up to ``ahead`` are in doubt on each connection that breaks, not one.
    chunking: bool = False
    ahead: Annotated[int, UpTo(100)] = 8
    postfix_log: str = ""  #: the log of a Postfix on this machine: it settles doubts


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingConfig:
    """How mail leaves."""

    window: _Count = 500  #: deliveries claimed at a time
    messages_per_minute: _PerMinuteOrNoLimit = 0.0  #: over all relays; 0: no limit
    #: Most messages a minute to one domain of readers, by domain in small letters.
    per_domain: Mapping[str, _PerMinute] = field(default_factory=dict)
    quiet_hours: str = ""  #: "22:00-07:00": nothing leaves then; see ``quiet``
    time_zone: str = ""  #: IANA, "Africa/Casablanca"; empty: the machine's
    warm_up: tuple[_Count, ...] = ()  #: most messages on each of the first days
    warm_up_since: str = ""  #: "2026-01-05", the first of these days
    pause_at_share: Annotated[float, UpTo(1)] = 0.2  #: of refused tries: stop and ask
    pause_at_least: _Count = 10  #: refused, before the share counts
    give_up_after_hours: _Hours = 48.0  #: since the first try
    first_retry_minutes: Annotated[float, UpTo(1_440)] = 15.0
    longest_retry_hours: _Hours = 6.0
    log: str = "subscribers/deliveries.jsonl"  #: one JSON line per delivery event; empty: none
    log_addresses: bool = False  #: full addresses in the log, instead of a***@example.org

    @property
    def quiet(self) -> tuple[dt.time, dt.time] | None:
        """When the quiet hours begin and end, local time; they may span midnight."""
        if not self.quiet_hours:
            return None
        begin, _, end = self.quiet_hours.partition("-")
        return dt.time.fromisoformat(begin.strip()), dt.time.fromisoformat(end.strip())

    @property
    def zone(self) -> dt.tzinfo | None:
        """The time zone that was named; None: the machine's, which ``astimezone`` takes it for."""
        if not self.time_zone:
            return None
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - most commands do without

        return ZoneInfo(self.time_zone)

    @property
    def first_day(self) -> dt.date | None:
        """The first day of the warm-up; None: there is none."""
        return dt.date.fromisoformat(self.warm_up_since) if self.warm_up_since else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimConfig:
    """Who signs (RFC 6376). Without keys nothing is signed here."""

    domain: str = ""  #: d=; empty: that of the sender's address
    #: File of the private key (PEM) by selector; empty: it comes from the environment.
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Where subscribers and mailings are kept."""

    url: str = "sqlite:///subscribers/subscribers.db"  #: or postgresql+psycopg://...
    key_file: str = "subscribers/signing.key"  #: signs unsubscribe links; env FLASHBACK_KEY wins


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionConfig:
    """How many days what is held about people is kept; 0: for ever. ``purge`` keeps to it."""

    unconfirmed: _DaysOrForEver = 0  #: who never confirmed
    unsubscribed: _DaysOrForEver = 0  #: who left, in clear; then a mark stays
    suppressed: _DaysOrForEver = 0  #: confirmed people to whom mail is forbidden; then a mark stays
    replies: _DaysOrForEver = 0  #: what servers said about a copy; their codes stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A workspace's settings."""

    newsletter: NewsletterConfig
    links: LinksConfig
    relay: RelayConfig = field(default_factory=RelayConfig)
    relays: Mapping[str, RelayConfig] = field(default_factory=dict)  #: more of them, by name
    sending: SendingConfig = field(default_factory=SendingConfig)
    dkim: DkimConfig = field(default_factory=DkimConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    #: What fields of your own hold: text, number or date.
    fields: Mapping[str, str] = field(default_factory=dict)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    segments: Mapping[str, str] = field(default_factory=dict)  #: saved segments by name
    folder: Path = field(default=Path(), metadata={"internal": True})

    @property
    def all_relays(self) -> Mapping[str, RelayConfig]:
        """Every relay by name, in the file's order: the one under [relay] is "main", the first."""
        return {MAIN: self.relay, **self.relays}

    def path(self, relative: str) -> Path:
        """A path of this workspace."""
        return self.folder / relative
