"""What is counted and measured, for those who run the gateway.

Rule that holds here: labels come from closed sets and never name a clinic, a person, a door or a path; whatever is in
no set is counted as "other". Each name means the same for ever. Every bound child is made once.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from gateway import __version__
from gateway import metric_labels as sets
from gateway.metric_children import Labelled
from rules.model import Role
from rules.reasons import Outcome, Reason
from rules.waits import HostIs

_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WAITS_S = (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


class Metrics:
    """Every metric of one process, in a registry of its own.

    `store_operations` names what the store is asked to do: its scripts and commands.
    """

    def __init__(self, store_operations: Iterable[str] = sets.STORE_OPERATIONS) -> None:
        disable_created_metrics()  # the time a counter was made says nothing to anybody here
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._declare_doors()
        self._declare_traffic()
        self._store_operations = tuple(store_operations)
        self._declare_store(self._store_operations)
        self._auth_checks = Labelled(
            self._counter("auth_checks", "Forward-auth questions answered.", "dialect", "verdict"),
            sets.DIALECTS,
            sets.CHECKS,
        )
        self._webhooks = Labelled(self._counter("webhooks", "Webhook deliveries.", "outcome"), sets.WEBHOOK_OUTCOMES)
        self._webhook_oldest = self._gauge(
            "webhook_oldest_seconds", "Age of the oldest event this process has not delivered; 0 without any."
        )
        self._platform_calls = Labelled(
            self._counter("platform_calls", "What was asked of the platform, by outcome.", "on", "outcome"),
            sets.PLATFORM_CALLS,
            sets.PLATFORM_CALL_OUTCOMES,
        )
        self._platform_events = Labelled(
            self._counter("platform_events", "What the platform told, by what came of it.", "kind", "outcome"),
            sets.PLATFORM_KINDS,
            sets.PLATFORM_OUTCOMES,
        )
        self._draining = self._gauge("draining", "1 while this process takes no newcomers and waits for calls to end.")
        self._reloads = Labelled(self._counter("reloads", "Reloads asked for, by outcome.", "outcome"), sets.RELOADS)
        self._begin_at_nothing()
        self._gauge("build_info", "Always 1; which version this is.", "version").labels(__version__).set(1)

    def _begin_at_nothing(self) -> None:
        """Have what alerts ask for from the start: a counter that appears with its first event shows no increase."""
        for link in sets.LINKS:
            for reason in (Reason.STORE_AWAY, Reason.UPSTREAM_AWAY):
                self._decisions(link, Outcome.HOLD.value, reason.value)
        for kind in sets.UPSTREAM_KINDS:
            self._upstream_errors(kind)
        self._upstreams_aside(sets.UPSTREAMS[0])
        for end in sets.TUNNEL_ENDS:
            self._tunnels(end)
        for outcome in sets.WEBHOOK_OUTCOMES:
            self._webhooks(outcome)
        for outcome in sets.RELOADS:
            self._reloads(outcome)
        for on, outcome in product(sets.PLATFORM_CALLS, sets.PLATFORM_CALL_OUTCOMES):
            self._platform_calls(on, outcome)
        for kind, outcome in product(sets.PLATFORM_KINDS, sets.PLATFORM_OUTCOMES):
            self._platform_events(kind, outcome)
        for dialect in sets.DIALECTS:
            self._auth_checks(dialect, sets.CHECKS[-1])
        for operation in self._store_operations:
            self._store_errors(operation, "full")

    def _declare_doors(self) -> None:
        self._decisions = Labelled(
            self._counter("decisions", "Verdicts given.", "link", "verdict", "reason"), sets.LINKS, Outcome, Reason
        )
        self._decision_seconds = self._histogram("decision_seconds", "From a request's arrival to its verdict.")
        self._waiting = Labelled(
            self._gauge("guests_waiting", "Guests who wait here, by kind of link.", "link"), sets.LINKS
        )
        self._inside = Labelled(self._gauge("people_inside", "People inside through this process.", "role"), Role)
        self._overtime = self._gauge("sessions_overtime", "Sessions with people inside after their time.")
        self._knocks = Labelled(self._counter("knocks", "Knocks the host heard of.", "rang"), ("true", "false"))
        self._waits = Labelled(
            self._histogram("wait_seconds", "From a knock to what became of it.", "outcome", buckets=_WAITS_S),
            sets.WAIT_OUTCOMES,
        )
        self._longest_wait = Labelled(
            self._gauge(
                "longest_wait_seconds", "Who has waited here longest, by where the host is; 0: nobody.", "host"
            ),
            HostIs,
        )
        self._fail_static = self._counter("fail_static", "Requests served from what was known, the store being away.")
        self._state_lost = self._counter("state_lost", "Times a partition was found empty: the store lost data.")
        self._scanners = self._counter("suspected_scanner", "Visits that looked like a mail scanner's or a preview's.")

    def _declare_traffic(self) -> None:
        self._requests = Labelled(
            self._counter("requests", "Requests answered.", "route", "code_class"), sets.ROUTES, sets.CODE_CLASSES
        )
        self._request_seconds = Labelled(
            self._histogram("request_seconds", "From a request's arrival to its answer's end.", "route"), sets.ROUTES
        )
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._upstream_seconds = self._histogram("upstream_seconds", "From a request sent to its answer's head.")
        self._upstream_errors = Labelled(
            self._counter("upstream_errors", "Answers the platform did not give.", "kind"), sets.UPSTREAM_KINDS
        )
        self._upstreams_aside = Labelled(
            self._gauge(
                "upstream_aside", "1 while this upstream is set aside; how many of the routes' own.", "upstream"
            ),
            sets.UPSTREAMS,
        )
        self._tunnels_open = self._gauge("tunnels_open", "WebSockets relayed now.")
        self._tunnels = Labelled(self._counter("tunnels", "Tunnels that ended, by why.", "end"), sets.TUNNEL_ENDS)
        self._tunnel_bytes = Labelled(
            self._counter(
                "tunnel_bytes", "Bytes relayed in tunnels, to (up) and from (down) the platform.", "direction"
            ),
            ("up", "down"),
        )
        self._event_streams = self._gauge("event_streams_open", "Live pages connected now.")

    def _declare_store(self, operations: tuple[str, ...]) -> None:
        self._store_seconds = Labelled(
            self._histogram("store_seconds", "Calls to the store, failed ones too.", "op"), operations
        )
        self._store_errors = Labelled(
            self._counter("store_errors", "Calls to the store that failed.", "op", "kind"), operations, sets.STORE_KINDS
        )
        self._store_up = self._gauge("store_up", "1 while the store answers.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"gateway_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"gateway_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = _FAST_S) -> Histogram:
        return Histogram(f"gateway_{name}", text, labels, registry=self.registry, buckets=buckets)

    # --- at doors
    def decided(self, link: str, verdict: str, reason: str, seconds: float) -> None:
        """A verdict was given, `seconds` after the request came."""
        self._decisions(link, verdict, reason).inc()
        self._decision_seconds.observe(seconds)

    def guests_waiting(self, link: str, count: int) -> None:
        """How many wait here now at this kind of link."""
        self._waiting(link).set(count)

    def people_inside(self, role: str, count: int) -> None:
        """How many of this role are inside through this process now."""
        self._inside(role).set(count)

    def sessions_overtime(self, count: int) -> None:
        """How many sessions go on after their time now."""
        self._overtime.set(count)

    def knocked(self, *, rang: bool) -> None:
        """The host heard of a knock, with or without a ring."""
        self._knocks("true" if rang else "false").inc()

    def waited(self, outcome: str, seconds: float) -> None:
        """A guest's waiting ended."""
        self._waits(outcome).observe(seconds)

    def longest_wait(self, host: str, seconds: float) -> None:
        """How long the guest who waits longest here has waited, the host being there, elsewhere or away."""
        self._longest_wait(host).set(seconds)

    def fail_static(self) -> None:
        """A request was served from what was known, the store being away."""
        self._fail_static.inc()

    def state_lost(self) -> None:
        """A partition was found empty that had a state before."""
        self._state_lost.inc()

    def suspected_scanner(self) -> None:
        """A visit looked like a mail scanner's or a link preview's."""
        self._scanners.inc()

    # --- traffic
    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered with `status`; `route` is a class of route, never a path."""
        counted = self._answered.get((route, status // 100))
        if counted is None:
            counted = self._requests(route, f"{status // 100}xx"), self._request_seconds(route)
            if route in sets.ROUTES:
                self._answered[route, status // 100] = counted
        counted[0].inc()
        counted[1].observe(seconds)

    def upstream_answered(self, seconds: float) -> None:
        """The platform's answer began `seconds` after the request was sent."""
        self._upstream_seconds.observe(seconds)

    def upstream_failed(self, kind: str) -> None:
        """The platform gave no answer, or not all of it."""
        self._upstream_errors(kind).inc()

    def upstream_aside(self, upstream: str, change: int) -> None:
        """An upstream was set aside (1) or is back (-1)."""
        self._upstreams_aside(upstream).inc(change)

    def tunnel_opened(self) -> None:
        """A WebSocket is relayed."""
        self._tunnels_open.inc()

    def tunnel_ended(self, end: str, up_bytes: int = 0, down_bytes: int = 0) -> None:
        """A tunnel ended; the bytes are those not yet counted."""
        self._tunnels_open.dec()
        self._tunnels(end).inc()
        self.tunnel_relayed(up_bytes, down_bytes)

    def tunnel_relayed(self, up_bytes: int, down_bytes: int) -> None:
        """So many more bytes went to the platform (up) and came from it (down)."""
        self._tunnel_bytes("up").inc(up_bytes)
        self._tunnel_bytes("down").inc(down_bytes)

    def event_stream_opened(self) -> None:
        """A live page connected."""
        self._event_streams.inc()

    def event_stream_closed(self) -> None:
        """A live page is gone."""
        self._event_streams.dec()

    # --- the store and the rest
    def store_called(self, op: str, seconds: float, kind: str | None = None) -> None:
        """A call to the store took `seconds`; `kind` says how it failed, if it did."""
        self._store_seconds(op).observe(seconds)
        if kind is not None:
            self._store_errors(op, kind).inc()

    def store_is_up(self, *, up: bool) -> None:
        """Whether the store answers now."""
        self._store_up.set(up)

    def auth_checked(self, dialect: str, verdict: str) -> None:
        """A proxy's forward-auth question was answered."""
        self._auth_checks(dialect, verdict).inc()

    def webhook(self, outcome: str) -> None:
        """A webhook delivery came to this."""
        self._webhooks(outcome).inc()

    def webhook_oldest(self, seconds: float) -> None:
        """How old the oldest event is that this process has tried to deliver and could not yet."""
        self._webhook_oldest.set(seconds)

    def platform_called(self, on: str, outcome: str) -> None:
        """The platform was asked for something, on this occasion and with this outcome."""
        self._platform_calls(on, outcome).inc()

    def platform_told(self, kind: str, outcome: str) -> None:
        """A platform of that kind told something, and this came of it."""
        self._platform_events(kind, outcome).inc()

    def is_draining(self, *, draining: bool) -> None:
        """Whether this process takes no newcomers any more."""
        self._draining.set(draining)

    def reloaded(self, *, done: bool) -> None:
        """A reload was asked for, and done, or refused for its faults."""
        self._reloads("done" if done else "refused").inc()

    def exposition(self, accept: str) -> tuple[str, bytes]:
        """What a scraper gets that sent this Accept header: the content type, and all metrics."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self.registry)
