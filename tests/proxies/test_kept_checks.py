"""The commented option of nginx's shipped file: allowing answers are kept for a second, and nobody gets another's."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.integration.test_internal import metric
from tests.proxies.conftest import Behind
from tests.proxies.shipped import WAYS

pytestmark = pytest.mark.proxy

_COMMENTED = re.compile(r"^(\s*)# (?=proxy_(cache|ignore))", re.MULTILINE)
KEEPING = replace(WAYS[0], name="keeping", edit=lambda text: _COMMENTED.sub(r"\1", text))


@pytest.mark.parametrize("behind", [KEEPING], ids=["nginx"], indirect=True)
async def test_an_answer_is_kept_for_the_same_request_of_the_same_browser_alone(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    behind.reached()
    before = await metric(behind.clinics, "gateway_auth_checks_total")
    for _ in range(3):
        assert (await behind.send(guest, "GET", entry)).status == 200
    seen = behind.reached()
    assert [each.one("X-Gateway-Role") for each in seen] == ["guest"] * 3, "the kept answer says who comes, too"
    assert await metric(behind.clinics, "gateway_auth_checks_total") < before + 3, "it was not asked each time"
    for who, method, headers in (
        (None, "GET", {}),
        (behind.browser(), "GET", {}),
        (guest, "POST", {"Origin": "https://evil.example"}),
        (guest, "GET", {"Service-Worker": "script"}),
    ):
        assert (await behind.send(who, method, entry, headers=headers)).status == 403
    assert (await behind.send(host, "GET", entry)).status == 200
    assert [each.one("X-Gateway-Role") for each in behind.reached()] == ["host"]
