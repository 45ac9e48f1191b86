"""Where links lead: checked, and written with the characters that every mail program takes."""

from typing import Final
from urllib.parse import quote

from flashback.compose.typography import printable
from flashback.errors import IssueError
from flashback.sentences import tr

_SCHEMES: Final = ("https://", "http://", "mailto:")
# RFC 3986 reserved characters, and "%" of what is encoded already.
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~-._"


def href(url: str, place: str) -> str:
    """The URL in ASCII, and never a slot. Raises IssueError for anything but the web and mail."""
    stripped = printable(url).strip()
    if not stripped.lower().startswith(_SCHEMES):
        raise IssueError(
            tr("{place}: “{url}” is not a link that can be sent.", place=place, url=url[:80]),
            hint=tr("A link begins with https:// or mailto:"),
        )
    # %5F is "_" to every server, and no slot to us.
    return quote(stripped, safe=_SAFE).replace("__FB_", "_%5FFB_")


def archive(pattern: str, *, number: str, language: str) -> str:
    """The page of one edition on the web; empty when there is no archive."""
    number, language = quote(number, safe=""), quote(language, safe="")
    return pattern.replace("{number}", number).replace("{language}", language)
