"""The alerts that are shipped: each fires when it should, keeps silent when it should, and says what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy/prometheus"
RUNBOOKS = ROOT / "docs/runbooks"
HEADINGS = ["## What it means", "## Who feels it", "## What to do", "## It is over when"]


def read(name: str) -> Any:
    return yaml.safe_load((SHIPPED / name).read_text())


def alerts() -> dict[str, dict[str, Any]]:
    rules = (rule for group in read("alerts.yml")["groups"] for rule in group["rules"])
    return {rule["alert"]: rule for rule in rules}


@pytest.fixture(scope="module")
def promtool(program) -> Path:
    found: Path = program("promtool")
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "recording.yml", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
        ("test", "rules", "slow-alerts.test.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_finds_no_fault(promtool, arguments) -> None:
    """The rules are well formed, and fire and keep silent as their own tests say."""
    done = subprocess.run([promtool, *arguments], cwd=SHIPPED, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_notices_an_alert_that_does_not_fire(promtool, tmp_path) -> None:
    """The rules' own tests can fail."""
    for path in SHIPPED.glob("*.yml"):
        (tmp_path / path.name).write_text(path.read_text().replace("gateway_store_up == 0", "gateway_store_up == 2"))
    command = [promtool, "test", "rules", "alerts.test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "GatewayStoreDown" in done.stderr) == (1, True), done.stdout + done.stderr


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_is_tested_for_firing_and_for_silence(alert) -> None:
    """At least one case each."""
    cases = [*read("alerts.test.yml")["tests"], *read("slow-alerts.test.yml")["tests"]]
    asked = [test for case in cases for test in case["alert_rule_test"]]
    expected = [bool(test["exp_alerts"]) for test in asked if test["alertname"] == alert]
    assert {True, False} <= set(expected)


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_has_a_page_that_says_what_to_do(alert) -> None:
    """The page it names is there, names it back, and has the four parts."""
    page = (ROOT / alerts()[alert]["annotations"]["runbook"]).read_text()
    assert f"`{alert}`" in page
    assert [line for line in page.splitlines() if line.startswith("## ")] == HEADINGS


def test_every_page_is_some_alerts() -> None:
    """No page is left that nothing leads to."""
    named = {rule["annotations"]["runbook"] for rule in alerts().values()}
    assert {str(path.relative_to(ROOT)) for path in RUNBOOKS.glob("*.md")} == named


def test_links_between_pages_lead_somewhere() -> None:
    """Every page a page names is there."""
    for path in RUNBOOKS.glob("*.md"):
        for name in re.findall(r"\]\(([\w-]+\.md)\)", path.read_text()):
            assert (RUNBOOKS / name).is_file(), f"{path.name} names {name}"
