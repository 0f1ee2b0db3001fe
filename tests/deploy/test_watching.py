"""Dashboards, alerts and documents speak of metrics that a gateway in use really exports."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, ContentTypeError
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.people import eventually
from tests.integration.places import Clinics
from tests.ports import free_port
from tools import dashboards
from tools.overview import draw

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy/prometheus"
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
_NAME = re.compile(r"(?<![\w:/-])(gateway_[a-z_]+[a-z])(?![\w:/.-])")
_SELECTOR = re.compile(r"(?<![\w:])(gateway_[a-z_]+[a-z])\{([^}]*)\}")
_RECORDED = re.compile(r"\bjob:\w+:\w+")
_LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=|,|$)")
ADDED = {"job", "instance", "le"}  # by Prometheus, and by histograms


async def use(clinics: Clinics, owner: str = "dr-lee") -> None:
    """A guest waits, is let in, and leaves; another is refused; a link is wrong; a scheduler has no key."""
    room = await clinics.room(owner)
    host, _ = await clinics.host_inside(room)
    ada, bob = clinics.browser(), clinics.browser()
    page = await ada.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=ada.visitor())
    await page.reason("admitted")
    socket_ = await clinics.go_in(ada, clinics.link(room), room)
    await socket_.echo("words")
    other = await bob.wait(clinics.link(room), "Bob")
    await clinics.act(host, room, "deny", guest=bob.visitor())
    await other.reason("denied")
    await clinics.browser().page("/nobody/room/nobody")
    async with bob.session.get(clinics.running.internal + "/v1/clinics") as answer:
        assert answer.status == 401
    await ada.drop()


async def exported(clinics: Clinics) -> dict[str, set[str]]:
    """Every series name that /metrics has, and the labels it is given with."""
    async with clinics.browser().session.get(clinics.running.internal + "/metrics") as answer:
        text = await answer.text()
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def queries() -> Iterator[tuple[str, str]]:
    """Every query of every dashboard, and where it stands."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


def spoken_of() -> Iterator[tuple[str, str]]:
    """Every text that speaks of metrics, and where it stands."""
    yield from queries()
    for path in sorted(SHIPPED.glob("*.yml")):
        yield path.name, path.read_text()
    for path in sorted((ROOT / "docs").rglob("*.md")):
        yield path.name, path.read_text()


def faults(text: str, names: dict[str, set[str]]) -> list[str]:
    """Metrics and labels that a text speaks of and nobody exports. A histogram may be called by its plain name."""
    known = names.keys() | {name.removesuffix("_count") for name in names}
    found = [name for name in _NAME.findall(text) if name not in known and f"{name}_total" not in names]
    for name, labels in _SELECTOR.findall(text):
        given = names.get(name, names.get(f"{name}_count", set())) | ADDED
        asked = {label.strip() for label in _LABEL.findall(re.sub(r'"[^"]*"', "", labels))}
        found += [f"{name}{{{label}}}" for label in sorted(asked - given)]
    return found


def test_a_metric_that_does_not_exist_is_found() -> None:
    """The check can fail: by name and by label."""
    names = {"gateway_knocks_total": {"rang"}}
    assert faults('rate(gateway_knocks_total{job=~"$job",rang="true"}[5m])', names) == []
    assert faults("gateway_knock_total", names) == ["gateway_knock_total"]
    assert faults('gateway_knocks_total{who="ada"}', names) == ["gateway_knocks_total{who}"]


def test_the_dashboards_are_those_that_are_written() -> None:
    """Nobody edited a file that is made."""
    assert [path.stem for path in DASHBOARDS] == sorted(b.uid.removeprefix("link-gateway-") for b in dashboards.BOARDS)
    for board in dashboards.BOARDS:
        path = ROOT / "deploy/grafana" / f"{board.uid.removeprefix('link-gateway-')}.json"
        assert path.read_text() == dashboards.text(board), "run: python -m tools.dashboards"


async def test_every_metric_that_is_spoken_of_is_exported(clinics: Clinics) -> None:
    """Dashboards, rules and documents name nothing that a gateway in use does not export."""
    await use(clinics)
    names = await exported(clinics)
    unknown = [f"{where}: {fault}" for where, text in spoken_of() for fault in faults(text, names)]
    assert unknown == []


def test_what_is_recorded_is_asked_for_and_what_is_asked_for_is_recorded() -> None:
    """Alerts and dashboards name recording rules that are there; none is recorded for nothing."""
    groups = yaml.safe_load((SHIPPED / "recording.yml").read_text())["groups"]
    asked = "".join(query for _, query in queries()) + (SHIPPED / "alerts.yml").read_text()
    assert set(_RECORDED.findall(asked)) == {rule["record"] for group in groups for rule in group["rules"]}


# --- with a real Prometheus -----------------------------------------------------------------------------------------
@asynccontextmanager
async def watching(program: Path, target: str, directory: Path) -> AsyncIterator[str]:
    """A Prometheus with the shipped configuration that watches one gateway; its address."""
    config: dict[str, Any] = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    for name in config["rule_files"]:
        rules = (SHIPPED / name).read_text().replace("interval: 30s", "interval: 200ms")
        (directory / name).write_text(rules)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    at = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address={at}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://{at}"
    finally:
        process.terminate()
        await process.wait()


async def ask(session: ClientSession, at: str, query: str) -> list[Any]:
    async with session.get(f"{at}/api/v1/query", params={"query": query, "time": str(time.time())}) as answer:
        told = await answer.json()
        assert told["status"] == "success", told
        result: list[Any] = told["data"]["result"]
        return result


def filled(query: str) -> str:
    """A query as Grafana sends it."""
    return query.replace("$__rate_interval", "5s").replace("$job", ".*")


async def test_every_panel_shows_something_when_a_gateway_is_used(clinics: Clinics, program, tmp_path) -> None:
    """A real Prometheus with the shipped rules answers every query of every dashboard with data."""
    prometheus = program("prometheus")
    target = clinics.running.internal.removeprefix("http://")
    async with watching(prometheus, target, tmp_path) as at, ClientSession() as session:

        async def is_up() -> bool:
            try:
                return bool(await ask(session, at, "up == 1"))
            except (OSError, ContentTypeError):  # not listening yet; not ready yet
                return False

        await eventually(is_up, 0.1)
        await use(clinics)
        recorded = "job:gateway_answers_bad:ratio_rate3d and job:gateway_calls_cut:ratio_rate3d"
        await eventually(lambda: ask(session, at, recorded), 0.1)
        await use(clinics, "dr-kay")  # what appears for the first time has no rate yet
        again = 'increase(gateway_requests_total{route="v1"}[5s]) > 0'
        await eventually(lambda: ask(session, at, again), 0.1)
        drawn = await asyncio.to_thread(draw, dashboards.OVERVIEW, at)
        empty = [where for where, query in queries() if not await ask(session, at, filled(query))]
    assert empty == []
    assert [panel.title for panel in dashboards.OVERVIEW.panels if escape(panel.title) not in drawn] == []
    assert drawn.count("<polyline") >= len(dashboards.OVERVIEW.panels)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_do_not_overlap(path) -> None:
    """Each panel has a place of its own."""
    places = [tuple(panel["gridPos"].values()) for panel in json.loads(path.read_text())["panels"]]
    assert len(set(places)) == len(places)
    assert all(x + width <= 24 for x, _, width, _ in places)
