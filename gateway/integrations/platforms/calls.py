"""What the gateway asks of the platform: open a room, send somebody out, end a call, say who is there.

Rule that holds here: a request is made of the operator's template and of facts, each written so that it stays a fact.
Every call has a deadline, follows no redirect and reads little. What came of it is a value; nothing here raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from gateway.config.platform_sections import On
from gateway.edge.away import UpstreamAway
from gateway.edge.platform_client import PlatformClient
from gateway.integrations.platforms.answers import find_values
from gateway.integrations.platforms.rendering import Prepared, Request
from rules.templates import Unfilled

AT_ONCE = 8
NAMES = ("participant", "connection")


class CallOutcome(StrEnum):
    """What came of one call; the labels of gateway_platform_calls_total."""

    DONE = "done"
    REFUSED = "refused"  # it answered otherwise than it should
    UNANSWERED = "unanswered"
    NOT_MADE = "not_made"  # a fact is missing, or cannot be written where it should stand
    GIVEN_UP = "given_up"  # of a removal or an end, after all its tries


@dataclass(frozen=True, slots=True)
class Named:
    """What the platform calls somebody; the latest names last."""

    participants: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of all calls of one kind. `made`: how many the platform was sent."""

    done: bool
    made: int = 0
    found: Mapping[str, str] = field(default_factory=dict)
    answers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Answered:
    outcome: CallOutcome
    text: str = ""


class PlatformCalls:
    """The calls of the present configuration. `count` is told the kind and the outcome of each."""

    def __init__(
        self, calls: Callable[[], Sequence[Prepared]], client: PlatformClient, count: Callable[[str, str], None]
    ) -> None:
        self._calls = calls
        self._client = client
        self._count = count

    def has(self, on: On) -> bool:
        """Whether there is anything to ask on this occasion."""
        return any(call.given.on == on for call in self._calls())

    def finds(self, on: On) -> frozenset[str]:
        """The names of what is kept of the platform's answers: with any, it, not we, names what is asked for."""
        return frozenset(name for call in self._calls() if call.given.on == on for name in call.given.find)

    async def make(self, on: On, facts: Mapping[str, str], people: Sequence[Named] = ()) -> Result:
        """All calls of one kind, in their order, whatever becomes of each; `people` are those that they are about.

        A call that names {participant}, or is for each connection, is made for every such name that is known.
        """
        done, made, found, answers = True, 0, dict[str, str](), list[str]()
        for call in self._calls():
            if call.given.on != on:
                continue
            for answered in await self._every(call, facts, people):
                done &= answered.outcome is CallOutcome.DONE
                made += answered.outcome is not CallOutcome.NOT_MADE
                answers.append(answered.text)
                if on == "open" and call.given.find and answered.outcome is CallOutcome.DONE:
                    values = find_values(call.given.find, answered.text)
                    done &= len(values) == len(call.given.find)
                    found |= values
            if on == "open" and not done:
                break  # what follows rests on it
        return Result(done, made, found, answers)

    async def _every(self, call: Prepared, facts: Mapping[str, str], people: Sequence[Named]) -> list[_Answered]:
        about = list(_variants(call, facts, people))
        answered = list[_Answered]()
        for first in range(0, len(about), AT_ONCE):
            answered += await asyncio.gather(*(self._once(call, each) for each in about[first : first + AT_ONCE]))
        return answered

    async def _once(self, call: Prepared, facts: Mapping[str, str]) -> _Answered:
        answered = await self._ask(call, facts)
        self._count(call.given.on, answered.outcome.value)
        return answered

    async def _ask(self, call: Prepared, facts: Mapping[str, str]) -> _Answered:
        try:
            request: Request = call.render(facts)
            absent = call.absent(facts)
        except Unfilled:
            return _Answered(CallOutcome.NOT_MADE)
        try:
            answer = await self._client.ask(request.method, request.url, request.headers, request.body)
        except UpstreamAway:
            return _Answered(CallOutcome.UNANSWERED)
        text = answer.body.decode(errors="replace")
        is_good = call.given.is_good(answer.status, text) and not (absent and absent in text)
        return _Answered(CallOutcome.DONE if is_good else CallOutcome.REFUSED, text)


def _variants(call: Prepared, facts: Mapping[str, str], people: Sequence[Named]) -> Iterator[Mapping[str, str]]:
    """The facts of each request that a call comes to."""
    if not people or not (call.names_participant or call.given.each or call.names_connection):
        yield facts
        return
    for person in people:
        participants = person.participants if call.names_participant else ("",)
        each = person.connections if call.given.each else person.connections[-1:]
        connections = each if call.given.each or call.names_connection else ("",)
        for participant, connection in product(participants, connections):
            known = zip(NAMES, (participant, connection), strict=True)
            yield {**facts, **{name: value for name, value in known if value}}
