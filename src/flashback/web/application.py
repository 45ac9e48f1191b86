"""HTTP for the link in every mail: GET shows a button, POST lets the reader go at once.

RFC 8058 sections 3.1 and 3.2 rule the POST: no login, no cookie, no redirect, no question about
where it comes from; the token in the path is all there is to check. Its body says nothing that
the path does not, so it is never read, only limited. Only POST changes anything, because programs
that scan mail follow every link in it.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flashback import readers, resources
from flashback.config import FILENAME, Config
from flashback.errors import ConfigError, FlashbackError
from flashback.sentences import tr
from flashback.tokens import SigningKey
from flashback.web.pages import Kind, Pages

#: More than any mail program sends: its body is one short line.
LONGEST_BODY: Final = 64 * 1024  #: octets
RETRY_AFTER: Final = 120  #: seconds
_ALLOWED: Final = ("GET", "HEAD", "POST", "OPTIONS")
_ALLOW: Final = (("Allow", ", ".join(_ALLOWED)),)
_Headers = tuple[tuple[str, str], ...]


def application(
    config: Config, *, book: readers.Book, key: SigningKey, clock: readers.Clock
) -> WSGIApplication:
    """The reader's pages as WSGI, at the path of ``links.unsubscribe``. Raises ConfigError."""
    path = _path_of(config.links.unsubscribe)
    pages = Pages(resources.templates("web"), config.newsletter)
    return _Application(path=path, pages=pages, book=book, key=key, clock=clock)


def _path_of(link: str) -> re.Pattern[str]:
    """What the path of a request must look like; its group is the token."""
    parts = urlsplit(link).path.split("{token}")
    if len(parts) != 2:  # noqa: PLR2004  # before it and after it
        raise ConfigError(
            tr("{file}: links.unsubscribe must have {mark} once, in its path, to be served here.",
               file=FILENAME, mark="{token}"),
            hint=tr('Write it like unsubscribe = "https://news.example.org/unsubscribe/{mark}".',
                    mark="{token}"),
        )  # fmt: skip
    # PEP 3333: the path arrives unquoted, its octets as Latin-1.
    before, after = (re.escape(unquote(part, "latin-1")) for part in parts)
    return re.compile(f"{before}([^/]+){after}")


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status and a page; without a kind there is no page."""

    status: HTTPStatus
    kind: Kind | None
    reader: readers.Reader | None = None
    headers: _Headers = ()
    remark: str = ""  #: for the log


_MISSING: Final = _Answer(HTTPStatus.NOT_FOUND, "missing")
_STRANGE_METHOD: Final = _Answer(HTTPStatus.METHOD_NOT_ALLOWED, "refused", headers=_ALLOW)
_OPTIONS: Final = _Answer(HTTPStatus.OK, None, headers=_ALLOW)
_STRANGE_LENGTH: Final = _Answer(HTTPStatus.BAD_REQUEST, "refused")
_TOO_LONG: Final = _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "refused")


def _length_refused(length: str) -> _Answer | None:
    """What to answer to a body of that Content-Length, if it is not to be taken."""
    if not (length.isascii() and length.isdigit()):
        return _STRANGE_LENGTH
    # Counted before it is made a number: Python takes no number of 5000 digits.
    if len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
        return _TOO_LONG
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Application:
    path: re.Pattern[str]
    pages: Pages
    book: readers.Book
    key: SigningKey
    clock: readers.Clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer one request, and say so in one line on the server's error stream."""
        method = str(environ["REQUEST_METHOD"])
        path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
        found = self.path.fullmatch(path)
        answer = self._answer(method, found[1], environ) if found else _MISSING
        environ["wsgi.errors"].write(self._line(method, found is not None, answer))
        content, language = self._page(answer, str(environ.get("HTTP_ACCEPT_LANGUAGE", "")))
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", language),
            ("Content-Length", str(len(content))),
            *self._headers(),
            *answer.headers,
        ]
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [b"" if method == "HEAD" else content]

    def _answer(self, method: str, token: str, environ: WSGIEnvironment) -> _Answer:
        if method not in _ALLOWED:
            return _STRANGE_METHOD
        if method == "OPTIONS":
            return _OPTIONS
        if strange := _length_refused(str(environ.get("CONTENT_LENGTH") or "0")):
            return strange
        try:
            reader = self._leave(token) if method == "POST" else self._who(token)
        except FlashbackError as error:
            retry = (("Retry-After", str(RETRY_AFTER)),)
            return _Answer(
                HTTPStatus.SERVICE_UNAVAILABLE, "failed", headers=retry, remark=str(error)
            )
        if reader is None:
            return _Answer(HTTPStatus.OK, "nobody")
        return _Answer(HTTPStatus.OK, "left" if reader.has_left else "ask", reader)

    def _leave(self, token: str) -> readers.Reader | None:
        return readers.leave(token, book=self.book, key=self.key, clock=self.clock)

    def _who(self, token: str) -> readers.Reader | None:
        return readers.who(token, book=self.book, key=self.key)

    def _page(self, answer: _Answer, accepted: str) -> tuple[bytes, str]:
        """The page as octets, and its language."""
        reader = answer.reader
        language = self.pages.language(reader.language if reader else "", accepted)
        if answer.kind is None:
            return b"", language
        address = reader.address if reader else ""
        return self.pages.page(answer.kind, language=language, address=address).encode(), language

    def _headers(self) -> _Headers:
        """What every answer carries: nothing is loaded, framed, stored or told to other sites."""
        policy = (
            f"default-src 'none'; style-src {self.pages.style_source}; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        return (
            ("Content-Security-Policy", policy),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Robots-Tag", "noindex"),
            ("Cache-Control", "no-store"),
        )

    def _line(self, method: str, known: bool, answer: _Answer) -> str:  # noqa: FBT001  # private
        """A line of the log: never the token, nor anything else that a stranger wrote."""
        verb = method if method in _ALLOWED else "OTHER"
        place = "unsubscribe" if known else "elsewhere"
        remark = " ".join(answer.remark.split())
        now = self.clock.now().isoformat(timespec="seconds")
        return f"{now} {verb} {place} {answer.status.value} {remark}".rstrip() + "\n"
