"""Spans for OpenTelemetry: one for a run of a mailing, one for each claim and each settling.

Only where the environment names a place for them (OTEL_EXPORTER_OTLP_ENDPOINT, or
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) and the packages are installed (the extra ``otel``); else there
is nothing, at no cost. A span holds numbers and no address. A collector that is away stops nothing.
"""

import datetime as dt
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from flashback.model import Claim, Mailing, Settlement

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from flashback.dispatch.ports import Ledger

_TIMEOUTS: Final = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
#: Seconds for a collector that is away, at the end of a run.
_PATIENCE: Final = 2
_PLACES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@contextmanager
def run(mailing: Mailing, ledger: "Ledger") -> Iterator["Ledger"]:
    """The ledger to work with during one run; what is open at its end is sent off."""
    if not any(map(os.environ.get, _PLACES)):
        yield ledger
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        yield ledger
        return
    # Resource.create reads OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, which win.
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "flashback")})
    provider = TracerProvider(resource=resource)
    timeout = None if any(map(os.environ.get, _TIMEOUTS)) else _PATIENCE
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
    tracer = provider.get_tracer("flashback")
    try:
        with tracer.start_as_current_span("mailing", attributes=_named(mailing)) as span:
            yield cast("Ledger", _TracedLedger(ledger, tracer))
            for state, count in ledger.account(mailing.id).counts.items():
                span.set_attribute(f"flashback.{state.value}", count)
    finally:
        provider.shutdown()


def _named(mailing: Mailing) -> dict[str, str | int]:
    return {
        "messaging.system": "smtp",
        "flashback.mailing": mailing.id,
        "flashback.issue": mailing.issue_number,
        "flashback.audience": mailing.audience,
    }


class _TracedLedger:
    """A ledger with a span around what takes its time."""

    def __init__(self, ledger: "Ledger", tracer: "Tracer") -> None:
        self._ledger = ledger
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def claim(
        self, mailing_id: int, *, owner: str, limit: int, now: dt.datetime
    ) -> Sequence[Claim]:
        """As the ledger does."""
        with self._tracer.start_as_current_span("claim") as span:
            claims = self._ledger.claim(mailing_id, owner=owner, limit=limit, now=now)
            span.set_attribute("messaging.batch.message_count", len(claims))
            return claims

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """As the ledger does."""
        batch = list(settlements)
        count = {"messaging.batch.message_count": len(batch)}
        with self._tracer.start_as_current_span("settle", attributes=count):
            self._ledger.settle(batch)
