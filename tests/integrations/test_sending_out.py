"""Telling a platform that never answers, on a clock of the test's own."""

from __future__ import annotations

import itertools
import logging
from collections import Counter

import pytest

from gateway.integrations.delivery import Deliverer
from gateway.integrations.platforms.sending_out import RETRIES_MS, SendingOut
from gateway.integrations.ways import Ways
from gateway.store import Hooks, PlatformFacts, Trail
from rules.credentials import Terms
from rules.events import Admit, Enter, Heard, Join, Remove
from rules.model import Policy, Role, Told
from tests.gateway.store.conftest import Replica
from tests.integrations.sinks import Office
from tests.integrations.test_platform_calls import calls_of

QUARTER_MS = 900_000


@pytest.fixture
async def office(make_replica) -> Office:
    """A clinic whose platform can be told of one person."""
    replica: Replica = await make_replica(policy=Policy(platform_removes=True))
    await replica.furnish()
    return Office(replica)


async def test_a_platform_that_is_dead_for_good_is_told_for_a_quarter_of_an_hour_and_then_given_up(
    office: Office, api, client
):
    counted: list[tuple[str, str]] = []
    calls = calls_of(client, counted, {"on": "remove", "url": f"{api.url}/kick"})
    await api.stop()
    replica, log = office.replica, logging.getLogger("gateway")
    hooks = Hooks(replica.store)
    platform = SendingOut(
        calls,
        replica.doors,
        PlatformFacts(replica.store),
        Terms(),
        lambda *what: counted.append(what),
        lambda door: door[:12],
        log,
        since_ms=0,
    )
    ways = Ways(hooks, Trail(replica.store), replica.directory, office.ages.append, lambda: office.now_ms, float, log)
    deliverer = Deliverer(ways, "one", patience_s=5)
    inside = (Join("ann"), Heard("ann"), Enter("kay", Role.HOST, "c1"), Admit("ann"), Enter("ann", Role.GUEST, "c2"))
    await office.happen(*inside, Remove("ann"))

    async def told() -> Told:
        owner = (await replica.doors.read(replica.room.id)).owner
        return owner.doors[replica.room.id].guests["ann"].removal

    assert await told() is Told.ASKED
    assert await deliverer.claim(platform)
    assert await deliverer.round(platform) == 1
    assert await told() is Told.FAILED
    for delay_ms in RETRIES_MS:
        office.now_ms += delay_ms - 1
        assert await deliverer.round(platform) == 0, "too soon"
        office.now_ms += 1
        assert await deliverer.round(platform) == 1
    office.now_ms += 10 * QUARTER_MS
    assert await deliverer.round(platform) == 0
    assert Counter(counted) == {("remove", "unanswered"): 1 + len(RETRIES_MS), ("remove", "given_up"): 1}
    assert await told() is Told.FAILED, "and the host is told so for as long as it is known"


def test_it_is_told_soon_at_first_and_for_a_quarter_of_an_hour() -> None:
    """So that a moment of the platform's is over before anybody asks, and its restart within that time is enough."""
    tried_ms = list(itertools.accumulate(RETRIES_MS))
    assert tried_ms[:4] == [1000, 3000, 8000, 18_000]
    assert QUARTER_MS <= tried_ms[-1] < QUARTER_MS + 60_000
