"""Why the edge does not forward a request: a value the link handler answers with.

Rule that holds here: a refusal is known before anything of an answer was written.
"""

from __future__ import annotations


class ForwardRefused(Exception):
    """The request is not forwarded, or not to its end; answer `status`, then close the connection.

    status: 400 bad body, 403 foreign origin, 408 slow body, 413 body over the limit, 503 no tunnel is free.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"not forwarded ({status}): {reason}")
        self.status = status
        self.reason = reason
