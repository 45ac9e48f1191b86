# ruff: noqa: T201 - a program whose tables are its point
"""How fast a mailing leaves, and what it costs: medians of interleaved rounds, ratios within them.

    make bench                                   everything but the million
    python tests/benchmarks/dispatch.py near --octets 5000 --rounds 3
    python tests/benchmarks/dispatch.py memory --readers 1000000

Client and sink have a core each. The CPU shares stand beside the rates: where the sink's is near
1, the sink was the limit. Where neither is, somebody waited, or the machine was busy with other
things; then the messages per CPU second of the client are the figure to trust. How to read the
tables: docs/speed.md.
"""

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import stage
from benchmarks.stage import Course, Figures, Library, Server

Contender = Callable[[], Figures]
PARTS: Final = ("near", "far", "memory", "first", "dkim")


def rounds(contenders: Mapping[str, Contender], count: int) -> Mapping[str, Sequence[Figures]]:
    """Every contender once in each round, so that all meet the same weather."""
    found: dict[str, list[Figures]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, contender in contenders.items():
            found[name].append(contender())
    return found


def table(title: str, found: Mapping[str, Sequence[Figures]], *, anchor: str) -> None:
    """Medians; the ratio is the median of the ratios within each round."""
    print(f"\n{title}")
    print(f"  {'':<44}{'per second':>11}{'ratio':>8}{'client':>8}{'sink':>7}{'per CPU second':>16}")
    for name, figures in found.items():
        pairs = zip(figures, found[anchor], strict=True)
        ratio = statistics.median(one.per_second / other.per_second for one, other in pairs)
        rate, client, sink, each = (
            statistics.median(values)
            for values in zip(
                *((f.per_second, f.client, f.sink, f.per_second / f.client) for f in figures),
                strict=True,
            )
        )
        print(
            f"  {name:<44}{rate:>11,.0f}{ratio:>8.2f}{client:>8.2f}{sink:>7.2f}{each:>16,.0f}",
            flush=True,
        )


def best_sessions(server: Server, octets: int, *, count: int, of: Sequence[int]) -> int:
    """With how many sessions smtp-source does best here."""
    rates = {
        sessions: stage.smtp_source(
            server, count=count, octets=octets, sessions=sessions
        ).per_second
        for sessions in of
    }
    return max(rates, key=rates.__getitem__)


def near(library: Library, chosen: argparse.Namespace) -> None:
    """A relay on the same machine: nothing waits, so that work is all there is."""
    for octets in chosen.octets:
        with stage.smtp_sink() as server:
            _into_sink(library, server, chosen, octets)


def _into_sink(library: Library, server: Server, chosen: argparse.Namespace, octets: int) -> None:
    readers, connections = chosen.readers, chosen.connections
    best = best_sessions(server, octets, count=readers // 4, of=(5, 10, 20))
    anchor = f"smtp-source, {best} sessions"

    def run(course: Course) -> Figures:
        return stage.flashback(library, server, readers=readers, octets=octets, course=course)

    found = rounds(
        {
            anchor: lambda: stage.smtp_source(server, count=readers, octets=octets, sessions=best),
            "smtp-source, a connection for each message": lambda: stage.smtp_source(
                server, count=readers, octets=octets, sessions=best, keep=False
            ),
            f"flashback, {connections} connections": lambda: run(Course(connections=connections)),
            "flashback, 1 connection": lambda: run(Course(connections=1)),
            "email and smtplib, 1 connection": lambda: stage.smtplib_loop(
                server, count=max(200, readers // 20), octets=octets
            ),
        },
        chosen.rounds,
    )
    table(f"Into smtp-sink, {octets:,} octets, {readers:,} readers", found, anchor=anchor)


def far(library: Library, chosen: argparse.Namespace) -> None:
    """A relay some way off: who waits for each answer, waits."""
    for connections in (5, 10):
        with (
            tempfile.TemporaryDirectory() as folder,
            stage.distant_sink(Path(folder) / "log", chosen.delay_ms) as server,
        ):
            _from_afar(library, server, chosen, connections)


def _from_afar(
    library: Library, server: Server, chosen: argparse.Namespace, connections: int
) -> None:
    octets, count = chosen.octets[0], chosen.readers
    anchor = f"smtp-source, {connections} sessions"

    def run(readers: int, course: Course) -> Figures:
        return stage.flashback(library, server, readers=readers, octets=octets, course=course)

    found = rounds(
        {
            anchor: lambda: stage.smtp_source(
                server, count=max(200, count // 20), octets=octets, sessions=connections
            ),
            "flashback, pipelining": lambda: run(
                max(200, count // 5), Course(connections=connections)
            ),
            "flashback, chunking, 8 ahead": lambda: run(
                count, Course(connections=connections, chunking=True)
            ),
            "email and smtplib, 1 connection": lambda: stage.smtplib_loop(
                server, count=max(50, count // 200), octets=octets
            ),
        },
        chosen.rounds,
    )
    title = f"Each answer {chosen.delay_ms:g} ms under way, {octets:,} octets, "
    table(title + f"{connections} connections", found, anchor=anchor)


def memory(library: Library, chosen: argparse.Namespace) -> None:
    """How much one sender needs, by the size of the audience."""
    print("\nPeak memory of the sender, and the time to open the mailing")
    print(f"  {'readers':>12}{'MiB':>8}{'opening':>10}{'per second':>12}")
    for readers in chosen.audiences:
        with stage.smtp_sink() as server:
            octets, course = chosen.octets[0], Course(connections=chosen.connections)
            found = stage.flashback(library, server, readers=readers, octets=octets, course=course)
        report = found.report
        print(
            f"  {readers:>12,}{report['memory_mib']:>8.0f}{report['opening']:>9.2f}s"
            f"{found.per_second:>12,.0f}",
            flush=True,
        )
        if readers > 100_000:
            shutil.rmtree(library.folder / f"model-{readers}")


def first(library: Library, chosen: argparse.Namespace) -> None:
    """From "yes" to the first message the server has taken: opening is part of it."""
    print('\nFrom "yes" to the first message taken, and how much of it is the opening')
    for readers in chosen.audiences:
        waits: list[tuple[float, float]] = []
        for _ in range(chosen.rounds):
            with tempfile.TemporaryDirectory() as folder:
                log = Path(folder) / "log"
                with stage.distant_sink(log, 0) as server:
                    clock = _FirstOctet(log)
                    found = stage.flashback(
                        library, server, readers=readers, octets=chosen.octets[0], course=Course()
                    )
                    seen = clock.at()
            waits.append((seen - found.report["confirmed"], found.report["opening"]))
        wait, opening = (statistics.median(values) for values in zip(*waits, strict=True))
        print(f"  {readers:>12,} readers{wait:>9.3f} s, of which opening{opening:>9.3f} s")


class _FirstOctet:
    """Watches a log, on this process's own time, until something is in it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._seen = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._seen:
            with contextlib.suppress(FileNotFoundError):
                if self._log.stat().st_size:
                    self._seen = time.monotonic()
            time.sleep(0.0005)

    def at(self) -> float:
        self._thread.join()
        return self._seen


def dkim(library: Library, chosen: argparse.Namespace) -> None:
    """Signed or not; RSA is held against what OpenSSL can do on one core."""
    octets = chosen.octets[0]
    keys = library.folder / "keys"
    keys.mkdir(exist_ok=True)
    for name, kind in {"r": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "e": ["ED25519"]}.items():
        command = ["openssl", "genpkey", "-algorithm", *kind, "-out", str(keys / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)
    signatures = {
        "unsigned": "",
        "Ed25519": f'[dkim]\nkeys = {{ e = "{keys}/e.pem" }}',
        "RSA 2048": f'[dkim]\nkeys = {{ r = "{keys}/r.pem" }}',
    }
    (keys / "r.pem").chmod(0o600)
    (keys / "e.pem").chmod(0o600)
    with stage.smtp_sink() as server:
        courses = {
            name: Course(connections=chosen.connections, further=further)
            for name, further in signatures.items()
        }

        def run(course: Course) -> Figures:
            figures = stage.flashback(
                library, server, readers=max(200, chosen.readers // 4), octets=octets, course=course
            )
            assert figures.report["is_signed"] is bool(course.further), "signed as set"
            return figures

        contenders: dict[str, Contender] = {
            f"flashback, {name}": lambda course=course: run(course)  # type: ignore[misc]
            for name, course in courses.items()
        }
        contenders["openssl speed rsa2048, signatures alone"] = openssl_speed
        found = rounds(contenders, chosen.rounds)
    title = f"DKIM, into smtp-sink, {octets:,} octets"
    table(title, found, anchor="openssl speed rsa2048, signatures alone")


def openssl_speed() -> Figures:
    """RSA 2048 signatures per second on the client's core."""
    done = subprocess.run(
        ["taskset", "-c", stage.CLIENT_CORE, "openssl", "speed", "-seconds", "2", "rsa2048"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return Figures(float(found[1]), 1.0, 0.0, {})


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description="How fast a mailing leaves.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=str(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--octets", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--connections", type=int, default=5)
    parser.add_argument("--delay-ms", type=float, default=10.0)
    parser.add_argument("--audiences", type=int, nargs="+", default=[10_000, 100_000])
    chosen = parser.parse_args()
    if unknown := {*chosen.parts} - {*PARTS}:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="fb-bench-", dir="/var/tmp") as folder:
        library = Library(Path(folder))
        begun = time.monotonic()
        for part in chosen.parts:
            globals()[part](library, chosen)
        print(f"\n{time.monotonic() - begun:.0f} seconds in all, {chosen.rounds} rounds")


if __name__ == "__main__":
    main()
