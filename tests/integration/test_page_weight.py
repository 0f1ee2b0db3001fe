"""What a guest's first visit costs: every byte of the answer, head and packed page together, fits one first flight.

A page asks for nothing further by itself (seen in a browser elsewhere), so one answer is the whole of it.
"""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit

from aiohttp import ClientSession

from tests.integration.people import HTML, PUBLIC
from tests.integration.places import Clinics

FIRST_FLIGHT = 14_600  # ten segments: what a server may send before the first word from the phone
ACCEPTS = {"Accept": HTML, "Accept-Encoding": "gzip, deflate, br", "Host": urlsplit(PUBLIC).netloc}


async def weigh(clinics: Clinics, link: str) -> int:
    """All bytes of a page's answer, as they are sent; the page must be packed."""
    url = clinics.browser().url(link)
    async with ClientSession(auto_decompress=False) as session, session.get(url, headers=ACCEPTS) as answer:
        body = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body).startswith(b"<!doctype html>")
        return len(body) + sum(len(name) + len(value) + 4 for name, value in answer.raw_headers) + 19


async def test_the_first_page_fits_into_the_first_flight_in_every_language(clinics: Clinics) -> None:
    """Landing, countdown and waiting are the heaviest; the others carry the same style and script with fewer words."""
    room = await clinics.room()
    soon, early = await clinics.session(room), await clinics.session(room, opens_in_s=600)
    for name, link in (("room", clinics.link(room)), ("session", soon.guest), ("early", early.guest)):
        for language in clinics.gateway.parts.config.pages.languages:
            size = await weigh(clinics, f"{link}?lang={language}")
            print(f"{name} {language}: {size} bytes")  # noqa: T201 - shown by -s
            assert size <= FIRST_FLIGHT, (name, language)


async def test_static_files_are_sent_packed(clinics: Clinics) -> None:
    """The script that checks camera and microphone comes only when it is asked for, and small."""
    url = clinics.gateway.parts.assets.url("check.js")
    async with clinics.browser() as browser, browser.session.get(browser.url(url), headers=ACCEPTS) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) < 4_000
