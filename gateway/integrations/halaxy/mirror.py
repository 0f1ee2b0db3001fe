"""One appointment's session: made, moved, given other seats or cancelled until it is what the appointment says.

Rule that holds here: older news never undoes newer, whichever way it came. All changes go through Scheduling, by a
reference of the appointment's own, so that the same news again changes nothing.
"""

from __future__ import annotations

import asyncio
from typing import assert_never
from weakref import WeakValueDictionary

from gateway.api.scheduling import Scheduling
from gateway.api.values import NewSession
from gateway.errors import ProblemError
from gateway.integrations.halaxy.appointments import (
    Mapped,
    Resource,
    Telehealth,
    Unreadable,
    Unwanted,
    Wanted,
    Why,
    read_appointment,
    service_of,
)
from gateway.integrations.halaxy.client import Client
from gateway.integrations.halaxy.news import News
from gateway.store import Ledger
from rules.events import Invited
from rules.model import Status

ACTOR = "halaxy"
KIND = "halaxy"  # of what is remembered
PREFIX = "halaxy:"  # of references, before the appointment's id
KEPT_S = 10 * 86_400  # older news than this cannot come any more
CANNOT_BE = frozenset({403, 404, 422})
Meaning = Wanted | Unwanted | Unreadable


class Mirror:
    """One account's appointments as sessions. Methods raise HalaxyAway, StoreAway, StoreFull."""

    def __init__(self, client: Client, mapped: Mapped, scheduling: Scheduling, ledger: Ledger) -> None:
        self.client = client
        self.mapped = mapped
        self.scheduling = scheduling
        self._ledger = ledger
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._services: dict[str, str] = {}

    async def hear(self, appointment_id: str) -> str:
        """Something may have happened to an appointment: look at it, and follow. What became of it, in a word."""
        lock = self._locks.setdefault(appointment_id, asyncio.Lock())
        async with lock:
            asked_at_ms = self.scheduling.now_ms()
            found = await self.client.appointment(appointment_id)
            return await self._follow(News(appointment_id, found, asked_at_ms))

    async def follow(self, news: News) -> str:
        """Make its session what the news say, unless newer ones were followed. What became of it, in a word."""
        lock = self._locks.setdefault(news.id, asyncio.Lock())
        async with lock:
            return await self._follow(news)

    async def meaning(self, appointment: Resource) -> Meaning:
        """What an appointment asks for; asks for its HealthcareService's name where that decides."""
        if self.mapped.telehealth is Telehealth.SERVICE_NAME:
            service = service_of(appointment)
            if service and service not in self._services:
                self._services[service] = await self.client.service_name(service)
        return read_appointment(appointment, self.mapped, self._services)

    def forget_services(self) -> None:
        """Their names may have been changed since."""
        self._services.clear()

    async def _follow(self, news: News) -> str:
        known = await self._ledger.recall(KIND, news.id)
        if known is not None and news.is_older_than(known):
            return "older"
        gone = Unwanted(Why.GONE)
        meaning = await self.meaning(news.appointment) if news.appointment is not None else gone
        match meaning:
            case Unreadable():
                return "unreadable"
            case Unwanted(why):
                await self._cancel(news.id, self.mapped.clinics)
                done = why.value
            case Wanted():
                done = await self._put(news.id, meaning)
                await self._cancel(news.id, self.mapped.clinics - {meaning.clinic})
            case _:
                assert_never(meaning)
        await self._ledger.replace(KIND, news.id, news.text, KEPT_S)
        return done

    async def _put(self, appointment_id: str, wanted: Wanted) -> str:
        new = session_of(appointment_id, wanted)
        try:
            await self.scheduling.put_by_reference(new.clinic, new.reference, new, actor=ACTOR)
        except ProblemError as refused:
            # Its time has passed, there is no such room, the plan has no sessions: what there was is not it any more.
            if refused.problem.status in CANNOT_BE:
                await self._cancel(appointment_id, frozenset({wanted.clinic}))
            return str(refused.problem.extra.get("reason", refused.problem.slug))
        return "followed"

    async def _cancel(self, appointment_id: str, clinics: frozenset[str]) -> None:
        for clinic in clinics:
            try:
                view = await self.scheduling.by_reference(clinic, PREFIX + appointment_id)
                if view.door.status is Status.OPEN:
                    await self.scheduling.cancel(view.id, actor=ACTOR)
            except ProblemError:  # there is none, or it ended a moment ago
                continue


def session_of(appointment_id: str, wanted: Wanted) -> NewSession:
    """The session of an appointment: nothing in it but slugs, times and references."""
    return NewSession(
        clinic=wanted.clinic,
        owner=wanted.owner,
        opens_at_ms=wanted.opens_at_ms,
        closes_at_ms=wanted.closes_at_ms,
        guests=tuple(Invited("", patient) for patient in wanted.patients),
        reference=PREFIX + appointment_id,
    )
