"""Asking Halaxy: one token at a time, within the budget, again where that may help.

Rule that holds here: only GET, but for the token; nothing is followed to another address; an answer that is not what
its documentation says raises HalaxyAway and never looks like an empty one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from gateway.integrations.halaxy.appointments import Resource, id_of
from gateway.integrations.halaxy.budget import TOO_MANY, Budget, Clock

TOKEN_S = 14 * 60.0  # its documentation says 15 minutes beside an expires_in of an hour
TRIES = 6
PAGE = 100
MOST_PAGES = 50  # of one day
DEADLINE_S = 30
MOST_BYTES = 8 << 20
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, GONE, FAILED = 200, 401, 403, 404, 410, 500


class HalaxyAway(Exception):
    """Halaxy did not answer, or not in a way that can be used. The next poll asks again."""

    def __init__(self, kind: str, status: int = 0) -> None:
        self.kind = kind
        self.status = status
        super().__init__(f"{kind}{f' {status}' if status else ''}")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read whole. Names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """The JSON object. Raises HalaxyAway."""
        try:
            found = json.loads(self.body)
        except ValueError:
            raise HalaxyAway("unreadable", self.status) from None
        if not isinstance(found, dict):
            raise HalaxyAway("unreadable", self.status)
        return found


Transport = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to ask, and who asks."""

    base_url: str  # "https://au-api.halaxy.com/main"
    client_id: str
    client_secret: str
    user_agent: str


def transport_over(session: ClientSession) -> Transport:
    """Requests over the network. Raises HalaxyAway."""

    async def send(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        timeout = ClientTimeout(total=DEADLINE_S)
        try:
            async with session.request(
                method, url, headers=dict(headers), data=body or None, allow_redirects=False, timeout=timeout
            ) as answer:
                read = bytearray()
                async for chunk in answer.content.iter_chunked(1 << 16):
                    read += chunk
                    if len(read) > MOST_BYTES:
                        raise HalaxyAway("too large", answer.status)
                return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, bytes(read))
        except (ClientError, TimeoutError, OSError):
            raise HalaxyAway("unreachable") from None

    return send


class Client:
    """One account at Halaxy."""

    def __init__(self, account: Account, transport: Transport, budget: Budget, clock: Clock) -> None:
        self._account = account
        self._send = transport
        self._budget = budget
        self._clock = clock
        self._token = ""
        self._token_until = float("-inf")
        self._signing_in = asyncio.Lock()

    async def appointment(self, appointment_id: str) -> Resource | None:
        """An appointment as it is now; none for one that was deleted. Raises HalaxyAway."""
        return await self._resource("Appointment", appointment_id)

    async def service_name(self, service_id: str) -> str:
        """The name of a HealthcareService; empty for none. Raises HalaxyAway."""
        found = await self._resource("HealthcareService", service_id)
        return str(found.get("name", "")) if found is not None else ""

    async def _resource(self, kind: str, name: str) -> Resource | None:
        reply = await self._get(f"{kind}/{quote(name, safe='')}")
        if reply.status in {NOT_FOUND, GONE}:
            return None
        document = _good(reply).document()
        if document.get("resourceType") != kind or id_of(document) != name:
            raise HalaxyAway("unreadable", reply.status)
        return document

    async def appointments_on(self, day: date) -> AsyncIterator[Resource]:
        """The appointments of a day by Halaxy's reckoning. Raises HalaxyAway, also in the middle."""
        for page in range(1, MOST_PAGES + 1):
            query = urlencode({"date": f"eq{day.isoformat()}", "_count": PAGE, "page": page, "_sort": "date"})
            bundle = _good(await self._get(f"Appointment?{query}")).document()
            entries = bundle.get("entry", [])
            if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
                raise HalaxyAway("unreadable")
            for entry in entries:
                resource = entry.get("resource") if isinstance(entry, dict) else None
                if isinstance(resource, dict) and resource.get("resourceType") == "Appointment":
                    yield resource
            if not entries or not (_has_next(bundle) or len(entries) >= PAGE):
                return
        raise HalaxyAway("too many pages")

    async def _get(self, path: str) -> Reply:
        """The answer to a GET, asked again while that may help. Raises HalaxyAway."""
        pause_s, status = 1.0, 0
        for _ in range(TRIES):
            token = await self._signed_in()
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
            reply = await self._ask("GET", path, headers, b"")
            status = reply.status
            if _is_expired(reply):
                self._forget(token)
            elif status == TOO_MANY:
                continue  # the budget waits as long as it was told
            elif status >= FAILED:
                await self._clock.sleep(pause_s)
                pause_s *= 2
            else:
                return reply
        raise HalaxyAway("refused", status)

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        await self._budget.take()
        own = {"User-Agent": self._account.user_agent, **headers}
        reply = await self._send(method, f"{self._account.base_url}/{path}", own, body)
        self._budget.heard(reply.status, reply.headers)
        return reply

    # --- tokens -------------------------------------------------------------------------------------------------
    async def _signed_in(self) -> str:
        async with self._signing_in:
            if self._clock.now() >= self._token_until:
                await self._sign_in()
            return self._token

    async def _sign_in(self) -> None:
        account = self._account
        asked = {
            "grant_type": "client_credentials",
            "client_id": account.client_id,
            "client_secret": account.client_secret,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        body = urlencode(asked).encode()
        reply = await self._ask("POST", "oauth/token", headers, body)
        for _ in range(TRIES):
            if reply.status == TOO_MANY:
                reply = await self._ask("POST", "oauth/token", headers, body)
        began = self._clock.now()
        if reply.status >= FAILED:
            raise HalaxyAway("refused", reply.status)
        if reply.status != OK:
            raise HalaxyAway("credentials", reply.status)
        document = reply.document()
        token, good_for_s = document.get("access_token"), document.get("expires_in")
        if not isinstance(token, str) or not token:
            raise HalaxyAway("unreadable", reply.status)
        told_s = float(good_for_s) - 60 if isinstance(good_for_s, (int, float)) else TOKEN_S
        self._token, self._token_until = token, began + max(30.0, min(TOKEN_S, told_s))

    def _forget(self, token: str) -> None:
        if token == self._token:  # else somebody has signed in since
            self._token_until = float("-inf")


def _good(reply: Reply) -> Reply:
    if reply.status != OK:
        raise HalaxyAway("refused", reply.status)
    return reply


def _is_expired(reply: Reply) -> bool:
    """401, or another refusal whose OperationOutcome says `expired`."""
    if reply.status == UNAUTHORIZED:
        return True
    return reply.status in {400, FORBIDDEN} and b'"expired"' in reply.body


def _has_next(bundle: Mapping[str, Any]) -> bool:
    links = bundle.get("link")
    return isinstance(links, list) and any(isinstance(each, dict) and each.get("relation") == "next" for each in links)
