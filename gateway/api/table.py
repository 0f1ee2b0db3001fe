"""Every row of the API, in the order of the reference page.

Rule that holds here: what is not in this table is not there.
"""

from __future__ import annotations

from gateway.api import calendar, clinics, doors, events, fhir, rooms, sessions, webhooks
from gateway.api.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *sessions.OPERATIONS,
    *calendar.OPERATIONS,
    *clinics.OPERATIONS,
    *rooms.OPERATIONS,
    *doors.OPERATIONS,
    *events.OPERATIONS,
    *webhooks.OPERATIONS,
    *fhir.OPERATIONS,
)
