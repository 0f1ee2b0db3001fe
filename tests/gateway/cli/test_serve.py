"""`serve`: how it starts, what signals do, and how it ends."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from gateway.cli.lifetime import reload
from gateway.config import load

WITHIN_S = 20


def _lines_until(process: subprocess.Popen[str], event: str) -> list[dict[str, object]]:
    """The log's lines up to the one of that event."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if str(lines[-1]["event"]).startswith(event):
            return lines
    raise AssertionError(f"it ended before it told {event}: {lines}")


@pytest.fixture
def free_ports() -> tuple[int, int]:
    """Two ports that were free a moment ago."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def config(gateway, free_ports) -> Path:
    """A configuration that can be served."""
    public, internal = free_ports
    text = gateway.config.read_text()
    listeners = f'[server]\npublic = "127.0.0.1:{public}"\ninternal = "127.0.0.1:{internal}"\n'
    gateway.config.write_text(text.replace("[server]\n", listeners))
    path: Path = gateway.config
    return path


def test_sigterm_ends_a_gateway_nobody_is_inside_of_cleanly(program, config, free_ports):
    process = program("serve", "--config", str(config))
    _lines_until(process, "serving")
    with urllib.request.urlopen(f"http://127.0.0.1:{free_ports[1]}/healthz", timeout=WITHIN_S) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, out) == (0, "")
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["draining", "stopped"]


def test_sigint_ends_it_at_once_and_cleanly(program, config):
    process = program("serve", "--config", str(config))
    _lines_until(process, "serving")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["stopped"]


def test_a_port_in_use_is_one_line_and_exit_code_1(program, config, free_ports):
    with socket.create_server(("127.0.0.1", free_ports[0])):
        process = program("serve", "--config", str(config))
        out, err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"cannot listen on 127.0.0.1:{free_ports[0]}: ")


def test_sighup_reloads_the_log_and_names_what_waits_for_a_restart(program, config):
    process = program("serve", "--config", str(config))
    _lines_until(process, "serving")
    config.write_text(config.read_text() + '[rooms]\nadmission_ttl_s = 5\n[log]\nlevel = "warning"\n')
    process.send_signal(signal.SIGHUP)
    told = _lines_until(process, "reloaded")[-1]
    assert "rooms" in str(told["event"])
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, err) == (0, "")  # nothing below a warning is told any more


def test_a_reload_of_a_faulty_file_keeps_what_is_in_effect(gateway, caplog):
    before = load(gateway.config, {})
    gateway.config.write_text("[log]\nlevel = 7\nshape = 1\n")
    with caplog.at_level(logging.ERROR):
        assert reload(before, gateway.config) is before
    assert [record.getMessage().partition(" = ")[0] for record in caplog.records] == [
        "not reloaded: log.level",
        "not reloaded: log.shape: unknown key",
    ]
