from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Metrics

# The interface: name -> labels.
LISTED = {
    "gateway_decisions_total": {"link", "verdict", "reason"},
    "gateway_decision_seconds": set(),
    "gateway_guests_waiting": {"link"},
    "gateway_people_inside": {"role"},
    "gateway_sessions_overtime": set(),
    "gateway_knocks_total": {"rang"},
    "gateway_wait_seconds": {"outcome"},
    "gateway_longest_wait_seconds": {"host"},
    "gateway_requests_total": {"route", "code_class"},
    "gateway_request_seconds": {"route"},
    "gateway_upstream_seconds": set(),
    "gateway_upstream_errors_total": {"kind"},
    "gateway_upstream_aside": {"upstream"},
    "gateway_tunnels_open": set(),
    "gateway_tunnels_total": {"end"},
    "gateway_tunnel_bytes_total": {"direction"},
    "gateway_event_streams_open": set(),
    "gateway_store_seconds": {"op"},
    "gateway_store_errors_total": {"op", "kind"},
    "gateway_store_up": set(),
    "gateway_fail_static_total": set(),
    "gateway_state_lost_total": set(),
    "gateway_suspected_scanner_total": set(),
    "gateway_auth_checks_total": {"dialect", "verdict"},
    "gateway_webhooks_total": {"outcome"},
    "gateway_platform_calls_total": {"on", "outcome"},
    "gateway_platform_events_total": {"kind", "outcome"},
    "gateway_webhook_oldest_seconds": set(),
    "gateway_reloads_total": {"outcome"},
    "gateway_draining": set(),
    "gateway_build_info": {"version"},
}


def used() -> Metrics:
    """Metrics of which every method was called once or twice."""
    metrics = Metrics()
    metrics.decided("room", "hold", "knocking", 0.003)
    metrics.guests_waiting("session", 3)
    metrics.people_inside("host", 2)
    metrics.sessions_overtime(1)
    metrics.knocked(rang=True)
    metrics.knocked(rang=False)
    metrics.waited("admitted", 42)
    metrics.longest_wait("absent", 90)
    metrics.webhook_oldest(7200)
    metrics.fail_static()
    metrics.state_lost()
    metrics.suspected_scanner()
    metrics.answered("link", 303, 0.01)
    metrics.answered("signal", 101, 0.01)
    metrics.upstream_answered(0.02)
    metrics.upstream_failed("connect")
    metrics.upstream_aside("2", 1)
    metrics.tunnel_opened()
    metrics.tunnel_opened()
    metrics.tunnel_relayed(10, 20)
    metrics.tunnel_ended("client", 1, 2)
    metrics.event_stream_opened()
    metrics.event_stream_opened()
    metrics.event_stream_closed()
    metrics.store_called("read", 0.001)
    metrics.store_called("read", 0.5, "slow")
    metrics.store_is_up(up=True)
    metrics.auth_checked("nginx", "forward")
    metrics.webhook("delivered")
    metrics.reloaded(done=True)
    metrics.is_draining(draining=True)
    return metrics


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    _, text = metrics.exposition("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name.startswith("gateway_")
    }


def test_exactly_the_metrics_of_the_interface_are_exported_with_their_labels() -> None:
    found: dict[str, set[str]] = {}
    for name, labels in samples(used()):
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        found.setdefault(base, set()).update({label for label, _ in labels} - {"le"})
    assert found == LISTED


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("gateway_decisions_total", {"link": "room", "verdict": "hold", "reason": "knocking"}, 1),
        ("gateway_decision_seconds_count", {}, 1),
        ("gateway_guests_waiting", {"link": "session"}, 3),
        ("gateway_people_inside", {"role": "host"}, 2),
        ("gateway_knocks_total", {"rang": "false"}, 1),
        ("gateway_wait_seconds_bucket", {"outcome": "admitted", "le": "60.0"}, 1),
        ("gateway_requests_total", {"route": "link", "code_class": "3xx"}, 1),
        ("gateway_requests_total", {"route": "signal", "code_class": "1xx"}, 1),
        ("gateway_tunnels_open", {}, 1),
        ("gateway_tunnels_total", {"end": "client"}, 1),
        ("gateway_tunnel_bytes_total", {"direction": "up"}, 11),
        ("gateway_tunnel_bytes_total", {"direction": "down"}, 22),
        ("gateway_event_streams_open", {}, 1),
        ("gateway_store_seconds_count", {"op": "read"}, 2),
        ("gateway_store_errors_total", {"op": "read", "kind": "slow"}, 1),
        ("gateway_store_up", {}, 1),
        ("gateway_longest_wait_seconds", {"host": "absent"}, 90),
        ("gateway_webhook_oldest_seconds", {}, 7200),
        ("gateway_draining", {}, 1),
    ],
)
def test_what_happened_is_what_is_exported(name: str, labels: dict[str, str], value: float) -> None:
    assert samples(used())[name, frozenset(labels.items())] == value


def test_what_alerts_ask_for_is_there_before_it_happens() -> None:
    """A counter that appears with its first event shows no increase: the first failure would go unseen."""
    first = samples(Metrics())
    for name, labels in (
        ("gateway_decisions_total", {"link": "room", "verdict": "hold", "reason": "store_away"}),
        ("gateway_upstream_errors_total", {"kind": "connect"}),
        ("gateway_tunnels_total", {"end": "drained"}),
        ("gateway_auth_checks_total", {"dialect": "nginx", "verdict": "faulty"}),
        ("gateway_store_errors_total", {"op": "commit", "kind": "full"}),
    ):
        assert first[name, frozenset(labels.items())] == 0


def test_a_label_of_no_closed_set_is_counted_as_other_and_not_kept() -> None:
    metrics = Metrics()
    before = set(metrics._decisions._children)
    for number in range(100):
        metrics.decided("room", "hold", f"secret-{number}", 0)
        metrics.answered(f"/call/{number}", 200, 0)
    text = metrics.exposition("")[1].decode()
    assert "secret" not in text
    assert "/call/" not in text
    assert 'gateway_decisions_total{link="room",reason="other",verdict="hold"} 100.0' in text
    assert set(metrics._decisions._children) == before


def test_a_child_is_made_once() -> None:
    metrics = used()
    assert metrics._requests("link", "2xx") is metrics._requests("link", "2xx")


def test_two_processes_in_one_do_not_meet() -> None:
    one, other = used(), Metrics()
    assert one.registry is not other.registry
    assert samples(other).get(("gateway_fail_static_total", frozenset())) == 0


def test_a_scraper_gets_the_format_it_asks_for() -> None:
    content_type, text = Metrics().exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
