"""The authorities by which an https upstream is verified, read from a file of the operator's.

Rule that holds here: a certificate is always verified; a file only says by whom.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.config.faults import ConfigFaults, Fault


def read_authorities(name: str, path: Path) -> ssl.SSLContext:
    """What verifies by the PEM certificates in `path` alone. Raises ConfigFaults that speaks of the key `name`."""
    shown = f'"{path}"'
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:  # an OSError, too: not PEM, or no certificate in it
        raise ConfigFaults([Fault(name, shown, "holds no certificate in PEM form")]) from error
    except OSError as error:  # absent, a directory, not ours to read
        raise ConfigFaults([Fault(name, shown, f"cannot be read: {error.strerror}")]) from error
