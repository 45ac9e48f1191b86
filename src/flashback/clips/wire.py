"""One question to one address, and its answer, before an hour strikes.

``http.client`` reads the answer (RFC 9112); the line under it gives every octet the time that is
left, so that a server that drips cannot hold us. Nothing here resolves a name.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

from flashback.clips.public import Address
from flashback.clips.target import Target

_PIECE: Final = 65_536


class TooLargeError(Exception):
    """More octets than were allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said."""

    status: int
    location: str  #: where it sends us; empty when it does not
    kind: str  #: media type in lower case, without parameters; empty when none was named
    charset: str
    coding: str  #: Content-Encoding in lower case
    octets: bytes  #: as they came; empty but for 200


def asked(
    target: Target,
    addresses: Sequence[Address],
    *,
    agent: str,
    trust: ssl.SSLContext | None,
    ends: float,
    most: int | None,
) -> Answer:
    """Ask the first of the addresses that takes a connection.

    ``most`` octets of the body are read; None: the head of the answer is all.

    ``trust`` verifies the certificate for the target's host; None: no TLS. ``ends`` is an instant
    of ``time.monotonic``. Raises OSError, http.client.HTTPException, TooLargeError.
    """
    line = _connected(target, addresses, ends)
    try:
        if trust is not None:
            line.settimeout(_left(ends))
            line = trust.wrap_socket(line, server_hostname=target.host)
        line.settimeout(_left(ends))
        line.sendall(_request(target, agent))
        response = http.client.HTTPResponse(cast("socket.socket", _Line(line, ends)), method="GET")
        with response:
            response.begin()
            return _answer(response, most)
    finally:
        line.close()


def _connected(target: Target, addresses: Sequence[Address], ends: float) -> socket.socket:
    last: OSError = TimeoutError()
    for number, address in enumerate(addresses):
        patience = _left(ends) / (len(addresses) - number)
        try:
            return socket.create_connection((str(address), target.port), timeout=patience)
        except OSError as error:
            last = error
    raise last


def _request(target: Target, agent: str) -> bytes:
    fields: Mapping[str, str] = {
        "Host": target.authority,
        "User-Agent": agent,
        "Accept": "text/html, application/xhtml+xml",
        "Accept-Encoding": "gzip, identity;q=0.5",
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {target.resource} HTTP/1.1\r\n{head}\r\n".encode("ascii")


def _answer(response: http.client.HTTPResponse, most: int | None) -> Answer:
    said = response.headers
    kind, _, parameters = said.get("Content-Type", "").partition(";")
    return Answer(
        status=response.status,
        location=said.get("Location", "").strip(),
        kind=kind.strip().lower(),
        charset=_parameter(parameters, "charset"),
        coding=said.get("Content-Encoding", "").strip().lower(),
        octets=b""
        if most is None or response.status != http.HTTPStatus.OK
        else _body(response, most),
    )


def _parameter(parameters: str, name: str) -> str:
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == name:
            return value.strip(" \t\"'")
    return ""


def _body(response: http.client.HTTPResponse, most: int) -> bytes:
    if (response.length or 0) > most:
        raise TooLargeError
    octets = bytearray()
    while piece := response.read(_PIECE):
        octets += piece
        if len(octets) > most:
            raise TooLargeError
    if response.length:
        raise http.client.IncompleteRead(bytes(octets), response.length)
    return bytes(octets)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Timed(io.RawIOBase):
    """A socket's octets, as long as there is time."""

    def __init__(self, line: socket.socket, ends: float) -> None:
        self._line = line
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        self._line.settimeout(_left(self._ends))
        return self._line.recv_into(buffer)


class _Line:
    """As much of a socket as ``http.client`` asks for."""

    def __init__(self, line: socket.socket, ends: float) -> None:
        self._timed = _Timed(line, ends)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._timed)
