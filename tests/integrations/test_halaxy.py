from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.api.scheduling import Scheduling
from gateway.api.values import NewSession, SessionView
from gateway.config import Config
from gateway.integrations.halaxy.client import HalaxyAway
from gateway.integrations.halaxy.news import News
from gateway.integrations.halaxy.reconcile import reconcile
from gateway.integrations.halaxy.work import HalaxyWork, Hints
from gateway.logs import only_known_fields
from gateway.metrics import Metrics
from gateway.services import build_parts, open_store
from tests.gateway.store.conftest import start_server
from tests.integrations.halaxy_scripts import HOUR_MS, Practice, actual, expected, open_practice, play
from tests.integrations.halaxy_stand_in import SECRET_WORDS, HalaxyStandIn, Truth

__all__ = ["start_server"]

SCRIPTS = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 40


@pytest.fixture
async def scheduling(start_server: Callable[..., Any]) -> AsyncIterator[Scheduling]:
    """A gateway's sessions, on a store that keeps nothing on disk: these tests write a lot."""
    server = start_server(persistent=False)
    keys = {"secrets": {"keys": ["k" * 32]}, "identity": {"keys": ["i" * 32]}}
    config = Config.model_validate({"store": {"url": server.url, "deadline_s": 5}, **keys})
    store = await open_store(config)
    yield Scheduling(build_parts(config, store, Metrics(), logging.getLogger("test")))
    await store.close()


@pytest.fixture
async def practice(scheduling: Scheduling) -> Practice:
    """A practice whose Halaxy always answers."""
    return await open_practice("calm", scheduling, HalaxyStandIn())


def entered(practice: Practice, in_h: float = 24, **more: Any) -> Truth:
    """One appointment at Ana's, of two patients."""
    facts = {"role": f"PR-{practice.name}-east-ana", "patients": {"1": "booked", "2": "confirmed"}} | more
    return practice.halaxy.enter(Truth("a1", practice.now_ms + round(in_h * HOUR_MS), 50, **facts))


async def test_after_one_poll_the_sessions_are_the_appointments_whatever_became_of_the_news(
    scheduling: Scheduling,
) -> None:
    for seed in range(SCRIPTS):
        random = Random(seed)
        halaxy = HalaxyStandIn(random, faults=0.2, tells_updates=seed % 2 == 0, limit=random.choice([30, 500]))
        practice = await open_practice(f"p{seed}", scheduling, halaxy)
        await play(practice, random, steps=random.randint(3, 24))
        assert await actual(practice) == expected(practice), f"seed {seed}"


# --- one appointment ------------------------------------------------------------------------------------------
async def session_of(practice: Practice, clinic: str = "east") -> SessionView:
    return await practice.mirror.scheduling.by_reference(f"{practice.name}-{clinic}", "halaxy:a1")


async def guests(practice: Practice) -> dict[str, str]:
    """The links of the guests, by their reference."""
    view = await session_of(practice)
    return {seat.reference: view.links[n] for n, seat in view.door.seats.items() if seat.reference and not seat.revoked}


async def test_an_appointment_becomes_a_session_with_a_link_for_each_patient(practice: Practice) -> None:
    truth = entered(practice)
    assert await practice.mirror.hear("a1") == "followed"
    view = await session_of(practice)
    assert (view.room.owner, view.door.opens_at_ms, view.door.closes_at_ms) == ("ana", truth.start_ms, truth.end_ms)
    assert set(await guests(practice)) == {"Patient/1", "Patient/2"}


async def test_a_moved_appointment_keeps_every_link(practice: Practice) -> None:
    truth = entered(practice)
    await practice.mirror.hear("a1")
    before = await guests(practice)
    truth.start_ms += HOUR_MS
    await practice.mirror.hear("a1")
    assert (await session_of(practice)).door.opens_at_ms == truth.start_ms
    assert await guests(practice) == before


async def test_a_patient_who_cancels_loses_their_seat_and_nobody_else_theirs(practice: Practice) -> None:
    truth = entered(practice)
    await practice.mirror.hear("a1")
    before = await guests(practice)
    truth.patients["1"] = "Cancelled (no charge)"
    await practice.mirror.hear("a1")
    assert await guests(practice) == {"Patient/2": before["Patient/2"]}
    assert (await session_of(practice)).status == "scheduled"


async def test_when_nobody_comes_the_session_is_cancelled_and_booked_again_it_has_new_links(practice: Practice) -> None:
    truth = entered(practice, patients={"1": "booked"})
    await practice.mirror.hear("a1")
    before = await guests(practice)
    truth.patients["1"] = "cancelled"
    assert await practice.mirror.hear("a1") == "nobody_comes"
    assert (await session_of(practice)).status == "cancelled"
    truth.patients["1"] = "booked"
    await practice.mirror.hear("a1")
    assert (await session_of(practice)).status == "scheduled"
    assert not set(before.values()) & set((await guests(practice)).values())


async def test_attended_says_nothing(practice: Practice) -> None:
    truth = entered(practice)
    await practice.mirror.hear("a1")
    before = (await session_of(practice)).etag
    truth.patients = dict.fromkeys(truth.patients, "attended")
    await practice.mirror.hear("a1")
    assert (await session_of(practice)).etag == before


async def test_given_to_another_clinic_it_stands_there_alone(practice: Practice) -> None:
    truth = entered(practice)
    await practice.mirror.hear("a1")
    truth.role = f"PR-{practice.name}-west-ben"
    await practice.mirror.hear("a1")
    assert (await session_of(practice, "east")).status == "cancelled"
    assert (await session_of(practice, "west")).status == "scheduled"


async def test_deleted_or_no_video_consultation_any_more_it_is_cancelled(practice: Practice) -> None:
    truth = entered(practice)
    for change, undo in (({"is_deleted": True}, {"is_deleted": False}), ({"place": "clinic"}, {"place": "online"})):
        await practice.mirror.hear("a1")
        assert (await session_of(practice)).status == "scheduled"
        vars(truth).update(change)
        await practice.mirror.hear("a1")
        assert (await session_of(practice)).status == "cancelled"
        vars(truth).update(undo)


async def test_moved_into_the_past_its_session_of_tomorrow_is_cancelled(practice: Practice) -> None:
    truth = entered(practice)
    await practice.mirror.hear("a1")
    truth.start_ms -= 10 * 24 * HOUR_MS
    await practice.mirror.hear("a1")
    assert (await session_of(practice)).status == "cancelled"


@pytest.mark.parametrize("tells_updates", [True, False], ids=["by its time of change", "by when it was asked for"])
async def test_older_news_never_undo_newer(practice: Practice, tells_updates: bool) -> None:
    practice.halaxy.tells_updates = tells_updates
    truth = entered(practice)
    old = News("a1", practice.halaxy.resource(truth), practice.mirror.scheduling.now_ms() - 1000)
    truth.start_ms += HOUR_MS
    practice.halaxy.changed(truth)
    await practice.mirror.hear("a1")
    assert await practice.mirror.follow(old) == "older"
    assert (await session_of(practice)).door.opens_at_ms == truth.start_ms


async def test_a_list_that_breaks_off_changes_nothing(practice: Practice) -> None:
    entered(practice)
    await practice.mirror.hear("a1")
    practice.halaxy.breaks_at_page = 2
    for n in range(8):
        practice.halaxy.enter(replace(practice.halaxy.truth["a1"], id=f"b{n}"))
    del practice.halaxy.truth["a1"]
    with pytest.raises(HalaxyAway):
        await reconcile(practice.mirror)
    assert (await session_of(practice)).status == "scheduled"


async def test_an_empty_list_is_not_believed_where_many_sessions_stand(practice: Practice) -> None:
    for n in range(10):
        practice.halaxy.enter(replace(entered(practice), id=f"b{n}"))
    await reconcile(practice.mirror)
    practice.halaxy.truth.clear()
    with pytest.raises(HalaxyAway, match="empty"):
        await reconcile(practice.mirror)
    assert (await session_of(practice)).status == "scheduled"


async def test_an_answer_of_another_shape_changes_nothing(practice: Practice) -> None:
    entered(practice)
    await practice.mirror.hear("a1")
    resource = practice.halaxy.resource(practice.halaxy.truth["a1"])
    for broken in ({**resource, "start": "tomorrow"}, {**resource, "participant": None}, {"id": "a1"}):
        news = News("a1", broken, practice.mirror.scheduling.now_ms() + 1000)
        assert await practice.mirror.follow(news) == "unreadable"
    assert (await session_of(practice)).status == "scheduled"


async def test_a_second_poll_finds_nothing_to_do(practice: Practice) -> None:
    entered(practice)
    assert await reconcile(practice.mirror) == {"followed": 1, "same": 0}
    assert await reconcile(practice.mirror) == {"same": 1}


async def test_sessions_that_others_made_are_left_alone(practice: Practice) -> None:
    clinic = f"{practice.name}-east"
    start_ms = practice.now_ms + HOUR_MS
    new = NewSession(clinic, "ana", start_ms, start_ms + HOUR_MS, reference="another-scheduler-1")
    view, _ = await practice.mirror.scheduling.put_by_reference(clinic, new.reference, new, actor="test")
    await reconcile(practice.mirror)
    assert (await practice.mirror.scheduling.get(view.id)).status == "scheduled"


async def test_what_people_wrote_is_neither_kept_nor_logged(
    practice: Practice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    entered(practice)
    assert SECRET_WORDS in str(practice.halaxy.resource(practice.halaxy.truth["a1"]))
    ledger, log = practice.mirror.scheduling.parts.ledger, logging.getLogger("test")
    work = HalaxyWork(practice.mirror, Hints(), ledger, 120, log)
    assert await work.poll_if_due()
    (line,) = [record for record in caplog.records if record.message == "halaxy_poll"]
    assert only_known_fields(line, "info", {"reason": vars(line)["reason"]}) == {"reason": "1 followed"}
    kept = await everything(practice)
    assert "Patient/1" in kept
    for told in (kept, caplog.text):
        assert SECRET_WORDS not in told
        assert "Mrs Example" not in told
    assert "Patient/1" not in caplog.text


async def everything(practice: Practice) -> str:
    """All that the store holds, as text."""
    command = practice.mirror.scheduling.parts.doors.store.command
    kinds = {"string": ("GET",), "hash": ("HGETALL",), "stream": ("XRANGE", "-", "+"), "zset": ("ZRANGE", "0", "-1")}
    found = []
    for key in await command("KEYS", "*"):
        read, *tail = kinds[str(await command("TYPE", key))]
        found.append(str(await command(read, key, *tail)))
    return "".join(found)


async def until_polled(work: HalaxyWork) -> None:
    async with asyncio.timeout(5):
        while not await work.poll_if_due():  # noqa: ASYNC110 - a lease ends without a word
            await asyncio.sleep(0.05)


# --- work -----------------------------------------------------------------------------------------------------
async def test_one_replica_polls_and_the_next_once_the_interval_is_over(practice: Practice) -> None:
    ledger = practice.mirror.scheduling.parts.ledger
    one, other = (HalaxyWork(practice.mirror, Hints(), ledger, 1, logging.getLogger("test")) for _ in range(2))
    assert [await one.poll_if_due(), await other.poll_if_due(), await one.poll_if_due()] == [True, False, False]
    await until_polled(other)


async def test_a_poll_that_fails_is_made_again_after_the_interval_and_stops_nothing(practice: Practice) -> None:
    practice.halaxy.breaks_at_page = 1
    work = HalaxyWork(practice.mirror, Hints(), practice.mirror.scheduling.parts.ledger, 1, logging.getLogger("test"))
    assert not await work.poll_if_due()
    practice.halaxy.breaks_at_page = 0
    await until_polled(work)


async def test_a_hint_is_followed_once_however_often_it_came(practice: Practice) -> None:
    entered(practice)
    hints = Hints()
    work = HalaxyWork(practice.mirror, hints, practice.mirror.scheduling.parts.ledger, 120, logging.getLogger("test"))
    for _ in range(3):
        hints.add("a1")
    assert len(hints) == 1
    assert await work.follow_hint() == "followed"
