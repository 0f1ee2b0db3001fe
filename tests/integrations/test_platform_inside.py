"""Who is inside by the word of a platform, and whom no word of it brings in; on a real store."""

from __future__ import annotations

from gateway.integrations.platforms.events import What
from gateway.integrations.platforms.inside import Outcome, send_signed_out
from rules.events import Deny, Exit, LetBack, PlatformTold, Remove
from rules.model import GuestState, Policy, Role, Told
from tests.gateway.store.conftest import Make, Replica
from tests.integrations.platform_scene import ENDED, JOINED, LEFT, TTL_MS, Scene, now_ms, visitor


async def test_whoever_joined_is_inside_until_they_left(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim = await scene.admitted()
    assert await scene.told(JOINED, kim) is Outcome.JOINED
    assert (await scene.guest(kim)).state is GuestState.INSIDE
    assert await scene.told(LEFT, kim) is Outcome.LEFT
    assert (await scene.guest(kim)).state is GuestState.OUT


async def test_a_door_that_nothing_more_is_told_of_is_forgotten_though_nobody_asks(replica: Replica) -> None:
    scenes = [await Scene.make(replica, owner) for owner in ("ana", "ben")]
    for scene in scenes:
        scene.inside = scenes[0].inside
        assert await scene.told(JOINED, scene.host) is Outcome.JOINED
    assert len(scenes[0].inside._told_of) == 2
    for place in scenes[0].inside._told_of:
        scenes[0].inside._told_of[place] -= TTL_MS / 1000
    assert await scenes[1].told(JOINED, scenes[1].host, "P2") is Outcome.JOINED
    assert set(scenes[0].inside._told_of) == {(scenes[1].room.id, scenes[1].room.id)}


async def test_a_host_is_inside_by_the_platforms_word_too(replica: Replica) -> None:
    scene = await Scene.make(replica)
    assert await scene.told(JOINED, scene.host) is Outcome.JOINED
    await scene.happen(Exit(scene.host, Role.HOST, "tunnel"))
    assert (await scene.door()).hosts == (scene.host,)
    assert await scene.told(LEFT, scene.host) is Outcome.LEFT
    assert (await scene.door()).hosts == ()


async def test_whoever_came_as_a_guest_and_signed_in_since_leaves_as_what_they_came(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim = await scene.admitted()
    assert await scene.told(JOINED, kim) is Outcome.JOINED
    await scene.sent(kim, Role.HOST)
    assert await scene.told(LEFT, kim) is Outcome.LEFT
    assert await scene.there() == set()
    assert (await scene.guest(kim)).state is GuestState.OUT


async def test_a_host_whose_sign_in_has_ended_is_inside_by_no_word(replica: Replica) -> None:
    scene = await Scene.make(replica)
    assistant = visitor()
    await scene.sent(assistant, Role.HOST)
    await scene.told(JOINED, assistant)
    await scene.told(JOINED, scene.host, "P2")
    await scene.replica.directory.raise_host_generation(scene.room.id)
    await scene.facts.handed(scene.room.id, scene.room.id, scene.alias, scene.host, Role.HOST, None, generation=1)
    await send_signed_out(replica.doors, scene.facts, scene.room.id)
    assert await scene.there() == {scene.host}
    assert await scene.told(JOINED, assistant, "P3") is Outcome.REFUSED
    assert await scene.told(JOINED, scene.host, "P4") is Outcome.JOINED
    assert await scene.there() == {scene.host}


async def test_a_host_of_a_seat_signs_in_nowhere(replica: Replica) -> None:
    scene = await Scene.make(replica)
    assistant = visitor()
    await scene.facts.handed(scene.room.id, scene.room.id, scene.alias, assistant, Role.HOST, 2)
    await scene.replica.directory.raise_host_generation(scene.room.id)
    known = await scene.facts.known_of(scene.room.id, scene.room.id, assistant)
    room = await scene.replica.directory.room(scene.room.id)
    assert known is not None
    assert room is not None
    assert known.may_be(room)


async def test_whoever_stays_twice_is_inside_until_both_stays_end(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim = await scene.admitted()
    await scene.told(JOINED, kim, "P1")
    await scene.told(JOINED, kim, "P2")
    assert await scene.told(LEFT, kim, "P1") is Outcome.LEFT
    assert (await scene.guest(kim)).state is GuestState.INSIDE
    await scene.told(LEFT, kim, "P2")
    assert (await scene.guest(kim)).state is GuestState.OUT


async def test_whoever_is_connected_stays_inside_whatever_the_platform_says(replica: Replica) -> None:
    scene = await Scene.make(replica)
    await scene.told(JOINED, scene.host)
    await scene.told(LEFT, scene.host)
    await scene.told(ENDED)
    assert (await scene.door()).hosts == (scene.host,)


async def test_nobody_is_let_in_whom_the_host_did_not_let_in(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim = await scene.admitted()
    await scene.told(JOINED, kim)
    await scene.happen(Remove(kim))
    assert await scene.told(JOINED, kim, "P2") is Outcome.REFUSED
    await scene.happen(LetBack(kim))
    assert await scene.told(JOINED, kim, "P3") is Outcome.REFUSED
    lee = await scene.admitted()
    await scene.happen(Deny(lee))
    assert await scene.told(JOINED, lee, "P4") is Outcome.REFUSED
    assert await scene.there() == set()


async def test_a_removed_guest_is_not_revived_by_the_word_that_brought_them_in(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim, said_at_ms = await scene.admitted(), now_ms()
    assert await scene.told(JOINED, kim, at_ms=said_at_ms, id_="once") is Outcome.JOINED
    await scene.happen(Remove(kim))
    assert await scene.told(JOINED, kim, at_ms=said_at_ms, id_="once") is Outcome.DUPLICATE
    assert await scene.told(JOINED, kim, at_ms=said_at_ms, id_="again") is Outcome.REFUSED
    assert (await scene.guest(kim)).state is GuestState.REMOVED
    assert await scene.there() == set()


async def test_whoever_comes_past_the_gateway_after_they_were_sent_out_is_sent_out_again(make_replica: Make) -> None:
    replica = await make_replica(policy=Policy(platform_removes=True))
    await replica.furnish()
    scene = await Scene.make(replica)
    kim, before_ms = await scene.admitted(), now_ms()
    await scene.told(JOINED, kim)
    for event in (Remove(kim), PlatformTold(Told.DONE, kim)):
        await scene.happen(event)
    assert await scene.told(JOINED, kim, "P2", at_ms=before_ms) is Outcome.REFUSED
    assert (await scene.guest(kim)).removal is Told.DONE
    assert await scene.told(JOINED, kim, "P3", at_ms=now_ms() + 1000) is Outcome.REFUSED
    assert (await scene.guest(kim)).removal is Told.ASKED


async def test_unknown_rooms_and_people_are_left_alone(replica: Replica) -> None:
    scene = await Scene.make(replica)
    for what in (JOINED, LEFT):
        assert await scene.told(what, "g_nobodyknowsthem1") is Outcome.UNKNOWN
    assert await scene.told(JOINED, None) is Outcome.UNKNOWN
    for what in What:
        assert await scene.told(what, scene.host, alias="another-platforms-room") is Outcome.UNKNOWN
    assert await scene.there() == set()


async def test_somebody_of_whom_the_platform_does_not_say_who_leaves_as_well(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim, now = await scene.admitted(), now_ms()
    await scene.told(JOINED, kim, at_ms=now)
    assert await scene.told(LEFT, None, at_ms=now + 1) is Outcome.LEFT
    assert (await scene.guest(kim)).state is GuestState.OUT
    assert await scene.told(LEFT, None, "P2", at_ms=now + 1) is Outcome.LEFT
    assert await scene.told(JOINED, kim, "P2", at_ms=now) is Outcome.LATE
    assert await scene.there() == set()


async def test_the_end_of_a_call_sends_out_who_came_before_and_ends_nothing_else(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim, now = await scene.admitted(), now_ms()
    await scene.told(JOINED, kim, at_ms=now - 2000)
    await scene.told(JOINED, scene.host, "P2", at_ms=now)
    assert await scene.told(ENDED, at_ms=now - 1000) is Outcome.ENDED
    assert await scene.there() == {scene.host}
    assert await scene.told(JOINED, kim, "P3", at_ms=now - 1500) is Outcome.LATE
    assert (await scene.door()).status.value == "open"
