"""Traces: what becomes a span, whose trace is gone on with, what the platform is told, and what it all never says."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from gateway import tracing
from gateway.config import ConfigFaults
from gateway.config import Tracing as Section
from tests.integration.conftest import Furnish, Start
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.ports import free_port

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
ASSET = "/static/app.js"
TRUSTED = {"server": {"trusted_proxies": ["127.0.0.1"]}}
WORDS = {"route", "link", "reason", "status", "verdict", "op", "outcome"}


class Spans:
    """What the gateway would have sent to a collector."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def of(self, clinics: Clinics) -> list[ReadableSpan]:
        """Every span that is over, the earliest first."""
        traces = clinics.gateway.parts.traces
        assert traces is not None
        traces._provider.force_flush()
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def clear(self, clinics: Clinics) -> None:
        self.of(clinics)
        self.exporter.clear()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    spans = Spans()
    monkeypatch.setattr(tracing, "_exporter", lambda _: spans.exporter)
    return spans


def traced(ratio: float = 1.0) -> dict[str, dict[str, object]]:
    return {"tracing": {"endpoint": "http://127.0.0.1:4318", "ratio": ratio}}


def tree(spans: list[ReadableSpan]) -> dict[str, str]:
    """Which kind of span stands within which."""
    names = {span.context.span_id: span.name for span in spans if span.context}
    return {span.name: names.get(span.parent.span_id, "elsewhere") if span.parent else "" for span in spans}


async def test_a_request_is_a_tree_of_spans_and_the_platform_goes_on_with_it(
    start: Start, furnish: Furnish, spans: Spans, platform: Platform
) -> None:
    """A request decides, which asks the store, and goes upstream, which is the parent that the platform is told."""
    clinics = furnish(await start(traced()))
    room = await clinics.room()
    host, socket = await clinics.host_inside(room)
    spans.clear(clinics)
    assert (await host.page(clinics.link(room))).status == 303
    assert tree(spans.of(clinics)) == {"request": "", "decide": "request", "store": "decide"}
    spans.clear(clinics)
    assert (await host.page(platform.last("/call/").path)).status == 200
    found = {span.name: span for span in spans.of(clinics)}
    assert tree([found["request"], found["decide"], found["upstream"]]) == {
        "request": "",
        "decide": "request",
        "upstream": "request",
    }
    told = found["upstream"].context
    assert told
    line = f"00-{format_trace_id(told.trace_id)}-{format_span_id(told.span_id)}-"
    assert platform.last("/call/").one("traceparent").startswith(line)
    said = {"route": "entry", "link": "none", "reason": "host", "verdict": "forward", "status": 200}
    assert found["request"].attributes == {f"gateway.{name}": value for name, value in said.items()}
    await socket.close()


async def test_a_span_says_nothing_of_anybody(start: Start, furnish: Furnish, spans: Spans) -> None:
    """Neither names nor links, paths, addresses or cookies: closed words and numbers under known names."""
    clinics = furnish(await start(traced()))
    room = await clinics.room()
    session = await clinics.session(room)
    host, socket = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(session.guest, "Ada")
    await page.close()
    await guest.page("/nobody/room/nobody")
    secrets = ["Ada", "dr-lee", "sunrise", "nobody", session.guest.rpartition("/")[2], session.id, room.id, "127.0.0"]
    secrets += [value for browser in (host, guest) for value in browser.cookies().values()]
    seen = spans.of(clinics)
    assert {span.name for span in seen} == {"request", "decide", "store", "upstream"}
    for span in seen:
        attributes = dict(span.attributes or {})
        assert {name.removeprefix("gateway.") for name in attributes} <= WORDS
        told = f"{span.name} {attributes} {span.events} {span.status.description} {span.links}"
        assert not [secret for secret in secrets if secret in told], told
    await socket.close()


async def test_a_trace_is_gone_on_with_only_where_a_trusted_proxy_began_it(
    start: Start, furnish: Furnish, spans: Spans, platform: Platform
) -> None:
    """What guests say themselves is neither believed nor handed on."""
    guests, proxied = furnish(await start(traced())), furnish(await start({**traced(), **TRUSTED}))
    await guests.browser().page(ASSET, traceparent=SAMPLED, tracestate="a=b", baggage="name=Ada")
    seen = platform.last(ASSET)
    assert TRACE not in seen.one("traceparent")
    assert (seen.all("tracestate"), seen.all("baggage")) == ([], [])
    assert tree(spans.of(guests))["request"] == ""
    spans.clear(guests)
    await proxied.browser().page(ASSET, traceparent=SAMPLED)
    (request,) = (span for span in spans.of(proxied) if span.name == "request")
    assert request.parent
    assert (format_trace_id(request.parent.trace_id), format_span_id(request.parent.span_id)) == (TRACE, PARENT)
    assert platform.last(ASSET).one("traceparent").startswith(f"00-{TRACE}-")
    spans.clear(proxied)
    await proxied.browser().page(ASSET, traceparent=UNSAMPLED)
    assert spans.of(proxied) == []


async def test_who_is_not_chosen_goes_by_the_express_lane(start: Start, furnish: Furnish, spans: Spans) -> None:
    """And leaves no span; who is chosen goes by the full lane."""
    none, every = furnish(await start(traced(0.0))), furnish(await start(traced(1.0)))
    for clinics in (none, every):
        browser = clinics.browser()
        for _ in range(4):
            assert (await browser.page(ASSET)).status == 200
    lanes = [clinics.gateway.lane for clinics in (none, every)]
    assert [lane.taken if lane else None for lane in lanes] == [3, 0]  # the first makes the connection
    assert len([span for span in spans.of(every) if span.name == "request"]) == 4


async def test_what_outlives_a_request_is_no_part_of_its_trace() -> None:
    """Work that a request set going, and that goes on for hours, makes no spans."""
    traces, over = tracing.Traces(TracerProvider(), 1.0), asyncio.Event()

    async def later() -> bool:
        await over.wait()
        with tracing.step("store") as span:
            return span is None and tracing.outgoing() == ()

    with traces.request((), trusted=False, drawn=True) as span:
        assert span
        work = asyncio.create_task(later())
    over.set()
    assert await work
    await traces.close()


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """What an OpenTelemetry collector is to us: an address, and what was posted there."""
    taken: list[ExportTraceServiceRequest] = []

    async def take(request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        taken.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", taken
    await runner.cleanup()


async def test_a_collector_gets_the_spans_over_otlp_and_the_rest_at_the_end(start: Start, furnish: Furnish) -> None:
    """As protobuf over HTTP, under the name of the service; what is not yet sent goes before the process does."""
    async with collector() as (endpoint, taken):
        clinics = furnish(await start({"tracing": {"endpoint": endpoint, "ratio": 1.0}}))
        await clinics.browser().page(ASSET)
        await clinics.running.gateway.stop()
        resources = [each for request in taken for each in request.resource_spans]
        names = {span.name for each in resources for scope in each.scope_spans for span in scope.spans}
        assert names == {"request", "decide", "upstream"}
        attributes = {one.key: one.value.string_value for each in resources for one in each.resource.attributes}
        assert attributes["service.name"] == "link-gateway"


async def test_a_collector_that_is_away_holds_nobody_up(start: Start, furnish: Furnish) -> None:
    """Guests are answered, and the process ends within seconds."""
    endpoint = f"http://127.0.0.1:{free_port()}"
    clinics = furnish(await start({"tracing": {"endpoint": endpoint, "ratio": 1.0}}))
    assert (await clinics.browser().page(ASSET)).status == 200
    async with asyncio.timeout(2 * tracing.EXPORT_S):
        await clinics.running.gateway.stop()


def test_without_an_endpoint_nothing_of_it_is_loaded() -> None:
    """An extra that is not asked for costs no import of ours."""
    program = "import sys, gateway.tracing; from gateway.config import Config; "
    program += "assert gateway.tracing.open_traces(Config().tracing) is None; "
    program += "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_asked_for_without_the_extra_it_is_a_fault_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigFaults, match="extra `otel`"):
        tracing.open_traces(Section(endpoint="http://127.0.0.1:4318"))
