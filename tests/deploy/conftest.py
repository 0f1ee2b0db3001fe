"""A gateway that people use, for what is shipped to watch it."""

from __future__ import annotations

from tests.integration.conftest import (
    clinics,
    furnish,
    platform,
    pytest_asyncio_loop_factories,
    server,
    start,
    stored,
)

__all__ = ["clinics", "furnish", "platform", "pytest_asyncio_loop_factories", "server", "start", "stored"]
