"""What the demonstration runs with: its sockets, its directory, its configuration.

Rule that holds here: the demonstration never touches another store or another platform than its own, whatever the
environment says; everything else may be overridden as usual, such as short times.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gateway.config import ENVIRONMENT_PREFIX, Config, load
from gateway.listeners import ListenFault

_OWN_SECTIONS = ("SERVER__", "STORE__URL", "STORE__STATE_DIR", "STORE__KEY_PREFIX", "UPSTREAM__URL", "UPSTREAM__ENTRY")
_DEFAULTS = {"LOG__FORMAT": "text", "LOG__LEVEL": "warning"}
CONFIG_FILE = "demo.toml"


def bind(port: int) -> socket.socket:
    """A listening TCP socket on loopback; port 0 takes any free one. Raises ListenFault."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(1024)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise ListenFault(f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}") from error
    return listening


def default_state_dir(environ: Mapping[str, str]) -> Path:
    """Where the store is kept from one run to the next: in the user's cache, else beside temporary files."""
    home = environ.get("HOME", "")
    cache = Path(environ.get("XDG_CACHE_HOME") or (Path(home) / ".cache" if home else "/nonexistent"))
    nearest = next((place for place in (cache, *cache.parents) if place.exists()), cache)
    if home and cache.is_absolute() and os.access(nearest, os.W_OK):
        return cache / "link-gateway" / "demo"
    return Path(tempfile.gettempdir()) / f"link-gateway-demo-{os.getuid()}"


def demo_config(
    environ: Mapping[str, str], state_dir: Path, public: socket.socket, internal: socket.socket, upstream: str
) -> Config:
    """The configuration of this run. Raises ConfigFaults for what the environment overrides wrongly."""
    port = public.getsockname()[1]
    own = {
        "SERVER__PUBLIC": f"fd:{public.fileno()}",
        "SERVER__INTERNAL": f"fd:{internal.fileno()}",
        "SERVER__PUBLIC_URL": f"http://localhost:{port}",
        "STORE__URL": "embedded",
        "STORE__STATE_DIR": str(state_dir),
        "UPSTREAM__URL": upstream,
    }
    given = {
        name: value
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX)
        and not name.removeprefix(ENVIRONMENT_PREFIX).upper().startswith(_OWN_SECTIONS)
    }
    return load(None, {**_prefixed(_DEFAULTS), **given, **_prefixed(own)})


def _prefixed(values: Mapping[str, str]) -> dict[str, str]:
    return {ENVIRONMENT_PREFIX + name: value for name, value in values.items()}


def write_config(config: Config, public: socket.socket, internal: socket.socket) -> Path:
    """A configuration file for the other commands, so that they can be tried on the demonstration."""
    path = Path(config.store.state_dir) / CONFIG_FILE
    text = f"""\
# Written by the demonstration at every start, for the other commands:
# link-gateway clinic list --config {path}
[server]
public = "127.0.0.1:{public.getsockname()[1]}"
internal = "127.0.0.1:{internal.getsockname()[1]}"
public_url = "{config.server.public_url}"

[store]
state_dir = {_quoted(config.store.state_dir)}

[upstream]
url = "{config.upstream.url}"
"""
    path.write_text(text, "utf-8")
    return path


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
