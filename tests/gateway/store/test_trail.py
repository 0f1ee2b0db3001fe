"""The trail: several streams are read as one, from any place on."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store import Mover, Place, Trail, stream_of
from gateway.store.keys import PARTITIONS
from rules.events import Join
from rules.model import Clinic, Room

SLUGS = ("acme", "other")
STREAMS = [stream_of(slug) for slug in SLUGS]

places = st.builds(Place, st.integers(0, 10**15 - 1), st.integers(0, 10**6), st.sampled_from(["", *STREAMS]))


@pytest.fixture
async def trail(replica) -> Trail:
    """Two clinics where three guests came by turns."""
    await replica.directory.put_clinic(Clinic("other", "Other", "professional"))
    rooms = [replica.room, await replica.directory.put_room(Room("", "other", "eve", "Eve"))]
    for number in range(6):
        room = rooms[number % 2]
        await replica.doors.change(room.id, room.id, Join(f"g_{number}"))
    for partition in range(PARTITIONS):
        await Mover(replica.store).move(partition)
    return Trail(replica.store)


@given(places)
def test_a_cursor_leads_back_to_its_place(place: Place) -> None:
    assert Place.parse(place.cursor) == place


@pytest.mark.parametrize("text", ["", "x", "ä", "=", "2026-11-22T13:00:00Z", base64.b64encode(b"1-2").decode(), "\n"])
def test_what_is_no_cursor_leads_nowhere(text: str) -> None:
    assert Place.parse(text) is None


async def test_streams_are_read_as_one_in_the_order_of_time(trail: Trail) -> None:
    found = await trail.read(STREAMS)
    assert len(found) == 6
    assert [each.place for each in found] == sorted(each.place for each in found)
    assert {each.place.stream for each in found} == set(STREAMS)


async def test_reading_on_from_any_place_brings_exactly_the_rest(trail: Trail) -> None:
    found = await trail.read(STREAMS)
    for number, each in enumerate(found):
        assert await trail.read(STREAMS, each.place) == found[number + 1 :]
        assert await trail.read(STREAMS, Place(each.place.at_ms)) == [
            other for other in found if other.place.at_ms >= each.place.at_ms
        ]
    assert await trail.read(STREAMS, limit=2) == found[:2]
    assert await trail.read(STREAMS, before_ms=found[-1].place.at_ms) == [
        other for other in found if other.place.at_ms < found[-1].place.at_ms
    ]


async def test_an_event_is_found_by_its_id_in_its_own_stream_alone(trail: Trail) -> None:
    for each in await trail.read(STREAMS):
        event_id = each.body.split('"id":"')[1].split('"')[0]
        assert await trail.find(each.place.stream, event_id) == each
        (other,) = set(STREAMS) - {each.place.stream}
        assert await trail.find(other, event_id) is None


async def test_no_clinic_has_no_events(trail: Trail) -> None:
    assert await trail.read([]) == []
    assert await trail.read([stream_of("nobody")]) == []
