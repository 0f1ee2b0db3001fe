"""The OpenAPI document and the reference page say what the service does."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.api.openapi import openapi_document
from gateway.api.reference import render_page
from gateway.api.table import OPERATIONS
from gateway.cli import cli
from tests.api.callers import Caller, Place
from tests.integration.conftest import Start
from tests.integration.places import Running

DEEP = os.environ.get("LINK_GATEWAY_DEEP", "") not in {"", "0"}
EXAMPLES, SECONDS = (25, 100) if DEEP else (1, 10)
# What no schema can say (a session that has passed, an etag, another's address) is refused with these, all documented.
REFUSED = [400, 401, 403, 404, 409, 412, 422]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document(OPERATIONS)


def test_no_two_operations_have_the_same_name_or_address() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_every_reference_leads_somewhere(document) -> None:
    text = json.dumps(document)
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named <= set(document["components"]["schemas"])
    assert "#/$defs" not in text


async def test_the_command_prints_what_the_service_serves(running: Running, caller: Caller) -> None:
    served = await caller.get("/openapi.json")
    printed = CliRunner().invoke(cli, ["openapi"], standalone_mode=False)
    assert json.loads(printed.output) == served.json
    assert served.json["openapi"].startswith("3.1.")


class Outside(HTMLParser):
    """Whatever a page would load, and the ids and links it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "link", "iframe", "object"} or "style" in given:
            self.loaded.append(tag)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        if str(given.get("href", "")).startswith("#"):
            self.links.add(str(given["href"])[1:])


async def test_the_reference_page_needs_nothing_from_elsewhere(caller: Caller) -> None:
    answer = await caller.get("/docs")
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Outside()
    page.feed(answer.text)
    assert page.loaded == []
    assert page.links <= page.ids
    for operation in OPERATIONS:
        assert operation.name in page.ids


def test_the_reference_page_escapes_what_it_shows(document) -> None:
    info = {**document["info"], "title": "<script>", "description": "a <script> `<script>`"}
    page = render_page({**document, "info": info}, "n")
    assert "<script>" not in page
    assert "a &lt;script&gt; <code>&lt;script&gt;</code>" in page


SETTINGS = f"""
[checks.positive_data_acceptance]
expected-statuses = {["2xx", *map(str, REFUSED)]}
[checks.missing_required_header]
expected-statuses = ["400", "401", "422", "428"]
"""
# With the names of what there is, so that more than 404 is met; sent as they are, hence no wrong values in that run.
KNOWN = """
[parameters]
"path.clinic" = "sunrise"
"path.owner" = "dr-fox"
"path.session" = "SESSION"
"path.door" = "SESSION"
"path.reference" = "r-1"
[[operations]]
include-name = "DELETE /v1/clinics/{clinic}"
parameters = { "path.clinic" = "small" }
"""


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "known"), [("all", ""), ("positive", KNOWN)], ids=["anything", "what-there-is"])
async def test_the_service_does_what_its_document_says(start: Start, tmp_path: Path, mode: str, known: str) -> None:
    """Schemathesis, with all its checks."""
    place = Place(await start({"limits": {"api_requests_per_key_per_min": 1_000_000}}))
    await place.furnish()
    try:
        caller = await place.caller()
        made = await caller.made(reference="r-1")
        config = tmp_path / "schemathesis.toml"
        config.write_text(SETTINGS + known.replace("SESSION", made["id"]), "utf-8")
        report = await schemathesis(caller, config, tmp_path, mode)
    finally:
        await place.close()
    assert re.search(rf"Tested: +{len(OPERATIONS)}\b", report), report[-2000:]


async def schemathesis(caller: Caller, config: Path, at: Path, mode: str) -> str:
    """What it says after a run; its exit code must be 0."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", str(config), "run", f"{caller.base}/openapi.json", "--checks", "all", "--mode", mode),
        *("--header", f"Authorization: Bearer {caller.key}", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(EXAMPLES), "--max-time", str(SECONDS), "--generation-deterministic", "--no-color"),
        *("--report-dir", str(at), "--continue-on-failure"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=at,
    )
    output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0, text[-8000:]
    return text
