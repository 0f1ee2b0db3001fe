"""What the scripts guarantee, asked of them directly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.store.beat import DoorBeat
from gateway.store.errors import StoreAway
from gateway.store.keys import partition_of
from rules.model import Policy

TTL_MS = 60_000


class Commits:
    """Commits at the room's door, written out by hand."""

    def __init__(self, replica: Any, server: Any) -> None:
        self.replica, self.server, self.room = replica, server, replica.room.id
        self.keys = replica.store.keys
        self.partition = partition_of(self.room)

    async def now_ms(self) -> int:
        return int((await self.replica.doors.read(self.room)).now_ms)

    async def commit(self, door: dict[str, Any] | None = None, **plan: Any) -> str:
        at_door = {"document": "{}", "ttl_ms": TTL_MS, "drop": [], "forget": [], "inside": [], "heard": []}
        whole = {"revision": 0, "now_ms": await self.now_ms(), "fresh_ms": 2_000, "ttl_ms": TTL_MS, "hint": "x y"}
        whole |= {"channel": self.keys.channel(self.partition), "fields": [], "due": [], "entries": ["e"]}
        whole |= {"unrenewed": [], "doors": [at_door | (door or {})]}
        shared = [self.keys.shared(kind, self.partition) for kind in ("due", "outbox")]
        keys = [self.keys.of("owner", self.room), *shared, *self.keys.door(self.room)]
        answer = await self.replica.store.call("commit", keys, {"plan": json.dumps(whole | plan)})
        return str(answer[0])

    def written(self) -> tuple[int, int]:
        """How many documents and outbox entries there are."""
        document, _, _ = self.keys.door(self.room)
        outbox = self.keys.shared("outbox", self.partition)
        return int(self.server.tell("EXISTS", document)), int(self.server.tell("XLEN", outbox))

    async def inside(self, *pairs: Any) -> None:
        await self.replica.store.command("ZADD", self.keys.of("in", self.room), *pairs)

    def members(self) -> dict[str, float]:
        pairs = self.server.tell("ZRANGE", self.keys.of("in", self.room), 0, -1, "WITHSCORES")
        return {name: float(score) for name, score in pairs}


@pytest.fixture
def commits(replica, server) -> Commits:
    return Commits(replica, server)


async def test_a_commit_at_the_revision_that_was_read_writes_everything(commits):
    assert await commits.commit() == "ok"
    assert commits.written() == (1, 1)


async def test_a_commit_at_another_revision_writes_nothing(commits):
    assert await commits.commit(revision=1) == "conflict"
    assert commits.written() == (0, 0)


@pytest.mark.parametrize("off_ms", [-2_500, 60_000], ids=["decided long ago", "decided in the future"])
async def test_a_commit_off_the_stores_clock_writes_nothing(commits, off_ms):
    assert await commits.commit(now_ms=await commits.now_ms() + off_ms) == "stale"
    assert commits.written() == (0, 0)


@pytest.mark.parametrize(
    ("member", "visitor", "outcome"),
    [
        ("g_1|c1|guest", "g_1", "renewed"),
        ("g_1|c1|guest", "g_2", "ok"),
        ("g_10|c1|guest", "g_1", "ok"),
        ("~alive", "", "renewed"),
        ("g_1|c1|guest", "", "ok"),
    ],
    ids=["theirs", "another's", "a longer name", "the lease", "not the lease"],
)
async def test_what_ends_only_if_unrenewed_is_held_by_a_renewal(commits, member, visitor, outcome):
    await commits.inside(500, member)
    assert await commits.commit(unrenewed=[[1, visitor, 500]]) == "ok"
    await commits.inside(501, member)
    assert await commits.commit(revision=1, unrenewed=[[1, visitor, 500]]) == outcome
    assert commits.written() == (1, 2 if outcome == "ok" else 1)


async def test_a_heartbeat_holds_what_ends_only_if_unrenewed(commits):
    await commits.replica.store.command("ZADD", commits.keys.of("wait", commits.room), 501, "g_1")
    assert await commits.commit(unrenewed=[[1, "g_1", 500]]) == "renewed"
    assert await commits.commit(unrenewed=[[1, "g_1", 501]]) == "ok"


async def test_dropping_a_visitor_forgets_all_of_theirs_and_nobody_elses(commits):
    await commits.inside(1, "g_1|a|guest", 1, "g_1|b|guest", 1, "g_10|c|guest", 1, "~alive")
    await commits.commit({"drop": ["g_1"]})
    assert set(commits.members()) == {"g_10|c|guest", "~alive"}


async def test_forgetting_one_connection_leaves_the_others(commits):
    await commits.inside(1, "g_1|a|guest", 1, "g_1|b|guest")
    await commits.commit({"forget": ["g_1|a|guest"]})
    assert set(commits.members()) == {"g_1|b|guest"}


async def test_a_lease_only_moves_up(commits):
    await commits.inside(900, "~alive")
    await commits.commit({"inside": [[800, "~alive"]]})
    assert commits.members() == {"~alive": 900}
    beat = commits.replica.doors.beats.beat
    await beat(commits.partition, [DoorBeat(commits.room, commits.room, enter=["h|c|host"], alive_until_ms=850)])
    assert "~alive" not in commits.members() or commits.members()["~alive"] == 900


async def test_a_beat_renews_only_what_still_stands(commits):
    now_ms = await commits.now_ms()
    await commits.inside(now_ms + 5_000, "live|c|guest", now_ms - 1, "lapsed|c|guest")
    renew = ["live|c|guest", "lapsed|c|guest", "dropped|c|guest"]
    answer = await commits.replica.doors.beats.beat(
        commits.partition, [DoorBeat(commits.room, commits.room, renew=renew)]
    )
    assert answer.missing == ("1 lapsed|c|guest", "1 dropped|c|guest")
    assert commits.members()["live|c|guest"] == answer.now_ms + Policy().presence_ttl_ms
    assert commits.members()["lapsed|c|guest"] == now_ms - 1


async def test_an_answer_to_somebody_elses_call_is_never_handed_over(commits, monkeypatch):
    store = commits.replica.store

    async def cross(*_: object, **__: object) -> list[str]:
        return ["another's", "ok"]

    monkeypatch.setattr(store, "_ask", cross)
    with pytest.raises(StoreAway) as told:
        await commits.replica.doors.read(commits.room)
    assert told.value.kind == "crossed"
