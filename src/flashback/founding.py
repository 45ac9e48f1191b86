"""A new workspace: its folder, settings and signing key. Adds what is missing, changes nothing."""

import json
import secrets
from pathlib import Path
from typing import Final

from flashback import addresses, files
from flashback.config import FILENAME

_SETTINGS: Final = {
    "fr": """\
# Les réglages de la lettre. Chaque clé est expliquée dans docs/configuration.md.
# Aucun mot de passe ici : FLASHBACK_RELAY_PASSWORD, ou password_file.

[newsletter]
name = {name}
sender = {sender}
language = {language}
list_id = {list_id}
# Nom et adresse postale de l'éditeur, montrés au pied de chaque message.
publisher = ""
postal_address = ""

[links]
# La page où un lecteur se désabonne ; {{token}} est remplacé pour chacun.
unsubscribe = "https://{domain}/unsubscribe/{{token}}"
# La version en ligne d'un numéro ; laissez vide s'il n'y en a pas.
archive = ""

[relay]
# Le serveur SMTP qui prend le courrier : demandez-le à votre hébergeur.
host = "smtp.{domain}"
port = 587
security = "starttls"
username = ""
""",
    "en": """\
# The newsletter's settings. Each key is explained in docs/configuration.md.
# No password here: FLASHBACK_RELAY_PASSWORD, or password_file.

[newsletter]
name = {name}
sender = {sender}
language = {language}
list_id = {list_id}
# The publisher's name and postal address, shown at the foot of every message.
publisher = ""
postal_address = ""

[links]
# The page where a reader leaves; {{token}} is filled in for each.
unsubscribe = "https://{domain}/unsubscribe/{{token}}"
# Where an issue can be read on the web; leave it empty if nowhere.
archive = ""

[relay]
# The SMTP server that takes the mail: ask your provider.
host = "smtp.{domain}"
port = 587
security = "starttls"
username = ""
""",
}

_KEEP_OUT: Final = """\
# Readers' addresses and keys never enter git.
subscribers/
backups/
out/
"""


def settings(*, name: str, sender: str, language: str) -> str:
    """The text of a first flashback.toml, commented. Raises AddressError."""
    address = addresses.parse(sender)
    return _SETTINGS["en" if language == "en" else "fr"].format(
        name=_quoted(name),
        sender=_quoted(address.mailbox),
        language=_quoted(language),
        list_id=_quoted(f"{_label(name)}.{address.domain}"),
        domain=address.domain,
    )


def found(folder: Path, settings_text: str = "") -> list[Path]:
    """Make what is missing of a workspace; answer the paths made. Raises FlashbackError.

    ``settings_text`` is only written where there are no settings yet.
    """
    texts = {FILENAME: settings_text, ".gitignore": _KEEP_OUT}
    made = []
    files.make_folder(folder)
    for relative, text in texts.items():
        if not (folder / relative).exists():
            files.write(folder / relative, text.encode())
            made.append(folder / relative)
    for relative, mode in (("issues", 0o755), ("subscribers", 0o700)):
        if not (folder / relative).exists():
            files.make_folder(folder / relative, mode=mode)
            made.append(folder / relative)
    key = folder / "subscribers" / "signing.key"
    if not key.exists():
        files.write(key, secrets.token_hex(32).encode() + b"\n", mode=0o600)
        made.append(key)
    return made


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _label(name: str) -> str:
    """A name as one label of a domain: "Flash-back !" is flash-back."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return "-".join(filter(None, letters.split("-")))[:63] or "newsletter"
