from __future__ import annotations

from tests.api.callers import Caller, Place, appointment


async def test_a_session_is_made_read_moved_and_cancelled(caller: Caller) -> None:
    made = await caller.ask("POST", "/v1/sessions", appointment())
    assert made.status == 201, made.text
    where, etag = made.headers["Location"], made.headers["ETag"]
    assert (await caller.get(where)).json == made.json
    moved = await caller.ask("PATCH", where, {"title": "Review"}, {"If-Match": etag})
    assert (moved.status, moved.json["title"]) == (200, "Review")
    gone = await caller.ask("DELETE", where, headers={"If-Match": moved.headers["ETag"]})
    assert (gone.status, gone.json["status"]) == (200, "cancelled")
