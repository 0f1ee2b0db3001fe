"""Asking a platform who is inside, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.integrations.platforms import asking
from gateway.integrations.platforms.asking import Asking, named_in
from gateway.integrations.platforms.events import What
from gateway.integrations.platforms.inside import OF_ANSWERS
from gateway.store import Presences, StoreAway
from rules.events import Enter, PlatformTold, Remove
from rules.model import Door, GuestState, Owner, Policy, Presence, Role, Told
from tests.gateway.store.conftest import Make, Replica
from tests.integration.people import eventually
from tests.integrations.platform_scene import Scene, now_ms


@dataclass
class Asked:
    """A platform that answers what it was told to, and remembers what it was asked."""

    answers: Sequence[str] = ()
    doors: list[str] = field(default_factory=list)

    async def __call__(self, _owner: Owner, door: Door) -> frozenset[str] | None:
        self.doors.append(door.id)
        return named_in(" ".join(self.answers)) if self.answers else None


@dataclass
class Table:
    scene: Scene
    asked: Asked
    asking: Asking
    presences: Presences

    @classmethod
    async def lay(cls, scene: Scene, ask: Asked | None = None, every_s: float = 0.0) -> Table:
        """The host is inside by a connection of this process; there is somebody to ask about."""
        asked, presences = ask or Asked(), Presences(scene.replica.doors)
        await presences.enter(scene.room.id, scene.room.id, scene.host, Role.HOST, "own")
        doors = scene.replica.doors
        return cls(scene, asked, Asking(doors, scene.facts, presences, scene.inside, asked, every_s), presences)

    async def ask_again(self) -> None:
        """Another round in which this replica's turn comes."""
        before = len(self.asked.doors)

        async def has_asked() -> bool:
            await self.asking.round()
            return len(self.asked.doors) > before

        await eventually(has_asked)

    async def signs(self) -> dict[str, Presence]:
        """Who is inside because the platform answered so."""
        return {p.visitor: p for p in (await self.scene.door()).presence if p.connection == OF_ANSWERS}


def test_words_stand_by_themselves() -> None:
    text = '<userID>g_a1</userID>,"g_b2-extra":["g_c3"] xg_d4 g_e5.'
    assert {"g_a1", "g_c3", "g_e5"} < named_in(text)
    assert not {"g_b2", "g_d4"} & named_in(text)


@pytest.mark.parametrize(
    "answer",
    [
        '{"participants": [{"identity": "g_a1", "name": "g_b2"}, {"identity": "g_c3", "metadata": {"g_d4": 1}}]}',
        "<a><attendee><identity>g_a1</identity><name>g_b2</name></attendee><identity role='x'> g_c3 </identity></a>",
        '[[{"identity": "g_a1"}], {"identity": 5, "deep": {"identity": "g_c3"}}]',
    ],
)
def test_a_name_that_people_choose_is_not_taken_for_who_they_are(answer: str) -> None:
    assert named_in(answer, "identity") == {"g_a1", "g_c3"}


async def test_whoever_stands_in_the_answer_is_inside_and_stays_so(replica: Replica) -> None:
    table = await Table.lay(await Scene.make(replica), every_s=0.01)
    kim = await table.scene.admitted()
    table.asked.answers = [f'{{"participants": ["{kim}", "{table.scene.host}7"]}}']
    await table.asking.round()
    assert set(await table.signs()) == {kim}
    assert (await table.scene.guest(kim)).state is GuestState.INSIDE
    first_ms = (await table.signs())[kim].until_ms
    await table.ask_again()
    assert (await table.signs())[kim].until_ms > first_ms  # nobody renews it but the answer


async def test_whoever_does_not_stand_there_is_left_to_lapse(replica: Replica) -> None:
    table = await Table.lay(await Scene.make(replica), every_s=0.01)
    kim = await table.scene.admitted()
    table.asked.answers = [kim]
    await table.asking.round()
    before = await table.signs()
    table.asked.answers = ["nobody"]
    await table.ask_again()
    assert await table.signs() == before
    assert len(table.asked.doors) == 2


async def test_an_answer_lets_nobody_in_whom_the_host_sent_out(replica: Replica) -> None:
    table = await Table.lay(await Scene.make(replica), every_s=0.01)
    kim = await table.scene.admitted()
    table.asked.answers = [kim]
    await table.asking.round()
    await table.scene.happen(Remove(kim))
    await table.ask_again()
    assert await table.signs() == {}
    assert (await table.scene.guest(kim)).state is GuestState.REMOVED


@pytest.mark.parametrize("hidden", ["<![CDATA[{}]]>", "<!-- {} -->", "<!-- {}", "<![CDATA[{}"])
def test_what_xml_only_quotes_names_nobody(hidden: str) -> None:
    answer = f"<id>g_a1</id><name>{hidden.format('<id>g_b2</id>')}</name><x>{'<!--' * 9000}"
    assert named_in(answer, "id") == {"g_a1"}


async def test_whoever_is_named_long_after_they_were_sent_out_is_sent_out_again(
    make_replica: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = await make_replica(policy=Policy(platform_removes=True))
    await replica.furnish()
    table = await Table.lay(await Scene.make(replica), every_s=0.01)
    kim = await table.scene.admitted()
    table.asked.answers = [kim]
    for event in (Enter(kim, Role.GUEST, "own"), Remove(kim), PlatformTold(Told.DONE, kim)):
        await table.scene.happen(event)
    await table.ask_again()
    assert (await table.scene.guest(kim)).removal is Told.DONE  # the list may be a little old
    monkeypatch.setattr(asking, "LISTS_LAG_MS", -1000)
    await table.ask_again()
    assert (await table.scene.guest(kim)).removal is Told.ASKED


async def test_whoever_was_not_sent_there_is_nobody(replica: Replica) -> None:
    scene = await Scene.make(replica)
    table = await Table.lay(scene, Asked(["g_aaaaaaaaaaaaaaaa"]), every_s=1)
    await table.asking.round()
    assert await table.signs() == {}


async def test_an_answer_names_no_host_whose_sign_in_has_ended(replica: Replica) -> None:
    scene = await Scene.make(replica)
    table = await Table.lay(scene, Asked([scene.host]), every_s=1)
    await replica.directory.raise_host_generation(scene.room.id)
    await table.asking.round()
    assert (len(table.asked.doors), await table.signs()) == (1, {})


async def test_of_several_replicas_one_asks_for_a_door(replica: Replica, make_replica: Make) -> None:
    scene = await Scene.make(replica)
    here, there = (
        await Table.lay(scene, every_s=60),
        await Table.lay(await scene.elsewhere(await make_replica()), every_s=60),
    )
    await here.asking.round()
    await there.asking.round()
    await here.asking.round()
    assert (len(here.asked.doors), len(there.asked.doors)) == (1, 0)


async def test_doors_are_asked_about_of_which_the_platform_told(replica: Replica) -> None:
    scene = await Scene.make(replica)
    asked = Asked()
    table = Asking(replica.doors, scene.facts, Presences(replica.doors), scene.inside, asked, 60)
    await table.round()
    assert asked.doors == []
    await scene.told(What.JOINED, scene.host)
    await table.round()
    assert asked.doors == [scene.room.id]
    assert scene.inside.places() == {(scene.room.id, scene.room.id)}
    await scene.told(What.ENDED, at_ms=now_ms() + 1)
    assert scene.inside.places() == set()


async def test_a_platform_that_does_not_answer_is_not_asked_for_every_door(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 1)
    monkeypatch.setattr(asking, "MOST_UNANSWERED", 2)
    presences, asked = Presences(replica.doors), Asked()
    scenes = [await Scene.make(replica, owner=f"o{number}") for number in range(4)]
    for scene in scenes:
        await presences.enter(scene.room.id, scene.room.id, scene.host, Role.HOST, "own")
    await Asking(replica.doors, scenes[0].facts, presences, scenes[0].inside, asked, 60).round()
    assert len(asked.doors) == 2


async def test_one_door_that_is_answered_slowly_holds_up_no_other(replica: Replica) -> None:
    presences, slow, released = Presences(replica.doors), asyncio.Event(), asyncio.Event()
    scenes = [await Scene.make(replica, owner=f"o{number}") for number in range(3)]
    first = min(scene.room.id for scene in scenes)
    for scene in scenes:
        await presences.enter(scene.room.id, scene.room.id, scene.host, Role.HOST, "own")

    async def ask(_owner: Owner, door: Door) -> frozenset[str]:
        if door.id == first:
            slow.set()
            await released.wait()
        return frozenset(scene.host for scene in scenes)

    work = asyncio.create_task(Asking(replica.doors, scenes[0].facts, presences, scenes[0].inside, ask, 60).round())
    await slow.wait()

    async def others_are_seen() -> bool:
        seen = [
            [p for p in (await s.door()).presence if p.connection == OF_ANSWERS] for s in scenes if s.room.id != first
        ]
        return all(seen)

    await eventually(others_are_seen)
    released.set()
    await work


async def test_a_store_that_is_away_ends_no_round(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await Table.lay(await Scene.make(replica), every_s=1)

    async def away(*_: object) -> None:
        raise StoreAway("down")

    monkeypatch.setattr(table.scene.facts, "claim", away)
    await table.asking.round()
