"""Webhook endpoints as recipients: each event is posted to them, signed.

Rule that holds here: any answer but a good one is tried again, for three days; one that says it is gone is believed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.integrations.egress import Undelivered
from gateway.integrations.letters import Letter, Outcome
from gateway.integrations.webhooks import kind_of, next_try_ms, render, sign
from gateway.store import Endpoint, Hooks
from rules.model import Millis

LEASE_MS = 30_000
PARALLEL = 4
GOOD = range(200, 300)
GONE = 410

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Postman:
    """What endpoints are told with."""

    post: Post
    count: Callable[[str], None]
    now_ms: Callable[[], Millis]
    log: logging.Logger

    def to(self, endpoint: Endpoint) -> EndpointRecipient:
        """This endpoint, to be delivered to."""
        return EndpointRecipient(endpoint, self)

    async def open_endpoints(self, hooks: Hooks) -> dict[str, EndpointRecipient]:
        """Every endpoint that is not gone, by its id. Raises StoreAway."""
        closed = await hooks.closed()
        return {each.id: self.to(each) for each in await hooks.endpoints() if each.id not in closed}


@dataclass(frozen=True, slots=True)
class EndpointRecipient:
    """One endpoint."""

    endpoint: Endpoint
    postman: Postman
    lease_ms: Millis = LEASE_MS
    parallel: int = PARALLEL
    sweep_ms: Millis = 0

    @property
    def id(self) -> str:
        """The endpoint's."""
        return self.endpoint.id

    @property
    def clinic(self) -> str:
        """The endpoint's; empty: all."""
        return self.endpoint.clinic

    @property
    def since_ms(self) -> Millis:
        """An endpoint hears of what happens after it was made."""
        return self.endpoint.created_at_ms

    def wants(self, letter: Letter) -> bool:
        """Whether the event is of a kind that it asked for."""
        kind = kind_of(letter.event)
        return kind is not None and (not self.endpoint.events or kind in self.endpoint.events)

    def lane_of(self, letter: Letter) -> str:
        """The events of one door come in order."""
        return letter.door

    def next_try_ms(self, tries: int, now_ms: Millis, chance: float) -> Millis | None:
        """After 5 s, 5 min, 30 min ... as `webhooks` has it."""
        return next_try_ms(tries, now_ms, chance)

    async def deliver(self, letter: Letter, attempt: int) -> Outcome:
        """Post it."""
        body = render(letter)
        headers = sign(letter.id, body, self.endpoint.secrets, self.postman.now_ms())
        log = self.postman.log
        try:
            status = await self.postman.post(self.endpoint.url, headers, body)
        except Undelivered as fault:
            log.info("webhook not delivered", extra={"kind": fault.kind, "attempt": attempt})
            return Outcome.RETRIED
        if status in GOOD:
            return Outcome.DELIVERED
        log.info("webhook refused", extra={"status": status, "attempt": attempt})
        return Outcome.GONE if status == GONE else Outcome.RETRIED

    def note(self, _letter: Letter, outcome: Outcome) -> None:
        """Count it."""
        self.postman.count(outcome.value)
        if outcome is Outcome.GONE:
            self.postman.log.warning("a webhook endpoint is gone: nothing more is sent there")
