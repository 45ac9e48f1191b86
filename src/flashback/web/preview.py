"""The issue being written, in a browser on the editor's own machine: one page and its parts.

The page asks again and again whether something changed; only reading is possible. It is answered to
programs of this machine alone, and only under a name of this machine, so that no other site can
make a browser read it (DNS rebinding). The mail stands in a sandbox without scripts.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import jinja2

from flashback import resources
from flashback.errors import FlashbackError
from flashback.model import Edition, Finding, direction_of
from flashback.preflight.weight import CLIPPED
from flashback.sentences import Sentence, tr
from flashback.workspace.previewing import Drawn, Preview, Reader

_OURS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_STYLE: Final = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_SCHEME: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_META: Final = re.compile(
    r'(<meta name="(?:supported-color-schemes|color-scheme)" content=")[^"]*', re.IGNORECASE
)
#: What a media query says that always holds, and one that never does.
_ALWAYS, _NEVER = "(min-width: 0)", "(max-width: 0)"
#: The names of languages, each in its own.
_NAMES: Final = {"fr": "Français", "ar": "العربية", "en": "English"}

_Headers = list[tuple[str, str]]


def preview_application(preview: Preview, *, language: str, address: str = "") -> WSGIApplication:
    """The page of a preview as WSGI, in ``language``; ``address`` is the reader it begins with."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates("web")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("preview.html.j2").render(
        language=language,
        reader=address,
        words={key: sentence.in_language(language) for key, sentence in _WORDS.items()},
    )
    folder = resources.templates("web")
    return _Application(
        preview=preview,
        language=language,
        files={
            "/": ("text/html", page.encode()),
            "/preview.js": ("text/javascript", (folder / "preview.js").read_bytes()),
            "/preview.css": ("text/css", (folder / "preview.css").read_bytes()),
        },
    )


def in_scheme(html: str, *, dark: bool) -> str:
    """The same page as a mail program shows it that is light, or dark, whatever the browser is."""
    scheme = "dark" if dark else "light"

    def decided(style: re.Match[str]) -> str:
        css = _SCHEME.sub(lambda m: _ALWAYS if m[1].lower() == scheme else _NEVER, style[2])
        return f"{style[1]}{css}{style[3]}"

    return _META.sub(rf"\g<1>{scheme}", _STYLE.sub(decided, html))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    media_type: str = "text/plain"
    content: bytes = b""
    policy: str = "default-src 'none'; frame-ancestors 'none'"


_UNCHANGED: Final = _Answer(HTTPStatus.NO_CONTENT)
_MISSING: Final = _Answer(HTTPStatus.NOT_FOUND, content=b"There is nothing here.\n")
_STRANGER: Final = _Answer(HTTPStatus.FORBIDDEN, content=b"Open the address that was printed.\n")
_READ_ONLY: Final = _Answer(HTTPStatus.METHOD_NOT_ALLOWED, content=b"Only GET and HEAD.\n")
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: No script runs; the page around it may still scroll the mail to where it was.
_MAIL_POLICY: Final = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Application:
    preview: Preview
    language: str
    files: Mapping[str, tuple[str, bytes]]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        headers: _Headers = [
            ("Content-Type", f"{answer.media_type}; charset=utf-8"),
            ("Content-Length", str(len(answer.content))),
            ("Content-Security-Policy", answer.policy),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.content]

    def _answer(self, environ: WSGIEnvironment) -> _Answer:
        if _is_strange(environ):
            return _STRANGER
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _READ_ONLY
        path = str(environ.get("PATH_INFO", ""))
        if path in self.files:
            media_type, content = self.files[path]
            return _Answer(HTTPStatus.OK, media_type, content, _PAGE_POLICY)
        asked = {k: v[0] for k, v in parse_qs(str(environ.get("QUERY_STRING", ""))).items()}
        if path == "/state":
            return self._state(asked)
        kind, _, language = path.removeprefix("/").partition("/")
        edition = self.preview.drawn().editions.get(language)
        if edition is None or kind not in {"mail", "text"}:
            return _MISSING
        return self._edition(edition, asked, as_text=kind == "text")

    def _edition(self, edition: Edition, asked: Mapping[str, str], *, as_text: bool) -> _Answer:
        try:
            reader, _ = self._reader(asked)
            proof = self.preview.proof(edition, reader)
        except FlashbackError as error:
            return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, content=str(error).encode())
        policy = _MAIL_POLICY.format(pictures="'none'" if "bare" in asked else "data: https:")
        if as_text:
            return _Answer(HTTPStatus.OK, "text/plain", proof.text.encode(), policy)
        html = in_scheme(proof.html, dark="dark" in asked)
        html = html.replace("<head>", '<head><base target="_blank">', 1)
        return _Answer(HTTPStatus.OK, "text/html", html.encode(), policy)

    def _reader(self, asked: Mapping[str, str]) -> tuple[Reader | None, str]:
        """Who is meant, and what is wrong with that."""
        if not (given := asked.get("reader", "").strip()):
            return None, ""
        try:
            return self.preview.reader(given), ""
        except FlashbackError as error:
            return None, error.sentence.in_language(self.language)

    def _state(self, asked: Mapping[str, str]) -> _Answer:
        drawn = self.preview.drawn()
        if asked.get("since") == str(drawn.version):
            return _UNCHANGED
        reader, stranger = self._reader(asked)
        state = {
            "version": drawn.version,
            "at": _clock(drawn.at),
            "title": drawn.title,
            "number": drawn.number,
            "sender": drawn.sender,
            "trouble": self._trouble(drawn.trouble),
            "limit": CLIPPED,
            "editions": [
                self._as_object(drawn, edition, reader) for edition in drawn.editions.values()
            ],
            "findings": [self._finding(finding) for finding in drawn.findings],
            "reader": reader
            and {"name": reader.name, "language": reader.language, "known": reader.known},
            "reader_trouble": stranger,
        }
        content = json.dumps(state, ensure_ascii=False).encode()
        return _Answer(HTTPStatus.OK, "application/json", content)

    def _trouble(self, error: FlashbackError | None) -> dict[str, str] | None:
        if error is None:
            return None
        return {
            "sentence": error.sentence.in_language(self.language),
            "hint": error.hint.in_language(self.language),
        }

    def _as_object(
        self, drawn: Drawn, edition: Edition, reader: Reader | None
    ) -> dict[str, object]:
        proof = self.preview.proof(edition, reader)
        return {
            "language": edition.language,
            "direction": direction_of(edition.language),
            "name": _NAMES.get(edition.language, edition.language),
            "subject": edition.subject,
            "preheader": edition.preheader,
            "html_octets": len(edition.html.encode()),
            "octets": proof.octets,
            "stale": edition.language in drawn.stale,
        }

    def _finding(self, finding: Finding) -> dict[str, object]:
        return {
            "place": f"{self.preview.short(finding.file)}:{finding.line}",
            "severity": finding.severity.value,
            "code": finding.code,
            "sentence": finding.sentence.in_language(self.language),
            "remedy": finding.remedy.in_language(self.language),
        }


def _is_strange(environ: WSGIEnvironment) -> bool:
    """Whether a browser was led here under another name, or by another site."""
    host = str(environ.get("HTTP_HOST", ""))
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in _OURS:
        return True
    origin = str(environ.get("HTTP_ORIGIN", ""))
    return bool(origin) and urlsplit(origin).netloc != host


def _clock(at: dt.datetime) -> str:
    """The time of day where the editor is."""
    return at.astimezone().strftime("%H:%M:%S")


_WORDS: Final[Mapping[str, Sentence]] = {
    "preview": tr("Preview"),
    "language": tr("Language"),
    "light": tr("Light"),
    "dark": tr("Dark"),
    "scheme": tr("Light or dark"),
    "pictures": tr("Pictures"),
    "mail": tr("Mail"),
    "text": tr("Plain text"),
    "kind": tr("Mail or plain text"),
    "reader": tr("As this reader"),
    "reader_hint": tr("an address"),
    "unknown": tr("Not in the address book"),
    "desk": tr("On a desk"),
    "phone": tr("On a phone"),
    "findings": tr("What to look at"),
    "nothing": tr("Nothing to mend."),
    "error": tr("to mend"),
    "warning": tr("to consider"),
    "hint": tr("hint"),
    "stale": tr("This edition cannot be read just now. You see it as it was before."),
    "clipped": tr("of {size} kB that Gmail shows", size=CLIPPED // 1000),
    "message": tr("the whole message"),
    "watching": tr("Follows your file"),
    "lost": tr("The preview has ended. Start it again: flashback preview"),
}
