"""TLS on the public listener, for those who run no proxy in front: one context that listens, one that is shown.

Rule that holds here: a new certificate is for new handshakes; connections that stand keep theirs.
"""

from __future__ import annotations

import ssl


class Shown:
    """What the public listener shows to whoever connects; `use` has another certificate shown from then on."""

    def __init__(self, first: ssl.SSLContext) -> None:
        self.context = first  # the listener's own, for as long as it listens
        self._now = first
        first.sni_callback = self._show

    def use(self, another: ssl.SSLContext) -> None:
        """Show this one's certificate in every handshake that begins from now on."""
        self._now = another

    def _show(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._now  # OpenSSL asks in every handshake, whether or not a name was sent
