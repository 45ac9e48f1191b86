"""``dkim``: keys to sign mail with, and the records that let everybody check the signatures."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from flashback import files
from flashback.cli import show
from flashback.cli.house import Group, mark, option
from flashback.config import FILENAME
from flashback.errors import ConfigError
from flashback.sentences import tr
from flashback.workspace import Workspace

_SELECTOR: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?")
_SECRETS: Final = "subscribers"
#: Of a pair of keys, RSA has the name itself: it is the one that every receiver knows.
_PAIR: Final = {"rsa": "", "ed25519": "-ed"}


@click.group(name="dkim", cls=Group, example="flashback dkim new")
def dkim() -> None:
    """Sign mail, so that receivers know it is yours."""


@dkim.command(name="new", example="flashback dkim new --selector key2026")
@option("--selector", default="flashback", help=mark("Name of the key in the DNS."))
@option(
    "--type",
    "kind",
    type=click.Choice(["rsa", "ed25519", "both"]),
    default="rsa",
    help=mark("Kind of key: rsa is the one that every receiver knows."),
)
@click.pass_obj
def new(folder: str, selector: str, kind: str) -> None:
    """Make a private key, and say what to write into the DNS and into flashback.toml."""
    from flashback.mime.dkim import demand_cryptography

    demand_cryptography()
    from flashback.mime import dkim_keys

    config = Workspace.at(Path(folder)).config
    suffixes = _PAIR if kind == "both" else {kind: ""}
    paths = {
        f"{selector}{suffix}": f"{_SECRETS}/dkim-{selector}{suffix}.key"
        for suffix in suffixes.values()
    }
    for name, path in paths.items():
        _demand_new(name, config.path(path), taken=config.dkim.keys)
    pems = [dkim_keys.new_private_key(algorithm) for algorithm in suffixes]
    files.make_folder(config.path(_SECRETS), mode=0o700)
    files.write_all(
        {config.path(path): pem for path, pem in zip(paths.values(), pems, strict=True)},
        mode=0o600,
    )
    for path in paths.values():
        click.echo(f"  {config.path(path)}")
    domain = config.dkim.domain or config.newsletter.sender.rpartition("@")[2]
    show.say(tr("Put into the DNS of {domain}, as lines of a zone file:", domain=domain))
    records = [dkim_keys.dns_record(name, pem) for name, pem in zip(paths, pems, strict=True)]
    for name, record in zip(paths, records, strict=True):
        click.echo(f"\n{dkim_keys.zone_line(name, domain, record)}")
    click.echo()
    show.say(tr("Or, where a form asks for a TXT record's name and its text:"))
    for name, record in zip(paths, records, strict=True):
        click.echo(f"\n{name}._domainkey\n{record}")
    click.echo()
    show.say(tr("When the DNS shows it, write into {file}:", file=FILENAME))
    click.echo(f"\n{_settings(config.dkim.domain, {**config.dkim.keys, **paths})}")


def _demand_new(selector: str, path: Path, *, taken: Mapping[str, str]) -> None:
    """Raise ConfigError unless the selector is a fit name and no key has it."""
    if not _SELECTOR.fullmatch(selector):
        raise ConfigError(
            tr("“{name}” is no selector.", name=selector),
            hint=tr("It is a name in the DNS: small letters, digits and hyphens, such as key1"),
        )
    if selector in taken or path.exists():
        raise ConfigError(
            tr("There is a DKIM key “{name}” already; it was not touched.", name=selector),
            hint=tr("Make the new one under another name: flashback dkim new --selector key2"),
        )


def _settings(domain: str, keys: Mapping[str, str]) -> str:
    """The [dkim] table with these keys. A TOML key with a dot in it stands between quotes."""
    names = {name: f'"{name}"' if "." in name else name for name in keys}
    lines = ["[dkim]"]
    lines += [f'domain = "{domain}"'] if domain else []
    lines += [f'keys.{names[name]} = "{path}"' for name, path in keys.items()]
    return "\n".join(lines)
