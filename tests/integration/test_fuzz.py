"""Whatever is sent, nothing ends in a fault of ours, and nothing shows more than a number."""

from __future__ import annotations

import random
import string

import pytest

from tests.integration.places import Clinics
from tests.integration.raw import ask_raw

ROUNDS = 150
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
ACCEPTS = ("text/html", "application/json", "*/*", "", "text/html;q=0, application/json", ";;,,")
KINDS = ("application/x-www-form-urlencoded", "application/json", "", "text/plain; charset=\x80", "multipart/form-data")
BODIES = (
    "",
    "name=Ada&action=join",
    '{"name": "x"}',
    "{",
    "%",
    "a&" * 100,
    '{"do": "end"}',
    "do=end&door=",
    "\xff\x00",
)
ODD = string.punctuation + string.ascii_letters + "\x80\xe9 \t"


def noise(dice: random.Random, most: int = 30) -> str:
    return "".join(dice.choice(ODD) for _ in range(dice.randrange(most)))


def request(dice: random.Random, paths: list[str], cookies: list[str]) -> bytes:
    """A request that is nearly a good one."""
    path = dice.choice(paths)
    if dice.random() < 0.4:
        at = dice.randrange(len(path))
        path = path[:at] + dice.choice("%/?#.\\;~+%2f%00é") + path[at:]
    cookie = "; ".join(dice.choice([*cookies, noise(dice), f"lg_v={noise(dice)}", "lg_p_=.."]) for _ in range(3))
    body = dice.choice(BODIES).encode("latin-1")
    lines = [
        f"{dice.choice(METHODS)} {path.replace(' ', '+')} HTTP/1.1",
        "Host: gate.example",
        f"Accept: {dice.choice(ACCEPTS)}",
        f"Content-Type: {dice.choice(KINDS)}",
        f"Cookie: {cookie}",
        f"X-{dice.randrange(9)}: {noise(dice).strip()}",
        f"Accept-Encoding: {dice.choice(('gzip', 'gzip;q=0', '*', 'q=;,'))}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_that_is_sent_ends_in_a_fault_of_ours(
    clinics: Clinics, seed: int, caplog: pytest.LogCaptureFixture
):
    room = await clinics.room()
    session = await clinics.session(room)
    host, guest = await clinics.host(room), clinics.browser()
    await guest.press(clinics.link(room), "Ada")
    entry = (await host.page(clinics.link(room))).location
    paths = [clinics.link(room), session.guest, session.host, clinics.desk(room), clinics.sign_in_link(room), entry]
    paths += ["/-/sign-out", "/static/x.css", entry.replace("/call/", "/signal/"), "/-/static/x.js", "*", "http://a/b"]
    cookies = [f"{name}={value}" for browser in (host, guest) for name, value in browser.cookies().items()]
    dice = random.Random(seed)
    for _ in range(ROUNDS):
        raw = request(dice, paths, cookies)
        answer = await ask_raw(clinics.running, raw)
        assert answer.status != 500, raw
        assert b"Traceback" not in answer.body, raw
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    assert await clinics.browser().reason(clinics.link(room)) in {"invited", "too_many"}
