"""Where a page of the archive lies: ``links.archive`` is an address, and becomes files and links.

What stands before ``{number}`` or ``{language}`` is the root of the archive; all files are named
from there, and all links between pages are relative, so that the whole can be moved.
"""

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flashback.errors import ConfigError
from flashback.sentences import tr

_FIELDS = re.compile(r"\{(?:number|language)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The archive's address and the pattern of its pages."""

    root: str  #: "https://news.example.org/flash-back/"
    pattern: str  #: "{number}/{language}/", from the root
    main: str  #: language of the first page

    def page(self, number: str, language: str) -> str:
        """The path of an edition's page as a link has it: "35/fr/"."""
        filled = self.pattern.replace("{number}", quote(number, safe=""))
        return filled.replace("{language}", quote(language, safe=""))

    def index(self, name: str, language: str) -> str:
        """The path of an index: "" is the first page, "outlets.ar.html" another's."""
        if name == "index":
            return "" if language == self.main else f"index.{language}.html"
        return f"{name}.html" if language == self.main else f"{name}.{language}.html"

    def url(self, path: str) -> str:
        """A path with the archive's address before it."""
        return self.root + path


def file_of(path: str) -> str:
    """The file in which the page of a path lies."""
    if not path or path.endswith("/"):
        return f"{path}index.html"
    return path if posixpath.splitext(path)[1] else f"{path}/index.html"


def way(at: str, to: str) -> str:
    """A relative link from one path to another."""
    folder = posixpath.dirname(at)
    target = (
        posixpath.relpath(to or ".", folder or ".") if to else posixpath.relpath(".", folder or ".")
    )
    if (to.endswith("/") or not to) and not target.endswith("/"):
        target += "/"
    return target if target != "./" else "./"


def places_of(link: str, *, main: str) -> Places:
    """The places of ``links.archive``. Raises ConfigError for a link that is no archive."""
    parts = urlsplit(link)
    path = parts.path
    first = _FIELDS.search(path)
    good = (
        first
        and parts.scheme in {"http", "https"}
        and parts.netloc
        and not parts.query
        and not parts.fragment
        and "{number}" in path
        and "{language}" in path
        and path[: first.start()].endswith("/")
        and ".." not in path.split("/")
    )
    if not good or first is None:
        raise ConfigError(
            tr("links.archive is no address that an archive can be made for: “{link}”.", link=link)
            if link
            else tr("The settings do not say where the archive will be."),
            hint=tr(
                "Write under [links] of flashback.toml:"
                ' archive = "https://news.example.org/{mark}/{other}/"',
                mark="{number}",
                other="{language}",
            ),
        )
    root = f"{parts.scheme}://{parts.netloc}{path[: first.start()]}"
    return Places(root=root, pattern=path[first.start() :], main=main)
