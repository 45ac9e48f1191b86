"""A small HTTP server for the pages: one thread a request, a clean end, one line in the log.

It is made to stand behind a web server that does https, and listens on this machine alone unless
told otherwise.
"""

import contextlib
import socket
import socketserver
import sys
import threading
import time
from http import HTTPStatus
from typing import Any, Final
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

from flashback.errors import FlashbackError
from flashback.sentences import tr

_RESERVED, _USUAL, _LAST = 1024, 8026, 65_535  #: ports
_LONGEST_LINE: Final = 8 * 1024  #: octets
_PATIENCE: Final = 10.0  #: seconds that a client may be silent
_LINGER: Final = 1.0  #: seconds in which a client may finish sending what nobody reads


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A listening server: ``serve_forever``; ``shutdown`` from another thread; then ``end``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, application: WSGIApplication, host: str, port: int) -> None:
        self.answering = application
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._busy = 0
        self._idle = threading.Condition()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without asking the DNS for a name, as the base class would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own."""
        self._count(1)
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._count(-1)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._idle:
            self._busy += more
            self._idle.notify_all()

    def shutdown_request(self, request: Any) -> None:
        """Close in two steps: octets not read would cut the line before the answer is through."""
        until = time.monotonic() + _LINGER
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(_LINGER)
            while time.monotonic() < until and request.recv(65_536):
                pass
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the base class' own
        """Say that a connection broke; what was asked for is not repeated."""
        sys.stderr.write(f"a request broke off: {type(sys.exc_info()[1]).__name__}\n")

    def end(self, *, patience: float = _PATIENCE) -> bool:
        """Close the door and wait for the requests inside; False when some did not end."""
        self.server_close()
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, timeout=patience)


def listen(application: WSGIApplication, *, host: str, port: int) -> Server:
    """Listen, but answer nobody yet. Port 0 is any free one. Raises FlashbackError."""
    try:
        return Server(application, host, port)
    except OSError as error:
        raise FlashbackError(
            tr("Nobody can listen at {host}, port {port}: {reason}.", host=host, port=port,
               reason=error.strerror or error),
            hint=tr("Perhaps it already runs. Otherwise choose another: --port {port}",
                    port=_beside(port)),
        ) from error  # fmt: skip


def _beside(port: int) -> int:
    """Another port to try: the next one, or one that needs no rights."""
    return port + 1 if _RESERVED <= port < _LAST else _USUAL


class _Handler(WSGIRequestHandler):
    """One connection, one request."""

    timeout = _PATIENCE
    server: Server
    rfile: Any  # typeshed is narrower here than wsgiref's own handlers
    wfile: Any
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def handle(self) -> None:
        """Read the head of a request, and let the application answer."""
        self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
        if len(self.raw_requestline) > _LONGEST_LINE:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.parse_request():
            environ = self.get_environ()
            run = _Run(self.rfile, self.wfile, self.get_stderr(), environ, multithread=True)
            run.run(self.server.answering)

    def version_string(self) -> str:
        """Our name, and no versions."""
        return "flashback"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class' own
        """Leave the log to the application: a request's own words hold the token."""


class _Run(SimpleHandler):
    http_version = "1.0"
    server_software = "flashback"
