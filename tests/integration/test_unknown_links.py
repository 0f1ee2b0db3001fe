"""Whatever is no link gets the same answer, byte for byte, so that nobody learns which clinics and sessions exist."""

from __future__ import annotations

import pytest

from rules.events import RevokeSeat
from rules.links import TOKEN_LENGTH
from tests.integration.people import HTML, JSON, Answer, Browser
from tests.integration.places import Clinics
from tests.integration.raw import ask_raw

VARIES = {"date", "x-request-id"}


def told(answer: Answer) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a client can see of an answer, but for the time and the request's number."""
    lines = [(name.lower(), value) for name, value in answer.headers.items() if name.lower() not in VARIES]
    return answer.status, answer.body, sorted(lines)


@pytest.fixture
async def links(clinics: Clinics) -> dict[str, str]:
    """Links that lead nowhere, each for another reason."""
    room = await clinics.room()
    session = await clinics.session(room)
    await clinics.schedule(room, session, RevokeSeat(2))
    token = session.host.rpartition("/")[2]
    last = "A" if token[-1] != "A" else "B"
    signing = clinics.gateway.parts.signing
    other = type(signing)([b"a key that is somebody else's 0000000003"])
    return {
        "clinic": "/nowhere/room/dr-lee",
        "owner": "/sunrise/room/nobody",
        "malformed slug": "/sunrise/room/dr_lee!",
        "long slug": "/sunrise/room/" + "x" * 300,
        "malformed token": "/session/short",
        "empty token": "/session/",
        "forged token": f"/session/{token[:-1]}{last}",
        "random token": "/session/" + "7" * TOKEN_LENGTH,
        "another key": f"/session/{other.session_token(session.id, 2)}",
        "seat never made": f"/session/{signing.session_token(session.id, 9)}",
        "revoked seat": session.guest,
        "lower case of a token": session.host.lower(),
        "not listed": "/somewhere/else",
        "own, unknown": "/-/nothing",
        "bytes": "/sunrise/room/%ff%fe",
    }


@pytest.mark.parametrize("accept", [HTML, JSON])
async def test_unknown_malformed_forged_and_revoked_links_get_the_same_bytes(clinics: Clinics, links, accept: str):
    answers = {why: told(await clinics.browser().ask("GET", link, accept)) for why, link in links.items()}
    assert {answer[0] for answer in answers.values()} == {404}
    first = answers["clinic"]
    assert [why for why, answer in answers.items() if answer != first] == []


async def test_a_button_pressed_on_a_link_that_leads_nowhere_gets_the_same_bytes_too(clinics: Clinics, links):
    nowhere = [
        link for why, link in links.items() if why not in {"not listed", "own, unknown", "bytes", "revoked seat"}
    ]
    answers = [told(await clinics.browser().ask("POST", link, HTML, data={"name": "Ada"})) for link in nowhere]
    assert {answer[0] for answer in answers} == {404}
    assert len({str(answer) for answer in answers}) == 1


AMBIGUOUS = [
    "/sunrise/room/dr%2flee",
    "/sunrise/room/dr%5clee",
    "/sunrise/room/../room/dr-lee",
    "/sunrise/room/./dr-lee",
    "/sunrise/room/dr-lee%00",
    "/sunrise//room/dr-lee",
    "/session/%2e%2e/x",
    "/sunrise/room/%2e%2e/dr-lee",
    "/sunrise\\room\\dr-lee",
]


@pytest.mark.parametrize("path", AMBIGUOUS)
async def test_an_ambiguous_path_in_a_links_place_gets_the_same_bytes(clinics: Clinics, stranger: Browser, path: str):
    await clinics.room()
    head = f"GET {path} HTTP/1.1\r\nHost: gate.example\r\nAccept: text/html\r\n\r\n"
    plain = await ask_raw(clinics.running, head.replace(path, "/sunrise/room/nobody"))
    answer = await ask_raw(clinics.running, head)
    assert answer.status == 404
    drop = VARIES | {"connection"}
    lines = [[(n, v) for n, v in found.headers if n.lower() not in drop] for found in (answer, plain)]
    assert lines[0] == lines[1]
    assert answer.body == plain.body


async def test_the_answer_is_the_same_for_whoever_has_cookies(clinics: Clinics):
    room = await clinics.room()
    known, unknown = clinics.browser(), clinics.browser()
    await known.press(clinics.link(room), "Ada")
    assert told(await known.page("/sunrise/room/nobody")) == told(await unknown.page("/sunrise/room/nobody"))
