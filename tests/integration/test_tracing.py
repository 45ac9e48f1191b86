"""Spans of a mailing, as a collector gets them."""

import http.server
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flashback.cli import main
from flashback.errors import Exit

from fixtures.relays import StrictServer

SETTINGS = """\
[newsletter]
name = "F"
sender = "f@example.org"
list_id = "f.example.org"
[links]
unsubscribe = "https://news.example.org/{{token}}"
[relay]
host = "127.0.0.1"
port = {port}
security = "none"
[sending]
window = 4
"""
ISSUE = """\
---
title: F
number: 7
date: 2011-09-02
language: en
subject: F 7
---
## A headline

> “An excerpt.”

[Read more](https://example.org/a)
"""


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Something that takes spans over HTTP, and what it has got."""
    got: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join(10)


@pytest.fixture
def newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictServer]:
    """A workspace with ten readers, one of them dead, and its relay."""
    monkeypatch.chdir(tmp_path)
    refuse = {"reader3": "550 5.1.1 No such user"}
    with StrictServer(refuse=lambda to: refuse.get(to.partition("@")[0], "")) as relay:
        Path("flashback.toml").write_text(SETTINGS.format(port=relay.port))
        Path("issues").mkdir()
        Path("issues/7.md").write_text(ISSUE)
        rows = [f"reader{n}@example.org,confirmed,yes" for n in range(10)]
        Path("people.csv").write_text("\n".join(["address,status,consent", *rows]))
        assert main(["init", ".", "--name", "F", "--from", "f@example.org"]) == Exit.DONE
        assert main(["subscribers", "import", "people.csv", "--yes"]) == Exit.DONE
        yield relay


def test_a_collector_gets_the_spans_of_a_run(
    newsletter: StrictServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One span for the run with its account, one for each claim and settling; no address."""
    with collector() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert main(["send", "--yes"]) == Exit.REFUSALS
    assert len(newsletter.taken) == 9
    spans = [
        span
        for octets in got
        for resource in ExportTraceServiceRequest.FromString(octets).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    counts: dict[str, list[int]] = {"claim": [], "settle": []}
    (run,) = (span for span in spans if span.name == "mailing")
    for span in spans:
        if span is not run:
            assert span.parent_span_id == run.span_id
            counts[span.name] += [
                one.value.int_value
                for one in span.attributes
                if one.key == "messaging.batch.message_count"
            ]
    assert sum(counts["claim"]) == sum(counts["settle"]) == 10
    assert max(counts["claim"]) == 4
    told = {one.key: one.value.int_value or one.value.string_value for one in run.attributes}
    assert told["flashback.accepted"] == 9
    assert told["flashback.refused"] == 1
    assert told["flashback.issue"] == "7"
    assert b"reader" not in b"".join(got)


def test_a_collector_that_is_away_stops_nothing(
    newsletter: StrictServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mailing leaves as ever, and the command ends soon."""
    with collector() as (url, _):
        pass
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    began = time.monotonic()
    assert main(["send", "--yes"]) == Exit.REFUSALS
    assert time.monotonic() - began < 6
    assert len(newsletter.taken) == 9


def test_without_the_packages_nothing_changes(
    newsletter: StrictServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the extra is not installed, a machine-wide setting does no harm."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with collector() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert main(["send", "--yes"]) == Exit.REFUSALS
    assert len(newsletter.taken) == 9
    assert got == []
