"""Refuse what the types allow but mail does not: each setting alone, and settings together."""

import datetime as dt
import re
from pathlib import Path
from typing import Final

from flashback.config.tables import MAIN, Config, LinksConfig, RelayConfig, SendingConfig
from flashback.config.wrong import wrong
from flashback.errors import ConfigError
from flashback.model import FieldKind
from flashback.sentences import tr

#: RFC 8058 section 3.1: the URI is https. This machine's own pages are for trials.
_SAFE_URL: Final = re.compile(
    r"https://[^/?#]|http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?[/?]"
)
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
#: A domain as it stands in an address: A-labels in small letters.
_DOMAIN: Final = re.compile(rf"(?!.{{254}}){_LABEL}(\.{_LABEL})+")
#: RFC 6376 section 3.1.
_SELECTOR: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_RELAY_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_HOURS: Final = re.compile(r" *([01]\d|2[0-3]):[0-5]\d *- *([01]\d|2[0-3]):[0-5]\d *")


def check(config: Config, path: Path) -> None:
    """Raises ConfigError for the first thing that cannot be meant."""
    _check_links(config.links, path)
    for name in config.relays:
        if name == MAIN or not _RELAY_NAME.fullmatch(name):
            raise ConfigError(
                tr("{file}: a relay cannot be named “{name}”.", file=path, name=name),
                hint=tr(
                    "Use small letters, digits and hyphens, and not “{main}”: that is the one "
                    "under [relay].",
                    main=MAIN,
                ),
            )
    _check_relay(config.relay, "relay", path)
    for name, relay in config.relays.items():
        _check_relay(relay, f"relays.{name}", path)
    _check_sending(config.sending, path)
    _check_dkim(config, path)
    for name, kind in config.fields.items():
        if kind not in set(FieldKind):
            raise wrong(path, f"fields.{name}", tr("“text”, “number” or “date”"))


def _check_links(links: LinksConfig, path: Path) -> None:
    if links.unsubscribe.count("{token}") != 1:
        raise wrong(path, "links.unsubscribe", tr("a URL with {mark} in it, once", mark="{token}"))
    if not _SAFE_URL.match(links.unsubscribe):
        raise wrong(path, "links.unsubscribe", tr("an https:// URL"))
    if any(c.isspace() or not c.isascii() for c in links.unsubscribe):
        raise wrong(path, "links.unsubscribe", tr("a URL of ASCII letters without spaces"))


def _check_relay(relay: RelayConfig, place: str, path: Path) -> None:
    if relay.kind == "smtp" and relay.path:
        raise ConfigError(
            tr("{file}: {place}.path is not for SMTP.", file=path, place=place),
            hint=tr('Write kind = "sendmail", "maildir" or "mbox" beside it, or remove it.'),
        )
    if relay.kind in {"maildir", "mbox"} and not relay.path:
        raise wrong(path, f"{place}.path", tr("the folder or file that takes the mail"))
    if relay.kind == "sendmail" and not relay.path.startswith("/"):
        raise wrong(path, f"{place}.path", tr("the whole path of a program: /usr/sbin/sendmail"))
    if relay.security == "none" and relay.username:
        raise ConfigError(
            tr("{file}: a password would travel in the clear.", file=path),
            hint=tr('Write security = "starttls" or "tls" under [{place}].', place=place),
        )
    if relay.require_tls and (relay.security == "none" or relay.kind != "smtp"):
        raise ConfigError(
            tr("{file}: {place}.require_tls cannot be kept.", file=path, place=place),
            hint=tr('It needs kind = "smtp", and security = "starttls" or "tls".'),
        )
    _check_oauth(relay, place, path)


def _check_oauth(relay: RelayConfig, place: str, path: Path) -> None:
    oauth = relay.oauth
    if not oauth.token_url:
        if relay.login in {"xoauth2", "oauthbearer"} or oauth.client_id:
            raise wrong(path, f"{place}.oauth.token_url", tr("an https:// URL"))
        return
    if not re.match(r"https://[^/?#\s]+", oauth.token_url) or not oauth.token_url.isascii():
        raise wrong(path, f"{place}.oauth.token_url", tr("an https:// URL"))
    if not oauth.client_id:
        raise wrong(path, f"{place}.oauth.client_id", tr("the name under which you registered"))
    if not relay.username:
        raise wrong(path, f"{place}.username", tr("the mailbox that the token is for"))
    if relay.login not in {"auto", "xoauth2", "oauthbearer"}:
        raise wrong(path, f"{place}.login", tr("one of {list}", list="auto, xoauth2, oauthbearer"))


def _check_sending(sending: SendingConfig, path: Path) -> None:
    for domain in sending.per_domain:
        if not _DOMAIN.fullmatch(domain):
            raise ConfigError(
                tr("{file}: sending.per_domain: “{name}” is no domain.", file=path, name=domain),
                hint=tr("Write it in small letters, as after the @: example.org"),
            )
    if sending.quiet_hours and not _is_span(sending.quiet_hours):
        raise wrong(path, "sending.quiet_hours", tr("two hours that differ: 22:00-07:00"))
    if sending.time_zone and not _is_zone(sending.time_zone):
        raise wrong(path, "sending.time_zone", tr("a time zone, such as Africa/Casablanca"))
    if bool(sending.warm_up) != bool(sending.warm_up_since):
        raise ConfigError(
            tr("{file}: a warm-up has limits and a first day.", file=path),
            hint=tr("Set both warm_up and warm_up_since under [sending], or neither."),
        )
    if sending.warm_up_since and not _is_day(sending.warm_up_since):
        raise wrong(path, "sending.warm_up_since", tr('a date between quotes: "2026-01-05"'))


def _is_span(text: str) -> bool:
    begin, _, end = text.partition("-")
    return bool(_HOURS.fullmatch(text)) and begin.strip() != end.strip()


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most commands do without

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A folder of time zones, such as "Africa", is an OSError.
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_dkim(config: Config, path: Path) -> None:
    if config.dkim.domain and not _DOMAIN.fullmatch(config.dkim.domain):
        raise wrong(path, "dkim.domain", tr("a domain in small letters: example.org"))
    for selector in config.dkim.keys:
        if not _SELECTOR.fullmatch(selector):
            raise ConfigError(
                tr("{file}: dkim.keys: “{name}” is no selector.", file=path, name=selector),
                hint=tr("It is a name in the DNS: small letters, digits and hyphens, such as key1"),
            )
