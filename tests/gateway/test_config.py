from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.config import Config, ConfigFaults, FdAddress, TcpAddress, UnixAddress, load, parse_address
from rules.model import Policy

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
KEY = "k" * 32
CALL = '[[routes]]\npath = "/call/{alias}"\nclass = "entry"\nbinds = "path"\n'


def loaded(text: str, tmp_path: Path, environ: Mapping[str, str] | None = None) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return load(path, environ or {})


# --- the example ----------------------------------------------------------------------------------------------
def in_file(value: Any) -> Any:
    """A value of a model as TOML has it."""
    match value:
        case BaseModel():
            return {
                field.alias or name: in_file(getattr(value, name)) for name, field in type(value).model_fields.items()
            }
        case tuple():
            return [in_file(each) for each in value]
    return value


def test_the_example_holds_every_key_with_its_default_and_no_other() -> None:
    assert tomllib.loads(EXAMPLE.read_text("utf-8")) == in_file(Config())


def test_the_example_loads_to_the_defaults() -> None:
    assert load(EXAMPLE, {}) == Config() == load(None, {})


def test_every_key_of_the_example_has_a_comment() -> None:
    spoken_of_above = {
        *("room", "session", "path", "class", "role", "methods", "binds", "upstream", "service_worker"),
        *("counts", "cookieless", "answer", "answer_type"),
    }
    follows_from_the_line_above = {"event_streams_per_address", "tunnels_per_address"}
    for line in EXAMPLE.read_text("utf-8").splitlines():
        key, equals, rest = line.partition(" = ")
        if equals and key.isidentifier() and key not in spoken_of_above | follows_from_the_line_above:
            assert "  # " in rest, line


def test_the_defaults_are_the_rules_defaults() -> None:
    assert Config().policy() == Policy()


def test_durations_reach_the_rules_in_milliseconds(tmp_path: Path) -> None:
    text = '[sessions]\nopens_early_s = 1.5\nguest_admission = "direct"\nmax_length_h = 0.5\n[waiting]\nheartbeat_s = 2'
    policy = loaded(text, tmp_path).policy()
    assert (policy.opens_early_ms, policy.max_length_ms, policy.live_page_ms) == (1500, 1_800_000, 6000)
    assert policy.direct


# --- the environment ------------------------------------------------------------------------------------------
def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = loaded(
        '[server]\npublic = "127.0.0.1:1"\ninternal = "127.0.0.1:2"',
        tmp_path,
        {
            "LINK_GATEWAY__SERVER__PUBLIC": "unix:/run/gateway.sock",
            "LINK_GATEWAY__SERVER__TRUSTED_PROXIES": '["10.0.0.0/8"]',
            "LINK_GATEWAY__SERVER__REUSE_PORT": "true",
            "LINK_GATEWAY__STORE__DEADLINE_S": "1.5",
            "LINK_GATEWAY__STORE__KEY_PREFIX": "12",
            "LINK_GATEWAY__LOG__LEVEL": "debug",
            "LINK_GATEWAY__IDENTITY__ROLES__HOST": "moderator",
            "LINK_GATEWAY__ROUTES": json.dumps([{"path": "/call/{alias}", "class": "entry", "binds": "path"}]),
            "LINK_GATEWAY_CONFIG": "elsewhere.toml",
        },
    )
    assert (config.server.public, config.server.internal) == ("unix:/run/gateway.sock", "127.0.0.1:2")
    assert (config.server.trusted_proxies, config.server.reuse_port) == (("10.0.0.0/8",), True)
    assert (config.store.deadline_s, config.store.key_prefix, config.log.level) == (1.5, "12", "debug")
    assert (config.identity.roles.host, config.identity.roles.guest) == ("moderator", "guest")
    assert [route.path for route in config.routes] == ["/call/{alias}"]


def test_no_routes_are_the_demo_platforms_routes(tmp_path: Path) -> None:
    assert loaded("routes = []", tmp_path).routes == Config().routes


# --- keys -----------------------------------------------------------------------------------------------------
def test_given_keys_keep_their_order(tmp_path: Path) -> None:
    config = loaded(f'[secrets]\nkeys = ["{KEY}1", "{KEY}0"]\n[identity]\nkind = "none"', tmp_path)
    assert config.secret_keys() == (f"{KEY}1".encode(), f"{KEY}0".encode())
    assert config.identity_keys() == ()


def test_a_key_file_holds_one_key_a_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}1\n\n  {KEY}2 \n")
    config = loaded(f'[secrets]\nkey_file = "{tmp_path}/keys"', tmp_path)
    assert config.secret_keys() == (f"{KEY}1".encode(), f"{KEY}2".encode())


def test_keys_are_made_once_for_the_embedded_store_and_for_us_alone(tmp_path: Path) -> None:
    config = loaded(f'[store]\nstate_dir = "{tmp_path}/new/state"', tmp_path)
    made = config.secret_keys()
    assert len(made) == 1
    assert len(made[0]) >= 32
    assert config.secret_keys() == made != config.identity_keys()
    state = tmp_path / "new" / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in state.iterdir()} == {0o600}
    assert {each.name for each in state.iterdir()} == {"secrets.keys", "identity.keys"}


def test_loading_makes_nothing(tmp_path: Path) -> None:
    loaded(f'[store]\nstate_dir = "{tmp_path}/state"', tmp_path)
    assert not (tmp_path / "state").exists()


def test_of_two_gateways_that_make_keys_at_once_the_first_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = loaded(f'[store]\nstate_dir = "{tmp_path}"', tmp_path)
    first = config.secret_keys()
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert config.secret_keys() == first
    assert {each.name for each in tmp_path.iterdir()} == {"config.toml", "secrets.keys"}


def test_a_state_directory_that_cannot_hold_keys_is_a_fault(tmp_path: Path) -> None:
    config = loaded(f'[store]\nstate_dir = "{tmp_path}/config.toml"', tmp_path)
    with pytest.raises(ConfigFaults, match=r"store\.state_dir.*cannot hold our keys"):
        config.secret_keys()


def test_keys_that_vanished_after_the_check_are_a_fault_still() -> None:
    config = Config.model_validate({"store": {"url": "redis://h"}})
    with pytest.raises(ConfigFaults, match=r"secrets\.keys: is missing"):
        config.secret_keys()


# --- what the rules use ---------------------------------------------------------------------------------------
def test_the_routes_and_patterns_reach_the_rules(tmp_path: Path) -> None:
    config = loaded(
        '[links]\nroom = "{clinic}.example.org/room/{owner}"\n[server]\ndesk_url = "https://desk.example.org"', tmp_path
    )
    assert [route.path for route in config.route_table().routes] == [route.path for route in config.routes]
    assert config.link_patterns().reserved["clinic"] == {"desk", "video"}
    assert {"call", "signal", "static", "-", "session"} <= Config().link_patterns().reserved["clinic"]


def test_a_configuration_made_in_another_way_is_judged_when_it_is_used() -> None:
    config = Config.model_validate({"links": {"room": "/room"}})
    with pytest.raises(ConfigFaults, match="it must name"):
        config.link_patterns()


# --- addresses ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:8000", TcpAddress("0.0.0.0", 8000)),
        ("[::1]:0", TcpAddress("::1", 0)),
        ("localhost:80", TcpAddress("localhost", 80)),
        ("unix:/run/g.sock", UnixAddress("/run/g.sock")),
        ("fd:3", FdAddress(3)),
    ],
)
def test_an_address_is_read(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        '[links]\nroom = "{clinic}.example.org/room/{owner}"',
        '[upstream]\nurl = "unix:/run/platform.sock"',
        '[upstream]\nurl = ["http://a:1", "https://b:2", "unix:/run/c.sock"]',
        CALL + 'upstream = ["http://a:1", "http://{alias}:2"]',
        '[server]\npublic = "127.0.0.1:0"\ninternal = "127.0.0.1:0"',
        '[server]\npublic_url = "http://localhost:8000"\ndesk_url = "http://localhost:8001"',
        CALL + '[[routes]]\npath = "**/ws"\nclass = "signal"\nbinds = "query:room"',
        CALL + '[[routes]]\npath = "/http-bind"\nclass = "poll"\nbinds = "query:room"',
        CALL + '[[routes]]\npath = "/**"\nclass = "asset"\nmethods = ["GET", "HEAD"]',
        CALL + '[[routes]]\npath = "/r/**"\nclass = "api"\nbinds = "upstream"\nupstream = "http://h:1"\nrole = "host"',
    ],
)
def test_what_is_allowed_loads(text: str, tmp_path: Path) -> None:
    loaded(text, tmp_path)
