"""Traces for OpenTelemetry, where they are asked for: request -> decide, store, upstream.

Rule that holds here: a span names a kind of thing, never a person, a link, a token, a path or an address; who is not
chosen costs a look at one variable; and nobody waits for a collector.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.config import ConfigFaults, Fault, Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

TRACEPARENT = "traceparent"
# What a visitor says in these never reaches the platform while traces are made: it would be taken for ours.
HEADERS = (TRACEPARENT, "tracestate", "baggage")
EXPORT_S = 5.0
Header = tuple[bytes, bytes]
Observe = Callable[[str, float, str | None], None]
Value = str | int
_NOTHING: AbstractContextManager[None] = nullcontext()


@dataclass(slots=True)
class _Chosen:
    """A request that is traced. Work that it set going and that outlives it has its context, but is no part of it."""

    tracer: Tracer
    is_over: bool = False


_chosen: ContextVar[_Chosen | None] = ContextVar("chosen", default=None)


def _tracer() -> Tracer | None:
    chosen = _chosen.get()
    return None if chosen is None or chosen.is_over else chosen.tracer


class Traces:
    """Makes spans of the requests that are chosen: by a throw of the dice, or by a trusted proxy before us."""

    def __init__(self, provider: TracerProvider, ratio: float, dice: Callable[[], float] = random.random) -> None:
        self._provider = provider
        self._ratio = ratio
        self._dice = dice
        self._tracer = provider.get_tracer("link-gateway")

    def draw(self) -> bool:
        """Whether the next request without a trace of its own is chosen."""
        return self._dice() < self._ratio

    @contextmanager
    def request(self, headers: Sequence[Header], *, trusted: bool, drawn: bool) -> Iterator[Span | None]:
        """The span of a whole request; none where it is not chosen.

        headers: as they came. trusted: they come from the operator's proxy, whose trace is gone on with; its word on
        whether to is then the last one. drawn: whether the dice chose it.
        """
        from opentelemetry.trace import SpanKind, get_current_span  # noqa: PLC0415  an extra
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        carrier = (
            {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers} if trusted else {}
        )
        before = TraceContextTextMapPropagator().extract(carrier)
        parent = get_current_span(before).get_span_context()
        if not (parent.trace_flags.sampled if parent.is_valid else drawn):
            yield None
            return
        chosen = _Chosen(self._tracer)
        token = _chosen.set(chosen)
        try:
            with self._tracer.start_as_current_span(
                "request", before, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
            ) as span:
                yield span
        finally:
            chosen.is_over = True
            _chosen.reset(token)

    async def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        await asyncio.to_thread(self._provider.shutdown)


def step(name: str) -> AbstractContextManager[Span | None]:
    """A span within the request that is being answered, if that one was chosen."""
    tracer = _tracer()
    if tracer is None:
        return _NOTHING
    return tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)


def describe(span: Span | None, **attributes: Value) -> None:
    """Say more of a span: closed words and numbers alone. `route_class` becomes ``gateway.route_class``."""
    if span is not None:
        span.set_attributes({f"gateway.{name}": value for name, value in attributes.items()})


def outgoing() -> tuple[Header, ...]:
    """The header line that has the platform go on with this trace."""
    if _tracer() is None:
        return ()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415  an extra

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return tuple((name.encode(), value.encode()) for name, value in carrier.items())


def observing(observe: Observe) -> Observe:
    """`observe`, and a span for each call to the store that a chosen request waited for."""

    def told(op: str, seconds: float, kind: str | None) -> None:
        observe(op, seconds, kind)
        tracer = _tracer()
        if tracer is not None:
            now_ns = time.time_ns()
            span = tracer.start_span("store", start_time=now_ns - int(seconds * 1e9))
            describe(span, op=op, outcome=kind or "ok")
            span.end(now_ns)

    return told


def open_traces(tracing: Tracing) -> Traces | None:
    """What the configuration asks for; none: no traces. Raises ConfigFaults where the extra is not installed."""
    if not tracing.endpoint:
        return None
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415
    except ImportError:
        reason = "needs the package's extra `otel`, which is not installed"
        raise ConfigFaults([Fault("tracing.endpoint", f'"{tracing.endpoint}"', reason)]) from None
    provider = TracerProvider(ALWAYS_ON, Resource.create({"service.name": "link-gateway"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter(tracing), export_timeout_millis=EXPORT_S * 1000))
    return Traces(provider, tracing.ratio)


def _exporter(tracing: Tracing) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  an extra

    return OTLPSpanExporter(f"{tracing.endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S)
