"""Who may do what with which key."""

from __future__ import annotations

import pytest

from gateway.api.access import NOTE_USE_MS, Keyring
from gateway.api.keys import Scope, make_key
from gateway.api.operations import Operation
from gateway.api.table import OPERATIONS
from gateway.errors import ProblemError
from gateway.store import StoreAway
from tests.api.callers import Caller, Place, appointment, instant
from tests.integration.places import now_ms

EXAMPLES = {
    "clinic": "moonrise", "owner": "dr-lee", "session": "0" * 16, "door": "0" * 16, "reference": "r", "seat": "2",
    "webhook": "wh_x", "id": "x",
}  # fmt: skip


def path_of(operation: Operation) -> str:
    path = operation.path
    for name, value in EXAMPLES.items():
        path = path.replace("{" + name + "}", value)
    return path


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic dTpw",
        "Bearer " + make_key("x", "", (), 0)[0],
        "Bearer gw_live_\u00e9" * 9,
    ],
    ids=["none", "empty", "bare", "short", "basic", "unknown", "not-ascii"],
)
async def test_without_a_key_that_is_known_everything_is_401(place: Place, authorization) -> None:
    caller = place.with_key("")
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await caller.ask("GET", "/v1/clinics", headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.json["type"].endswith(":unknown-key")


async def test_every_operation_asks_for_a_key_first_and_then_for_its_scope(place: Place) -> None:
    stranger, powerless = place.with_key(""), await place.caller("", scopes=())
    for operation in OPERATIONS:
        assert (await stranger.ask(operation.method, path_of(operation))).status == 401, operation.path
        answer = await powerless.ask(operation.method, path_of(operation))
        assert answer.status == 403, operation.path
        assert operation.scope in answer.text, operation.path


async def test_a_key_of_another_clinic_cannot_tell_what_is_there(place: Place) -> None:
    """Whatever is asked, the answer is the one for things that are nowhere."""
    theirs, caller = await place.caller("moonrise"), await place.caller("sunrise")
    made = await theirs.made(clinic="moonrise", reference="r-1")
    room = (await theirs.get("/v1/clinics/moonrise/rooms/dr-lee")).json["id"]
    pairs = [
        ("GET", "/v1/clinics/moonrise", "/v1/clinics/nowhere"),
        ("DELETE", "/v1/clinics/moonrise", "/v1/clinics/nowhere"),
        ("GET", "/v1/clinics/moonrise/rooms", "/v1/clinics/nowhere/rooms"),
        ("GET", "/v1/clinics/moonrise/rooms/dr-lee", "/v1/clinics/nowhere/rooms/dr-lee"),
        ("GET", f"/v1/sessions/{made['id']}", f"/v1/sessions/{'0' * 16}"),
        ("DELETE", f"/v1/sessions/{made['id']}", f"/v1/sessions/{'0' * 16}"),
        ("POST", f"/v1/sessions/{made['id']}/end", f"/v1/sessions/{'0' * 16}/end"),
        ("GET", f"/v1/sessions/{made['id']}/calendar.ics?seat=2", f"/v1/sessions/{'0' * 16}/calendar.ics?seat=2"),
        ("GET", "/v1/sessions/by-reference/moonrise/r-1", "/v1/sessions/by-reference/nowhere/r-1"),
        ("GET", "/v1/sessions?clinic=moonrise", "/v1/sessions?clinic=nowhere"),
        ("GET", f"/v1/doors/{made['id']}", f"/v1/doors/{'0' * 16}"),
        ("GET", f"/v1/doors/{room}", f"/v1/doors/{'0' * 16}"),
    ]
    for method, there, nowhere in pairs:
        real, void = [await caller.ask(method, path, headers={"If-Match": "*"}) for path in (there, nowhere)]
        assert real.status == void.status == 404, (there, real.text)
        assert {**real.json, "request_id": ""} == {**void.json, "request_id": ""}
    assert (await theirs.get(f"/v1/sessions/{made['id']}")).json["status"] == "scheduled"


async def test_nothing_is_written_for_another_clinic(place: Place, caller: Caller) -> None:
    theirs = await place.caller("moonrise")
    made = await theirs.made(clinic="moonrise")
    room = (await theirs.get("/v1/clinics/moonrise/rooms/dr-lee")).json["id"]
    span = {"from": instant(now_ms()), "to": instant(now_ms() + 9 * 86_400_000)}
    for method, path, body, more in (
        ("POST", "/v1/sessions", appointment(clinic="moonrise"), {}),
        ("PUT", "/v1/clinics/moonrise", {"name": "Mine", "plan": "premium"}, {}),
        ("PUT", "/v1/clinics/brand-new", {"name": "Mine", "plan": "premium"}, {}),
        ("PUT", "/v1/clinics/moonrise/rooms/dr-lee", {"name": "Mine"}, {}),
        ("POST", "/v1/clinics/moonrise/rooms/dr-lee/host-links", {}, {}),
        ("PUT", "/v1/clinics/moonrise/sessions", {"sessions": []}, {"params": span}),
        ("PATCH", f"/v1/sessions/{made['id']}", {"title": "Mine"}, {}),
        ("POST", f"/v1/sessions/{made['id']}/seats", {}, {}),
        ("POST", f"/v1/doors/{room}/actions", {"do": "lock"}, {}),
        ("POST", "/v1/presence", {"door": room, "visitor": "g_" + "a" * 16, "event": "inside", "role": "host"}, {}),
    ):
        answer = await caller.ask(method, path, body, {"If-Match": "*"}, **more)
        assert answer.status == 404, (path, answer.text)
    assert (await theirs.get(f"/v1/sessions/{made['id']}")).json["seats"] == made["seats"]


async def test_a_bound_key_sees_its_own_clinic_alone_and_a_free_one_all(place: Place, caller: Caller) -> None:
    assert [each["slug"] for each in (await caller.get("/v1/clinics")).json["clinics"]] == ["sunrise"]
    everywhere = await place.caller()
    assert [each["slug"] for each in (await everywhere.get("/v1/clinics")).json["clinics"]] == [
        "moonrise", "small", "sunrise",
    ]  # fmt: skip
    assert (await everywhere.get("/v1/sessions")).status == 422  # of which clinic?


async def test_a_key_is_good_until_it_expires_or_is_revoked(place: Place) -> None:
    assert (await (await place.caller(expires_at_ms=now_ms() - 1000)).get("/v1/clinics")).status == 401
    assert (await (await place.caller(expires_at_ms=now_ms() + 60_000)).get("/v1/clinics")).status == 200


async def test_several_keys_live_side_by_side(place: Place) -> None:
    callers = [await place.caller("sunrise") for _ in range(3)]
    assert [(await each.get("/v1/clinics")).status for each in callers] == [200] * 3


class Ledger:
    """Counts what is asked of the store."""

    def __init__(self, document: str | None, *, away: bool = False) -> None:
        self.document = document
        self.asked = 0
        self.noted: list[int] = []
        self.away = away

    async def key(self, _digest: str) -> str | None:
        self.asked += 1
        if self.away:
            raise StoreAway("down")
        return self.document

    async def note_use(self, _key_id: str, at_ms: int) -> None:
        self.noted.append(at_ms)


class TestKeyring:
    async def test_a_mistyped_key_costs_the_store_nothing(self) -> None:
        text, kept = make_key("x", "", (), 0)
        ledger = Ledger(kept.document())
        ring = Keyring(ledger, 60, lambda: 0)  # type: ignore[arg-type]
        for wrong in (text[:-1] + ("0" if text[-1] != "0" else "1"), text + "0", "Gw" + text[2:]):
            with pytest.raises(ProblemError):
                await ring.caller(f"Bearer {wrong}")
        assert ledger.asked == 0

    async def test_a_known_key_is_asked_for_once_and_its_use_noted_once_an_hour(self) -> None:
        text, kept = make_key("x", "sunrise", (Scope.DOORS_READ,), 0)
        ledger, now = Ledger(kept.document()), NOTE_USE_MS
        ring = Keyring(ledger, 60, lambda: now)  # type: ignore[arg-type]
        assert await ring.caller(f"bearer  {text}") == kept
        assert await ring.caller(f"Bearer {text}") == kept
        now += NOTE_USE_MS
        await ring.caller(f"Bearer {text}")
        await ring.settled()
        assert (ledger.asked, ledger.noted) == (1, [NOTE_USE_MS, 2 * NOTE_USE_MS])

    async def test_while_the_store_is_away_no_key_is_called_unknown(self) -> None:
        text, _ = make_key("x", "", (), 0)
        with pytest.raises(StoreAway):
            await Keyring(Ledger(None, away=True), 60, lambda: 0).caller(f"Bearer {text}")  # type: ignore[arg-type]
