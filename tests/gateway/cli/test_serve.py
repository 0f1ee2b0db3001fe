"""`serve`: how it starts, what signals do, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
import trustme

from tests.ports import free_port

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
    return free_port(), free_port()


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


def test_a_reload_of_a_faulty_file_changes_nothing_and_tells_all_faults_in_one_line(program, config):
    process = program("serve", "--config", str(config))
    _lines_until(process, "serving")
    before = config.read_text()
    config.write_text(before + '[rooms]\nadmission_ttl_s = "x"\n[log]\nlevel = "error"\nshape = 1\n')
    process.send_signal(signal.SIGHUP)
    (told,) = _lines_until(process, "not reloaded")
    assert "log.shape: unknown key" in str(told["event"])
    assert "rooms.admission_ttl_s" in str(told["event"])
    config.write_text(before)
    process.send_signal(signal.SIGHUP)
    assert _lines_until(process, "reloaded")[-1]["level"] == "info"  # which would not be told on the level of errors
    process.send_signal(signal.SIGINT)
    assert process.wait(WITHIN_S) == 0


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key, as files."""
    issued = trustme.CA().issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(key)
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(chain, append=number > 0)
    return chain, key


def _absent(chain: Path, key: Path) -> str:
    chain.unlink()
    return f'server.tls_certificate = "{chain}": cannot be read: No such file or directory'


def _unreadable(chain: Path, key: Path) -> str:
    key.unlink()
    key.mkdir()
    return f'server.tls_key = "{key}": cannot be read: Is a directory'


def _swapped(chain: Path, key: Path) -> str:
    key.write_text(chain.read_text())
    return f'server.tls_key = "{key}": holds no private key in PEM form without a passphrase'


def _anothers(chain: Path, key: Path) -> str:
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(key)
    return f'server.tls_key = "{key}": is not the key of server.tls_certificate'


def _empty(chain: Path, key: Path) -> str:
    chain.write_text("")
    return f'server.tls_certificate = "{chain}": holds no certificate in PEM form'


@pytest.mark.parametrize("spoil", [_absent, _unreadable, _swapped, _anothers, _empty])
def test_a_certificate_that_cannot_be_shown_is_one_line_and_exit_code_1(gateway, config, certificate, spoil):
    chain, key = certificate
    fault = spoil(chain, key)
    tls = f'[server]\ntls_certificate = "{chain}"\ntls_key = "{key}"\n'
    config.write_text(config.read_text().replace("[server]\n", tls))
    assert gateway.fails(1, "serve").endswith(fault)
    assert gateway.fails(2, "check") == fault


@pytest.mark.parametrize("listener", ["public", "internal"])
def test_a_bad_socket_path_is_one_line_and_exit_code_1(gateway, tmp_path, listener):
    path = tmp_path / "nowhere" / "gateway.sock"
    others = {"public": "127.0.0.1:0", "internal": "127.0.0.1:0"}
    keys = "".join(f'{name} = "{where}"\n' for name, where in {**others, listener: f"unix:{path}"}.items())
    gateway.config.write_text(gateway.config.read_text().replace("[server]\n", f"[server]\n{keys}"))
    assert gateway.fails(1, "serve") == f"cannot listen on {path}: No such file or directory"
