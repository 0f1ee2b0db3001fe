"""Every row of the API, in the order of the reference page.

Rule that holds here: what is not in this table is not there.
"""

from __future__ import annotations

from gateway.api import sessions
from gateway.api.operations import Operation

OPERATIONS: tuple[Operation, ...] = (*sessions.OPERATIONS,)
