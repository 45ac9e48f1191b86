"""Where contenders meet: stores full of readers, servers on one core, clients on another."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fixtures.newsletters import Newsletter
from fixtures.sink import Sink

HERE: Final = Path(__file__).parent
CLIENT_CORE: Final = "0"
SINK_CORE: Final = 1

_SETTINGS: Final = """\
[newsletter]
name = "Flash-back"
sender = "flash-back@example.org"
list_id = "flash-back.example.org"
[links]
unsubscribe = "https://news.example.org/unsubscribe/{{token}}"
[relay]
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
messages_per_connection = 1000000
chunking = {chunking}
ahead = {ahead}
[sending]
window = {window}
{further}
"""

#: Straight into the table: a million readers in seconds. Their providers are a thousand.
_FILL: Final = """\
INSERT INTO subscribers (mailbox, key, name, language, organisation, status, fields, created_at,
    changed_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
SELECT 'reader' || i || '@d' || (i % 1000) || '.example.org',
    'reader' || i || '@d' || (i % 1000) || '.example.org',
    'Lectrice ' || i, 'fr', '', 'confirmed', '{{}}', '{at}', '{at}' FROM n
"""
_AT: Final = "2011-09-02 09:00:00.000000"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one contender did in one round."""

    per_second: float
    client: float  #: share of its core
    sink: float  #: share of the server's core
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How flashback is set for one run."""

    connections: int = 5
    chunking: bool = False
    ahead: int = 8
    window: int = 500
    further: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Something that takes mail and does nothing with it, on its own core."""

    port: int
    pid: int

    @property
    def cpu(self) -> float:
        """CPU seconds so far."""
        # After the name, which may hold spaces: fields 14 and 15 of proc(5).
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def smtp_sink() -> Iterator[Server]:
    """Postfix's own load sink."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        ["taskset", "-c", str(SINK_CORE), "smtp-sink", *user, f"127.0.0.1:{port}", "500"],
    )
    try:
        _wait_for(port)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def distant_sink(log: Path, delay_ms: float) -> Iterator[Server]:
    """The tests' own sink, whose every answer is so long under way."""
    with Sink(log, ["--delay-ms", str(delay_ms)], core=SINK_CORE) as sink:
        assert sink.process is not None
        yield Server(sink.port, sink.process.pid)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


@dataclass(frozen=True, slots=True)
class Library:
    """Newsletters with so many readers, made once and copied for each run."""

    folder: Path

    def workspace(self, readers: int, server: Server, course: Course) -> Path:
        """A fresh copy, set to send to that server."""
        model = self.folder / f"model-{readers}"
        if not model.exists():
            # Looking at it makes the store.
            Newsletter.made(model).run("subscribers", "list", expect=0)
            self._fill(model / "subscribers" / "subscribers.db", readers)
        place = self.folder / "run"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(model, place)
        text = _SETTINGS.format(
            port=server.port,
            connections=course.connections,
            chunking=str(course.chunking).lower(),
            ahead=course.ahead,
            window=course.window,
            further=course.further,
        )
        (place / "flashback.toml").write_text(text, encoding="utf-8")
        return place

    @staticmethod
    def _fill(store: Path, readers: int) -> None:
        with closing(sqlite3.connect(store)) as file:
            file.execute(_FILL.format(count=readers, at=_AT))
            file.commit()
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def flashback(
    library: Library, server: Server, *, readers: int, octets: int, course: Course
) -> Figures:
    """A whole mailing: claimed, built, sent, settled."""
    place = library.workspace(readers, server, course)
    before = server.cpu
    report = _python("sender.py", str(place), str(octets))
    assert report["counts"] == {"accepted": readers}, report["counts"]
    seconds = report["seconds"]
    return Figures(
        readers / seconds, report["cpu"] / seconds, (server.cpu - before) / seconds, report
    )


def smtplib_loop(server: Server, *, count: int, octets: int) -> Figures:
    """``email`` and ``smtplib``, one message after the other."""
    before = server.cpu
    report = _python("smtplib_loop.py", str(server.port), str(octets), str(count))
    seconds = report["seconds"]
    return Figures(
        count / seconds, report["cpu"] / seconds, (server.cpu - before) / seconds, report
    )


def smtp_source(
    server: Server, *, count: int, octets: int, sessions: int, keep: bool = True
) -> Figures:
    """Postfix's load tool: one constant message, and no account of it.

    It keeps its connections, as flashback does, unless told to open one for each message.
    """
    command = ["smtp-source", "-s", str(sessions), "-m", str(count), "-l", str(octets)]
    command += ["-d"] if keep else []
    command += ["-f", "flash-back@example.org", "-t", "reader@example.org"]
    sink_before, begun = server.cpu, time.monotonic()
    process = subprocess.Popen(["taskset", "-c", CLIENT_CORE, *command, f"127.0.0.1:{server.port}"])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = status
    assert status == 0
    cpu = usage.ru_utime + usage.ru_stime
    return Figures(count / seconds, cpu / seconds, (server.cpu - sink_before) / seconds, {})


def _python(program: str, *arguments: str) -> Mapping[str, Any]:
    command: Sequence[str] = [sys.executable, str(HERE / program), *arguments]
    done = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
