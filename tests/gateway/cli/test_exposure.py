"""What `check --live` finds of a platform's ports beside loopback."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from gateway.cli.exposure import exposed, own_addresses
from gateway.config import Config

ELSEWHERE = "127.0.0.2"  # as if it were an address that others reach


def config(port: int) -> Config:
    return Config.model_validate({"upstream": {"url": f"http://127.0.0.1:{port}"}})


@pytest.mark.parametrize("where", ["upstream", "routes", "calls"])
async def test_a_platform_that_listens_everywhere_is_told_of_with_its_address_and_what_to_do(where: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as platform:
        port = platform.getsockname()[1]
        url = f"http://localhost:{port}"
        given: dict[str, dict[str, object]] = {
            "upstream": {},
            "routes": {"routes": [{"path": "/x/**", "class": "asset", "upstream": url}]},
            "calls": {"platform": {"calls": [{"on": "end", "url": f"{url}/end"}]}},
        }
        of_all = {"upstream": {"url": url if where == "upstream" else "https://platform.example"}}
        (told,) = await exposed(Config.model_validate(of_all | given[where]), [ELSEWHERE])
    assert told.startswith(f"the platform listens on {ELSEWHERE}:{port} as well")
    assert "bind it to 127.0.0.1" in told


async def test_one_that_listens_on_loopback_alone_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as platform:
        assert await exposed(config(platform.getsockname()[1]), [ELSEWHERE]) == []


async def test_a_platform_on_another_machine_is_not_looked_for_on_this_one() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        url = f"https://platform.example:{listener.getsockname()[1]}"
        assert await exposed(Config.model_validate({"upstream": {"url": url}}), [ELSEWHERE]) == []


def test_this_machines_own_addresses_are_those_that_it_speaks_to_others_from() -> None:
    assert [address for address in own_addresses() if ip_address(address).is_loopback] == []
