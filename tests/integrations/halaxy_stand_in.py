"""Halaxy as its documentation tells of it, in memory: tokens, paging, a sliding minute, and announcements that suffer.

Rule that holds here: it knows nothing of the gateway, and its time is its own: whoever sleeps on its clock makes it
later. `truth` is what a practice entered; documents are made from it when asked for.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gateway.integrations.halaxy.budget import Clock
from gateway.integrations.halaxy.client import Reply

BASE = "https://au-api.halaxy.example/main"
HERE = timezone(timedelta(hours=11))  # whose midnight parts its days
STATUS = "https://terminology.halaxy.com/StructureDefinition/appointment-participant-status"
TOKEN_S = 900
SECRET_WORDS = "Mrs Example is afraid of needles"


@dataclass
class Truth:
    """An appointment as a practice entered it. Instants in Unix milliseconds."""

    id: str
    start_ms: int
    minutes: int
    role: str
    patients: dict[str, str]  # id -> status
    place: str = "telehealth"
    says_end: bool = True
    updated: int = 0
    is_deleted: bool = False

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.minutes * 60_000


@dataclass
class HalaxyStandIn:
    """One account. `faults`: the share of requests that end in 429, 500 or an expired token."""

    random: Random = field(default_factory=lambda: Random(0))
    limit: int = 500
    faults: float = 0
    tells_updates: bool = True
    most_per_page: int = 7
    breaks_at_page: int = 0
    now: float = 1_000_000.0
    truth: dict[str, Truth] = field(default_factory=dict)
    announced: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    _tokens: dict[str, float] = field(default_factory=dict)
    _times: deque[float] = field(default_factory=deque)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _shut_until: float = float("-inf")

    # --- its clock ----------------------------------------------------------------------------------------------
    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        """Time passes for everybody."""
        self.now += max(seconds, 0.001)
        await asyncio.sleep(0)

    # --- what a practice does -----------------------------------------------------------------------------------
    def enter(self, truth: Truth) -> Truth:
        self.truth[truth.id] = truth
        self.changed(truth, "appointment-created")
        return truth

    def changed(self, truth: Truth, event: str = "appointment-updated") -> None:
        """Something was changed: it is announced."""
        truth.updated = next(self._numbers)
        self.announced.append({"event": event, "bundle": announcement(truth.id)})

    def delete(self, truth: Truth) -> None:
        truth.is_deleted = True
        self.changed(truth, "appointment-deleted")

    def suffer(self) -> list[dict[str, Any]]:
        """What becomes of the announcements so far: a fifth lost, a fifth doubled, a fifth late, the rest shuffled."""
        kept: list[dict[str, Any]] = []
        late: list[dict[str, Any]] = []
        for each in self.announced:
            fate = self.random.random()
            if fate < 0.2:
                continue
            (late if fate < 0.4 else kept).append(each)
            if self.random.random() < 0.2:
                late.append(each)
        self.random.shuffle(kept)
        self.announced = late
        return kept

    # --- what it answers ----------------------------------------------------------------------------------------
    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """A request, as the client's transport."""
        await asyncio.sleep(0)
        self.requests.append((method, url, headers))
        reply = self._answer(method, urlsplit(url), headers, body)
        self.statuses.append(reply.status)
        if self.faults and self.random.random() < 0.3:
            await asyncio.sleep(0)  # answers come late, and in another order
        return reply

    def _answer(self, method: str, url: Any, headers: Mapping[str, str], body: bytes) -> Reply:
        if not headers.get("User-Agent"):
            return outcome(403, "forbidden")
        limited = self._limited()
        if limited is not None:
            return limited
        path = url.path.removeprefix("/main/")
        if (method, path) == ("POST", "oauth/token"):
            return self._token(parse_qs(body.decode()))
        if self._tokens.get(headers.get("Authorization", "").removeprefix("Bearer "), 0) <= self.now:
            return outcome(401, "expired")
        if self.faults and self.random.random() < self.faults / 3:
            self._tokens.clear()
            return outcome(self.random.choice([401, 403]), "expired")
        if self.faults and self.random.random() < self.faults / 3:
            return outcome(self.random.choice([500, 502, 503]), "exception")
        return self._found(path, parse_qs(url.query))

    def _limited(self) -> Reply | None:
        while self._times and self._times[0] <= self.now - 60:
            self._times.popleft()
        if self.now < self._shut_until or len(self._times) >= self.limit:
            return outcome(429, "throttled", {"retry-after": "7", "x-ratelimit-remaining": "0"})
        if self.faults and self.random.random() < self.faults / 3:
            self._shut_until = self.now + self.random.randint(1, 20)
            return outcome(429, "throttled", {"retry-after": str(int(self._shut_until - self.now) + 1)})
        self._times.append(self.now)
        return None

    def _token(self, asked: Mapping[str, list[str]]) -> Reply:
        wanted = {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["secret"]}
        if asked != wanted:
            return outcome(401, "login")
        token = f"token-{next(self._numbers)}"
        self._tokens[token] = self.now + TOKEN_S
        return document(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}, {})

    def _found(self, path: str, query: Mapping[str, list[str]]) -> Reply:
        kind, _, name = path.partition("/")
        left = {"x-ratelimit-limit": str(self.limit), "x-ratelimit-remaining": str(self.limit - len(self._times))}
        if kind == "HealthcareService":
            return document(200, {"resourceType": kind, "id": name, "name": "Telehealth, 50 minutes"}, left)
        if kind != "Appointment":
            return outcome(404, "not-found")
        if name:
            truth = self.truth.get(name)
            gone = truth is None or truth.is_deleted
            return outcome(404, "not-found") if gone or truth is None else document(200, self.resource(truth), left)
        if self.breaks_at_page and int(query.get("page", ["1"])[0]) >= self.breaks_at_page:
            return outcome(500, "exception")
        return document(200, self._bundle(query), left)

    def _bundle(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """A page of a day; filters it does not know are ignored without a word."""
        day = query.get("date", [""])[0].removeprefix("eq")
        found = [each for each in self.truth.values() if not each.is_deleted and here(each.start_ms)[:10] == day]
        found.sort(key=lambda each: (each.start_ms, each.id))
        count = min(int(query.get("_count", ["30"])[0]), self.most_per_page)
        first = (int(query.get("page", ["1"])[0]) - 1) * count
        link = [{"relation": "next", "url": f"{BASE}/Appointment?page=next"}] if first + count < len(found) else []
        entries = [{"resource": self.resource(each)} for each in found[first : first + count]]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": link, "entry": entries}

    def resource(self, truth: Truth) -> dict[str, Any]:
        """An appointment's document."""
        made: dict[str, Any] = {
            "resourceType": "Appointment",
            "id": truth.id,
            "description": SECRET_WORDS,
            "start": here(truth.start_ms),
            "minutesDuration": truth.minutes,
            "created": "2026-01-01T00:00:00+11:00",
            "supportingInformation": [
                {"reference": f"{BASE}/HealthcareService/7", "type": "HealthcareService"},
                {"reference": f"{BASE}/location-type/{truth.place}", "type": "location-type"},
            ],
            "participant": [
                {
                    "actor": {"reference": f"{BASE}/PractitionerRole/{truth.role}"},
                    "type": [{"coding": [{"code": "ATND"}]}],
                },
                *(participant(name, status) for name, status in truth.patients.items()),
            ],
        }
        if truth.says_end:
            made["end"] = here(truth.end_ms)
        if self.tells_updates:
            made["meta"] = {"lastUpdated": here(1_700_000_000_000 + truth.updated * 1000)}
        return made


def participant(patient: str, status: str) -> dict[str, Any]:
    """A patient of an appointment."""
    return {
        "actor": {"reference": f"{BASE}/Patient/{patient}", "type": "Patient", "display": "Mrs Example"},
        "modifierExtension": [{"url": STATUS, "valueCoding": {"code": status, "display": status.title()}}],
    }


def announcement(appointment_id: str) -> dict[str, Any]:
    """The body of a webhook."""
    focus = {"reference": f"{BASE}/Appointment/{appointment_id}", "type": "Appointment"}
    status = {"resourceType": "SubscriptionStatus", "topic": "0f5a", "notificationEvent": [{"focus": focus}]}
    return {"resourceType": "Bundle", "type": "history", "timestamp": "2026-01-01", "entry": [{"resource": status}]}


def here(at_ms: int) -> str:
    """An instant as Halaxy writes it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(HERE).isoformat()


def document(status: int, value: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
    """A JSON answer."""
    return Reply(status, headers, json.dumps(value).encode())


def outcome(status: int, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A refusal."""
    issue = [{"severity": "error", "code": code}]
    return document(status, {"resourceType": "OperationOutcome", "issue": issue}, headers or {})
