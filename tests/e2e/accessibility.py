"""Auditing pages with axe-core: WCAG 2.2 AA, in light and dark, from left to right and from right to left.

Rule that holds here: a page is audited as it stands, with everything unfolded that folds; nothing is left out of it,
and every rule is asked each time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Error, Page

from rules.reasons import Reason
from tests.e2e.people import SOON_MS

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
LANGUAGES: Mapping[str, str] = {"en": "ltr", "ar": "rtl"}
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
RUN = """(tags) => axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})"""
UNFOLD = """() => document.querySelectorAll("details").forEach((each) => { each.open = true; })"""


@cache
def axe_source() -> str:
    """axe-core, as the package that brings it has it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


async def bring_axe(context: BrowserContext) -> None:
    """Have it in every page of this browser: far quicker than to send it anew for every address."""
    await context.add_init_script(axe_source())


async def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is: the rule and the places."""
    await page.evaluate(UNFOLD)
    found: Mapping[str, Any] = await page.evaluate(RUN, list(TAGS))
    return [
        f"{each['id']} ({each['help']}) at {', '.join(str(node['target']) for node in each['nodes'][:3])}"
        f" {each['nodes'][0].get('failureSummary', '')}"
        for each in found["violations"]
    ]


async def audit(page: Page, state: str) -> list[str]:
    """The page in every language, by coming to it anew.

    A `state` that begins with a reason must be the page of that reason.
    """
    told: list[str] = []
    address = urlsplit(page.url)._replace(query="", fragment="").geturl()
    for language, direction in LANGUAGES.items():
        await _come(page, f"{address}?lang={language}")  # also in English
        assert await page.evaluate("document.documentElement.dir") == direction, f"{state} does not speak {language}"
        if (reason := state.partition(",")[0].partition(" ")[0]) in set(Reason):
            assert await page.locator("main").get_attribute("data-reason") == reason, state
        told += await audit_schemes(page, f"{state}, {language}")
    return told


async def _come(page: Page, address: str) -> None:
    """Come to a page that may be about to turn by itself: its own navigation ends ours."""
    until = time.monotonic() + SOON_MS / 1000
    while True:
        try:
            await page.goto(address)
        except Error as fault:
            if "ERR_ABORTED" not in str(fault) and "interrupted by another navigation" not in str(fault):
                raise
            assert time.monotonic() < until, f"{address} goes elsewhere again and again"
        else:
            return


async def audit_schemes(page: Page, state: str) -> list[str]:
    """The page as it stands, in light and in dark."""
    told: list[str] = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        told += [f"{state}, {scheme}: {each}" for each in await violations(page)]
    return told
