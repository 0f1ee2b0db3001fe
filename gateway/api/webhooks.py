"""/v1/webhooks: endpoints that hear of events, their secrets, and replays.

Rule that holds here: a secret is shown when it is made and never again. Whoever may see one clinic alone has endpoints
of that clinic alone, and no other is there for them.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from gateway.api.events import read_place
from gateway.api.fields import Document, Shown, ShownInstant, Slug
from gateway.api.idempotency import Ids, Work
from gateway.api.keys import Scope
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import invalid, unknown
from gateway.errors import FieldFault, Problem, ProblemError
from gateway.integrations.egress import LONGEST_URL, egress_rules
from gateway.integrations.replay import Replay
from gateway.integrations.webhooks import NAMES, make_secret, rotated
from gateway.store import Endpoint, Hooks, Secret, Trail, stream_of
from gateway.store.keys import is_identifier
from rules.views import instant

DAY_S = 86_400
MOST_IDS = 50

Kind = Literal[
    "knock", "admitted", "denied", "inside", "left", "host.absent", "session.scheduled", "session.changed",
    "session.cancelled", "session.ended", "session.overtime",
]  # fmt: skip


def _each_once(kinds: list[str]) -> list[str]:
    return [name for name in NAMES if name in kinds]


class WebhookIn(Document):
    """An endpoint to be made."""

    url: str = Field(max_length=LONGEST_URL, examples=["https://scheduler.example.org/hooks"])
    events: Annotated[list[Kind], Field(min_length=1, max_length=100), AfterValidator(_each_once)] | None = Field(
        None, description="Left out: every kind."
    )
    clinic: Slug | None = Field(None, description="Left out: every clinic that the key may see.")


class RotateIn(Document):
    """How a secret is changed."""

    former_good_s: int = Field(DAY_S, ge=0, le=7 * DAY_S, description="How long deliveries bear both signatures.")


class ReplayIn(Document):
    """What to deliver once more: one of the three."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["after"], "properties": {"after": {"type": "string"}}},
                {"required": ["ids"], "properties": {"ids": {"type": "array"}}},
                {"required": ["dead"], "properties": {"dead": {"type": "boolean"}}},
            ]
        }
    )

    after: str | None = Field(None, max_length=200, description="All after a cursor of /v1/events or an RFC 3339 time.")
    ids: list[Annotated[str, Field(pattern=r"^ev_[0-9A-Za-z]{1,40}$")]] | None = Field(
        None, min_length=1, max_length=MOST_IDS
    )
    dead: Literal[True] | None = Field(None, description="All that were given up.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(each is not None for each in (self.after, self.ids, self.dead)) != 1:
            raise ValueError("must hold one of after, ids and dead")
        return self


class Webhook(Shown):
    """An endpoint."""

    id: str
    url: str
    clinic: str | None
    events: list[str]
    status: Literal["active", "gone"] = Field(description="gone: it answered 410; a replay makes it active again.")
    created_at: ShownInstant
    dead: int = Field(description="Deliveries given up, kept for 30 days.")


class WebhookMade(Webhook):
    """An endpoint with its new secret."""

    secret: str = Field(description="Shown this once: check signatures with it.")


class Webhooks(Shown):
    """All endpoints."""

    webhooks: list[Webhook]


class Replayed(Shown):
    """What became of the request for a replay."""

    unknown: list[str] = Field(description="Ids of no event that this endpoint may hear of.")


def _hooks(call: ApiCall) -> Hooks:
    return Hooks(call.parts.doors.store)


async def _find(call: ApiCall, endpoint_id: str) -> Endpoint:
    endpoint = await _hooks(call).endpoint(endpoint_id) if is_identifier(endpoint_id) else None
    if endpoint is None or call.within not in {"", endpoint.clinic}:
        raise unknown("webhook")
    return endpoint


async def _document(call: ApiCall, endpoint: Endpoint, closed: Container[str] | None = None) -> dict[str, Any]:
    hooks = _hooks(call)
    gone = await hooks.closed() if closed is None else closed
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "clinic": endpoint.clinic or None,
        "events": list(endpoint.events or NAMES),
        "status": "gone" if endpoint.id in gone else "active",
        "created_at": instant(endpoint.created_at_ms),
        "dead": await hooks.count_dead(endpoint.id),
    }


async def _show_secret(call: ApiCall, status: int, ids: Ids) -> Answer:
    endpoint = await _find(call, ids["webhook"])
    document = {**await _document(call, endpoint), "secret": endpoint.secrets[0].text}
    headers = {"Location": f"/v1/webhooks/{endpoint.id}"} if status == 201 else {}  # noqa: PLR2004
    return Answer(status, document, headers)


async def create(call: ApiCall) -> Answer:
    """Make an endpoint."""
    asked: WebhookIn = call.body
    clinic, hooks = asked.clinic or call.within, _hooks(call)
    if not call.sees(clinic):
        raise unknown("clinic")

    async def choose() -> Ids:
        fault = egress_rules(call.parts.config.webhooks).url_fault(asked.url)
        if fault is not None:
            raise invalid([FieldFault("url", fault)])
        if clinic:
            await call.scheduling.clinic(clinic)
        if len(await hooks.endpoints()) >= call.parts.config.webhooks.endpoints:
            raise ProblemError(Problem("too-many-webhooks", 409, "There are as many endpoints as there may be."))
        return {"webhook": call.parts.doors.identifiers.endpoint()}

    async def do(ids: Ids, _operation: str) -> Ids:
        if await hooks.endpoint(ids["webhook"]) is None:
            secrets, now_ms = (Secret(make_secret()),), call.scheduling.now_ms()
            events = tuple(asked.events or ())
            await hooks.put(Endpoint(ids["webhook"], asked.url, clinic, events, secrets, now_ms, call.actor))
        return ids

    return await call.services.once.run(call, Work(do, partial(_show_secret, call, 201), choose))


async def list_webhooks(call: ApiCall) -> Answer:
    """All endpoints that the key may see."""
    seen = [each for each in await _hooks(call).endpoints() if call.within in {"", each.clinic}]
    closed = await _hooks(call).closed()
    return Answer(200, {"webhooks": [await _document(call, each, closed) for each in seen]})


async def read(call: ApiCall) -> Answer:
    """One endpoint."""
    return Answer(200, await _document(call, await _find(call, call.path["webhook"])))


async def delete(call: ApiCall) -> Answer:
    """Deliver nothing there any more."""
    endpoint = await _find(call, call.path["webhook"])
    await _hooks(call).delete(endpoint.id)
    return Answer(204)


async def rotate(call: ApiCall) -> Answer:
    """Make a new secret; the former stays good for a while."""
    asked: RotateIn = call.body

    async def choose() -> Ids:
        return {"webhook": (await _find(call, call.path["webhook"])).id}

    async def do(ids: Ids, _operation: str) -> Ids:
        endpoint = await _find(call, ids["webhook"])
        until_ms = call.scheduling.now_ms() + asked.former_good_s * 1000
        secrets = rotated(endpoint.secrets, make_secret(), until_ms)
        await _hooks(call).put(replace(endpoint, secrets=secrets))
        return ids

    return await call.services.once.run(call, Work(do, partial(_show_secret, call, 200), choose))


async def replay(call: ApiCall) -> Answer:
    """Deliver events once more, and to an endpoint that was gone again."""
    asked: ReplayIn = call.body
    endpoint = await _find(call, call.path["webhook"])
    found: list[tuple[str, str]] = []
    if asked.ids:
        found = await _clinics_of(call, endpoint, asked.ids)
    after = read_place(asked.after) if asked.after is not None else None
    if after is not None or asked.dead or found:
        await _hooks(call).ask(endpoint.id, Replay(after, tuple(found), bool(asked.dead)).text)
    await _hooks(call).reopen(endpoint.id)
    known = {event_id for _, event_id in found}
    return Answer(202, {"unknown": [each for each in asked.ids or () if each not in known]})


async def _clinics_of(call: ApiCall, endpoint: Endpoint, ids: list[str]) -> list[tuple[str, str]]:
    """Each event that is in the trail of a clinic the endpoint hears of, with that clinic."""
    trail, found = Trail(call.parts.doors.store), []
    clinics = [endpoint.clinic] if endpoint.clinic else list((await call.parts.directory.clinics(None, 1000)).slugs)
    for event_id in dict.fromkeys(ids):
        for clinic in clinics:
            if await trail.find(stream_of(clinic), event_id) is not None:
                found.append((clinic, event_id))
                break
    return found


_TAG = "Webhooks"
OPERATIONS = (
    Operation(
        "POST", "/v1/webhooks", _TAG, "Make an endpoint", Scope.WEBHOOKS_WRITE, create, {201: WebhookMade},
        body=WebhookIn, problems=(404, 409, 422, 507), headers={"Location": "Where the endpoint is."},
        description="Events are posted there as Standard Webhooks say: webhook-id, webhook-timestamp and"
        " webhook-signature, a JSON body of ids. The secret is shown in this answer alone.",
    ),
    Operation(
        "GET", "/v1/webhooks", _TAG, "List endpoints", Scope.WEBHOOKS_WRITE, list_webhooks, {200: Webhooks},
    ),
    Operation(
        "GET", "/v1/webhooks/{webhook}", _TAG, "Read an endpoint", Scope.WEBHOOKS_WRITE, read, {200: Webhook},
        problems=(404,),
    ),
    Operation(
        "DELETE", "/v1/webhooks/{webhook}", _TAG, "Delete an endpoint", Scope.WEBHOOKS_WRITE, delete, {204: None},
        problems=(404,),
    ),
    Operation(
        "POST", "/v1/webhooks/{webhook}/rotate", _TAG, "Make a new secret", Scope.WEBHOOKS_WRITE, rotate,
        {200: WebhookMade}, body=RotateIn, problems=(404, 409, 422, 507),
        description="Until the former secret's time is over, deliveries bear a signature of each.",
    ),
    Operation(
        "POST", "/v1/webhooks/{webhook}/replay", _TAG, "Deliver events once more", Scope.WEBHOOKS_WRITE, replay,
        {202: Replayed}, body=ReplayIn, problems=(404, 422, 507),
        description="All after a place in the trail, some by their ids, or all that were given up. Their ids stay.",
    ),
)  # fmt: skip
