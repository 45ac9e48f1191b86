"""The server's own manners: how it begins, how it ends, and what a broken line costs."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from flashback import founding
from flashback.errors import FlashbackError
from flashback.web import Server, listen


class Slow:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self.asked.set()
        self.may_answer.wait(20)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
        return [b"done"]


def test_a_port_that_is_taken_is_not_proposed() -> None:
    """The way out names another port: the next one, or one that anybody may open."""
    taken = listen(Slow(), host="127.0.0.1", port=0)
    port = taken.server_port
    with pytest.raises(FlashbackError, match=f"port {port}") as refused:
        listen(Slow(), host="127.0.0.1", port=port)
    assert str(refused.value.hint).endswith(f"--port {port + 1}")
    with pytest.raises(FlashbackError, match="port 80:") as refused:
        listen(Slow(), host="192.0.2.1", port=80)  # RFC 5737: nobody has this address
    assert str(refused.value.hint).endswith("--port 8026")
    taken.end()


def running(application: Slow, host: str = "127.0.0.1") -> tuple[Server, threading.Thread]:
    server = listen(application, host=host, port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    return server, thread


def asked(server: Server) -> http.client.HTTPConnection:
    line = http.client.HTTPConnection(server.server_name, server.server_port, timeout=20)
    line.request("GET", "/")
    return line


def test_what_has_begun_is_answered_before_the_end() -> None:
    """A reader who clicked just before a restart still reads the answer."""
    slow = Slow()
    server, thread = running(slow)
    line = asked(server)
    assert slow.asked.wait(10)
    server.shutdown()
    thread.join()
    assert not server.end(patience=0.01)
    slow.may_answer.set()
    assert server.end()
    assert line.getresponse().read() == b"done"
    line.close()


def test_it_listens_on_ipv6_as_well() -> None:
    """Its address is written as a browser takes it."""
    if not socket.has_ipv6:
        pytest.fail("this machine speaks no IPv6")
    slow = Slow()
    slow.may_answer.set()
    server, thread = running(slow, "::1")
    assert server.url == f"http://[::1]:{server.server_port}"
    line = asked(server)
    assert line.getresponse().status == 200
    line.close()
    server.shutdown()
    thread.join()
    assert server.end()


def test_a_broken_line_costs_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """A client that vanishes in the middle leaves no traceback, and nobody waits for it."""
    server, thread = running(Slow())
    with socket.create_connection(("127.0.0.1", server.server_port)) as line:
        line.sendall(b"GET / HT")
        # Closing with this option resets the connection.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.shutdown()
    thread.join()
    assert server.end()
    log = capfd.readouterr().err
    assert log in {"", "a request broke off: ConnectionResetError\n"}


def test_a_machine_without_threads_refuses_one_request(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The request is lost, the server is not, and its end is not delayed."""

    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    slow = Slow()
    slow.may_answer.set()
    server, thread = running(slow)
    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread", NoThread)
        line = asked(server)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            line.getresponse()
        line.close()
    assert "a request broke off: RuntimeError" in capfd.readouterr().err
    line = asked(server)
    assert line.getresponse().read() == b"done"
    line.close()
    server.shutdown()
    thread.join()
    assert server.end()


# The command --------------------------------------------------------------------------------------


def newsletter(folder: Path) -> Path:
    founding.found(
        folder, founding.settings(name="Flash-back", sender="flash-back@example.org", language="fr")
    )
    return folder


def serve(folder: Path, *options: str) -> "subprocess.Popen[str]":
    program = (
        "import sys; from flashback.cli.web import serve;"
        "serve.main(sys.argv[2:], obj=sys.argv[1], standalone_mode=False)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder), *options],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LANGUAGE": "en"},
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def ended(process: "subprocess.Popen[str]", within: Callable[[], float]) -> str:
    _, said = process.communicate(timeout=within())
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_until_it_is_told_to_end(tmp_path: Path, number: int) -> None:
    """It says where it listens, logs each request, and ends cleanly and soon."""
    process = serve(newsletter(tmp_path), "--port", "0")
    said = first_line(process)
    assert said.startswith("https://example.org/unsubscribe/{token} is answered at http://127.0.0.")
    port = int(said.rstrip(".\n").rpartition(":")[2])
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("POST", "/unsubscribe/unknown")
    assert line.getresponse().status == 200
    line.close()
    began = time.monotonic()
    process.send_signal(number)
    rest = ended(process, lambda: 20).splitlines()
    assert time.monotonic() - began < 5
    assert process.returncode == 0
    assert rest[0].endswith("POST unsubscribe 200")
    assert rest[1:] == ["Ended."]


def test_serve_warns_when_others_can_reach_it(tmp_path: Path) -> None:
    """Without https a link in a mail is not what RFC 8058 asks for."""
    process = serve(newsletter(tmp_path), "--port", "0", "--host", "0.0.0.0")
    assert "https" in first_line(process)
    assert "is answered at http://0.0.0.0:" in first_line(process)
    process.terminate()
    assert ended(process, lambda: 20) == "Ended.\n"
