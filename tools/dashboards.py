"""Writes the dashboards in deploy/grafana: `python -m tools.dashboards`.

Rule that holds here: a panel is a title, a unit and its queries; where it stands follows from its place in the list, so
that a new panel is one line. Every query must be of metrics that /metrics exports; the tests run each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, ACROSS = 8, 7, 3  # of a panel, in Grafana's grid of 24; panels side by side
HERE = Path(__file__).parents[1] / "deploy/grafana"
SOURCE = {"type": "prometheus", "uid": "${source}"}
JOB = 'job=~"$job"'


@dataclass(frozen=True)
class Panel:
    """One picture: its queries by legend. Units are Grafana's names."""

    title: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"
    text: str = ""


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    panels: Sequence[Panel]


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Events a second, summed over all processes."""
    given = f"{JOB},{where}" if where else JOB
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{given}}}[$__rate_interval]))"


def total(metric: str, by: str = "", where: str = "") -> str:
    """A gauge, summed over all processes."""
    given = f"{JOB},{where}" if where else JOB
    return f"sum{f' by ({by})' if by else ''} ({metric}{{{given}}})"


def quantile(part: float, histogram: str, by: str = "") -> str:
    """A quantile of a histogram, over all processes."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({part}, sum by ({labels}) (rate({histogram}_bucket{{{JOB}}}[$__rate_interval])))"


OVERVIEW = Board(
    "link-gateway-overview",
    "Link gateway: overview and objectives",
    [
        Panel("Guests waiting", "short", {"{{link}}": total("gateway_guests_waiting", "link")}),
        Panel("People inside", "short", {"{{role}}": total("gateway_people_inside", "role")}),
        Panel(
            "Longest wait",
            "s",
            {"host {{host}}": f"max by (host) (gateway_longest_wait_seconds{{{JOB}}})"},
            text="By where the host is: inside and silent, busy in another call, or absent.",
        ),
        Panel("Verdicts", "reqps", {"{{verdict}}": rate("gateway_decisions_total", "verdict")}),
        Panel(
            "Time to a verdict",
            "s",
            {
                "p50": quantile(0.5, "gateway_decision_seconds"),
                "p99": quantile(0.99, "gateway_decision_seconds"),
            },
        ),
        Panel(
            "We cannot say now",
            "reqps",
            {"{{reason}}": rate("gateway_decisions_total", "reason", 'reason=~"store_away|upstream_away"')},
        ),
        Panel(
            "Answers: share of bad ones, of 0.1 % allowed",
            "percentunit",
            {
                "1 hour": f"job:gateway_answers_bad:ratio_rate1h{{{JOB}}}",
                "6 hours": f"job:gateway_answers_bad:ratio_rate6h{{{JOB}}}",
                "3 days": f"job:gateway_answers_bad:ratio_rate3d{{{JOB}}}",
            },
        ),
        Panel(
            "Calls: share cut by restarts, of 0.01 % allowed",
            "percentunit",
            {
                "1 hour": f"job:gateway_calls_cut:ratio_rate1h{{{JOB}}}",
                "6 hours": f"job:gateway_calls_cut:ratio_rate6h{{{JOB}}}",
                "3 days": f"job:gateway_calls_cut:ratio_rate3d{{{JOB}}}",
            },
        ),
        Panel(
            "Processes",
            "short",
            {
                "up": f"sum(up{{{JOB}}})",
                "with a store": total("gateway_store_up"),
                "draining": total("gateway_draining"),
            },
        ),
    ],
)
DOORS = Board(
    "link-gateway-doors",
    "Link gateway: doors and waiting",
    [
        Panel(
            "Verdicts by reason",
            "reqps",
            {"{{verdict}}: {{reason}}": rate("gateway_decisions_total", "verdict, reason")},
        ),
        Panel("Refusals", "reqps", {"{{reason}}": rate("gateway_decisions_total", "reason", 'verdict="refuse"')}),
        Panel("Verdicts by kind of link", "reqps", {"{{link}}": rate("gateway_decisions_total", "link")}),
        Panel(
            "Knocks",
            "reqps",
            {
                "rang": rate("gateway_knocks_total", where='rang="true"'),
                "silent": rate("gateway_knocks_total", where='rang="false"'),
            },
        ),
        Panel("What became of waits", "reqps", {"{{outcome}}": rate("gateway_wait_seconds_count", "outcome")}),
        Panel(
            "How long people waited",
            "s",
            {"p50": quantile(0.5, "gateway_wait_seconds"), "p90": quantile(0.9, "gateway_wait_seconds")},
        ),
        Panel("Live pages", "short", {"event streams": total("gateway_event_streams_open")}),
        Panel("Sessions past their time", "short", {"overtime": total("gateway_sessions_overtime")}),
        Panel("Visits like a mail scanner's", "reqps", {"visits": rate("gateway_suspected_scanner_total")}),
    ],
)
FORWARDING = Board(
    "link-gateway-forwarding",
    "Link gateway: forwarding and tunnels",
    [
        Panel("Requests by route", "reqps", {"{{route}}": rate("gateway_requests_total", "route")}),
        Panel("Requests by answer", "reqps", {"{{code_class}}": rate("gateway_requests_total", "code_class")}),
        Panel("Time of a request, p99", "s", {"{{route}}": quantile(0.99, "gateway_request_seconds", "route")}),
        Panel(
            "Time to the platform's answer",
            "s",
            {"p50": quantile(0.5, "gateway_upstream_seconds"), "p99": quantile(0.99, "gateway_upstream_seconds")},
        ),
        Panel("The platform's failures", "reqps", {"{{kind}}": rate("gateway_upstream_errors_total", "kind")}),
        Panel("Addresses set aside", "short", {"{{upstream}}": total("gateway_upstream_aside", "upstream")}),
        Panel("WebSockets open", "short", {"{{instance}}": total("gateway_tunnels_open", "instance")}),
        Panel("WebSockets ended", "reqps", {"{{end}}": rate("gateway_tunnels_total", "end")}),
        Panel("Bytes in WebSockets", "Bps", {"{{direction}}": rate("gateway_tunnel_bytes_total", "direction")}),
        Panel(
            "Forward-auth checks",
            "reqps",
            {"{{dialect}}: {{verdict}}": rate("gateway_auth_checks_total", "dialect, verdict")},
        ),
    ],
)
STORE = Board(
    "link-gateway-store",
    "Link gateway: store and processes",
    [
        Panel("Calls", "reqps", {"{{op}}": rate("gateway_store_seconds_count", "op")}),
        Panel("Time of a call, p50", "s", {"{{op}}": quantile(0.5, "gateway_store_seconds", "op")}),
        Panel("Time of a call, p99", "s", {"{{op}}": quantile(0.99, "gateway_store_seconds", "op")}),
        Panel("Failures", "reqps", {"{{op}}: {{kind}}": rate("gateway_store_errors_total", "op, kind")}),
        Panel("Reached by", "short", {"{{instance}}": total("gateway_store_up", "instance")}),
        Panel(
            "Without the store, data lost",
            "reqps",
            {"served from memory": rate("gateway_fail_static_total"), "data lost": rate("gateway_state_lost_total")},
        ),
        Panel("Processor", "percentunit", {"{{instance}}": rate("process_cpu_seconds_total", "instance")}),
        Panel("Memory", "bytes", {"{{instance}}": total("process_resident_memory_bytes", "instance")}),
        Panel(
            "Files open, of those allowed",
            "percentunit",
            {"{{instance}}": f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}}"},
        ),
    ],
)
INTEGRATIONS = Board(
    "link-gateway-integrations",
    "Link gateway: integrations",
    [
        Panel("API requests", "reqps", {"{{code_class}}": rate("gateway_requests_total", "code_class", 'route="v1"')}),
        Panel(
            "Asked of the platform",
            "reqps",
            {"{{on}}: {{outcome}}": rate("gateway_platform_calls_total", "on, outcome")},
            text="Removals and ends that are not done leave people in a call: see the runbook.",
        ),
        Panel("Webhooks", "reqps", {"{{outcome}}": rate("gateway_webhooks_total", "outcome")}),
        Panel("What the platform told", "reqps", {"{{outcome}}": rate("gateway_platform_events_total", "outcome")}),
        Panel("Oldest webhook not delivered", "s", {"age": f"max(gateway_webhook_oldest_seconds{{{JOB}}})"}),
    ],
)
BOARDS = (OVERVIEW, DOORS, FORWARDING, STORE, INTEGRATIONS)


def _panels(board: Board) -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(board.panels):
        across, down = number % ACROSS, number // ACROSS
        targets = [
            {"datasource": SOURCE, "expr": query, "legendFormat": legend, "refId": chr(ord("A") + index)}
            for index, (legend, query) in enumerate(panel.queries.items())
        ]
        yield {
            "id": number + 1,
            "title": panel.title,
            "description": panel.text,
            "type": panel.kind,
            "datasource": SOURCE,
            "gridPos": {"x": across * WIDTH, "y": down * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
            "targets": targets,
        }


def _variable(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": name.capitalize(), "hide": 0, **more}


def document(board: Board) -> dict[str, Any]:
    """The dashboard as Grafana reads it, version 9 and newer."""
    source = _variable("source", type="datasource", query="prometheus")
    ask = {"query": "label_values(gateway_build_info, job)", "refId": "job"}
    job = _variable(
        "job",
        type="query",
        datasource=SOURCE,
        query=ask,
        refresh=2,
        includeAll=True,
        multi=True,
        current={"text": "All", "value": "$__all"},
    )
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["link-gateway"],
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [source, job]},
        "links": [
            {
                "type": "dashboards",
                "tags": ["link-gateway"],
                "asDropdown": True,
                "title": "Link gateway",
                "keepTime": True,
            }
        ],
        "panels": list(_panels(board)),
    }


def text(board: Board) -> str:
    """The dashboard's file."""
    return json.dumps(document(board), indent=2) + "\n"


if __name__ == "__main__":
    for each in BOARDS:
        (HERE / f"{each.uid.removeprefix('link-gateway-')}.json").write_text(text(each))
