"""The only place that knows all rooms: builds the parts and hands them out.

A workspace is a folder with a flashback.toml. Rooms are loaded when a command needs them, so that
``subscribers list`` never pays for MJML, nor ``compose`` for SQL.
"""

import datetime as dt
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flashback import config as configuration
from flashback import credentials, resources
from flashback.config import Config
from flashback.errors import StoreError
from flashback.model import Grant
from flashback.tokens import SigningKey, erasure_mark

if TYPE_CHECKING:
    from flashback.compose import Theme
    from flashback.dispatch.bucket import Bucket
    from flashback.dispatch.ports import Transport
    from flashback.mime import Sender, Signer
    from flashback.smtp import Host
    from flashback.smtp.oauth import AccessTokens
    from flashback.store import SqlLedger, Store, Subscribers

#: Where senders keep their journals, in the workspace.
JOURNALS: Final = "subscribers/journals"
#: How long a store that stumbled is left alone.
_STUMBLE: Final = dt.timedelta(seconds=0.5)


class SystemClock:
    """The machine's own time."""

    def now(self) -> dt.datetime:
        """Now, in UTC."""
        return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Workspace:
    """A newsletter's folder, and everything that works in it."""

    config: Config
    clock: SystemClock = field(default_factory=SystemClock)

    @classmethod
    def at(cls, folder: Path) -> "Workspace":
        """The workspace of a folder, or of the nearest folder above it. Raises ConfigError."""
        return cls(configuration.load(configuration.find(folder)))

    @cached_property
    def theme(self) -> "Theme":
        """The shipped theme, with this workspace's own files before it."""
        from flashback.compose import load_theme

        return load_theme(
            templates=resources.templates("email"),
            overrides=self.config.path("templates/email"),
            cache=resources.cache(),
        )

    @cached_property
    def store(self) -> "Store":
        """The store, its schema up to date, open until the program ends. Raises StoreError."""
        from flashback.store import open_store

        opened = open_store(self.config.store.url, folder=self.config.folder, mark_of=self.mark_of)
        # Nobody looks for what is left at the end, and SQLite tidies up only behind who closes.
        weakref.finalize(self, opened.engine.dispose)
        return opened

    def mark_of(self, key: str) -> str:
        """What is kept of an erased person's address. Raises ConfigError without a signing key."""
        return erasure_mark(self.key, key)

    @cached_property
    def subscribers(self) -> "Subscribers":
        """The address book."""
        from flashback.store import Subscribers

        return Subscribers(self.store)

    @cached_property
    def ledger(self) -> "SqlLedger":
        """The account of mailings."""
        from flashback.store import SqlLedger

        return SqlLedger(self.store, self.config.path(JOURNALS))

    @cached_property
    def key(self) -> SigningKey:
        """What signs unsubscribe links. Raises ConfigError; never makes a new one by itself."""
        return credentials.signing_key(self.config)

    def sender(self, opened_at: dt.datetime, key: SigningKey | None = None) -> "Sender":
        """All that a message says about who sends it; signed with the workspace's own key."""
        from flashback.mime import Sender

        return Sender.of(self.config, key=key or self.key, date=opened_at)

    @cached_property
    def signers(self) -> "tuple[Signer, ...]":
        """Who signs messages with DKIM; nobody without keys. Raises ConfigError."""
        from flashback.mime import load_signers

        return load_signers(self.config.dkim.domain, credentials.dkim_keys(self.config))

    def relay(self) -> "Transport":
        """What takes our mail: an SMTP server, a program, a folder or a file; not yet connected."""
        settings = self.config.relay
        if settings.kind == "smtp":
            from flashback.smtp import Relays

            return Relays([self._host(name) for name in self.config.all_relays])
        from flashback.outlets import Maildir, Mbox, Sendmail

        path, clock = self.config.path(settings.path), self.clock.now
        match settings.kind:
            case "sendmail":
                return Sendmail(path, clock=clock, seconds=settings.final_dot_seconds)
            case "maildir":
                return Maildir(path, clock=clock)
            case "mbox":
                return Mbox(path, clock=clock)

    def _host(self, name: str) -> "Host":
        """One SMTP server and how we log in there; secrets are read when they are needed."""
        from flashback.smtp import Host

        settings = self.config.all_relays[name]
        return Host(
            settings,
            password=(lambda: credentials.relay_password(self.config, name))
            if settings.username and not settings.oauth.token_url
            else None,
            clock=self.clock.now,
            ca_file=self.config.path(settings.ca_file) if settings.ca_file else None,
            tokens=self._tokens(name) if settings.oauth.token_url else None,
            gate=self._gate(name) if self.has_several_relays else None,
        )

    @property
    def has_several_relays(self) -> bool:
        """Whether mail is shared out; then each relay has a pace of its own."""
        return len(self.config.all_relays) > 1

    def _gate(self, name: str) -> "Bucket | None":
        from flashback.dispatch.bucket import Bucket

        per_minute = self.config.all_relays[name].messages_per_minute
        return Bucket(f"relay:{name}", per_minute, self._drawn) if per_minute else None

    def _drawn(
        self, key: str, *, per_minute: float, burst: int, wanted: int, now: dt.datetime
    ) -> Grant:
        """Tokens from the store; of one that stumbles, none for a while."""
        try:
            return self.ledger.draw(key, per_minute=per_minute, burst=burst, wanted=wanted, now=now)
        except StoreError:
            return Grant(tokens=0, wait=_STUMBLE)

    def _tokens(self, name: str) -> "AccessTokens":
        from flashback.smtp import trust
        from flashback.smtp.oauth import AccessTokens

        return AccessTokens(
            self.config.all_relays[name].oauth,
            lambda: credentials.oauth_secrets(self.config, name),
            keep=lambda token: credentials.keep_refresh_token(self.config, token, name),
            context=trust.context(None),
        )
