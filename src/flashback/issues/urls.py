"""Where links lead: only http, https and mailto, always absolute, always ASCII in the end.

Scripts, data and files never pass. International host names become A-labels and other letters
are percent-encoded (RFC 3986, RFC 3987 section 3.1), so the address is the same in every mail
program. Whether the page exists is not asked here.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from flashback.issues.remarks import Remarks, short
from flashback.issues.words import PLACEHOLDERS
from flashback.model.edition import SLOT_PATTERN
from flashback.sentences import tr

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
#: A page that readers can reach has a dot in its host; "https://https://…" has none.
_HOST: Final = re.compile(r"[^\W_](?:[\w-]{0,62})(?:\.[\w-]{1,63})+\.?")
_IP_LITERAL: Final = re.compile(r"[0-9a-f:.]+")
_LIKE_A_HOST: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[/?#:].*)?", re.DOTALL)
_MAILBOX: Final = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+\.[^\s@<>,;:\"]+")
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~-._"
_LONGEST_LABEL: Final = 63
_ADDRESS_PLACEHOLDERS: Final = frozenset(PLACEHOLDERS["address"].values())


def checked(url: str, line: int, remarks: Remarks) -> str:
    """The address as it goes into the mail; empty when it must not, and then remarked upon."""
    if url in _ADDRESS_PLACEHOLDERS:
        return ""  # its line is reported as not filled in
    if SLOT_PATTERN.search(url) or any(_unseen(character) for character in url):
        return _malformed(url, line, remarks)
    scheme = _SCHEME.match(url)
    if not scheme or (_LIKE_A_HOST.fullmatch(url) and "." in scheme[1]):
        return _relative(url, line, remarks)
    match scheme[1].lower():
        case "http" | "https":
            return _web(url) or _malformed(url, line, remarks)
        case "mailto":
            return _mail(url) or _malformed(url, line, remarks)
        case other:
            remarks.error(
                line,
                "link-scheme",
                tr("A link must not begin with “{scheme}:”.", scheme=other),
                tr("Write an address that begins with https://"),
            )
            return ""


def is_mail(url: str) -> bool:
    """Whether a checked address opens a letter rather than a page."""
    return url.startswith("mailto:")


def _unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}


def _relative(url: str, line: int, remarks: Remarks) -> str:
    bare = url.lstrip("/")
    if _MAILBOX.fullmatch(url):
        example = f"mailto:{short(url)}"
    else:
        example = f"https://{short(bare)}" if _LIKE_A_HOST.fullmatch(bare) else ""
    remarks.error(
        line,
        "link-relative",
        tr("The link “{url}” has no https:// in front.", url=short(url)),
        tr("Write: {example}", example=example)
        if example
        else tr("Write the whole address of the page, from https:// on."),
    )
    return ""


def _malformed(url: str, line: int, remarks: Remarks) -> str:
    remarks.error(
        line,
        "link-malformed",
        tr("The link “{url}” is not a sound address.", url=short(url)),
        tr("Open the page in a browser, copy its address and paste it here."),
    )
    return ""


def _web(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    # A name before "@" hides the true host from the reader.
    if not host or "@" in parts.netloc or "\\" in parts.netloc:
        return ""
    ascii_host = _ascii_host(host)
    if not ascii_host:
        return ""
    netloc = ascii_host if port is None else f"{ascii_host}:{port}"
    rest = (_encoded(part) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit(SplitResult(parts.scheme.lower(), netloc, *rest))


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{host}]" if _IP_LITERAL.fullmatch(host) else ""
    if not _HOST.fullmatch(host):
        return ""
    labels = [
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
        for label in host.lower().split(".")
    ]
    return ".".join(labels) if all(len(label) <= _LONGEST_LABEL for label in labels) else ""


def _mail(url: str) -> str:
    mailbox, mark, fields = url.partition(":")[2].partition("?")
    return (
        f"mailto:{_encoded(mailbox)}{mark}{_encoded(fields)}" if _MAILBOX.fullmatch(mailbox) else ""
    )


def _encoded(part: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", part), safe=_KEPT)
