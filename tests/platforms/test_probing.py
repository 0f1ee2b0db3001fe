"""`check --live` asks the platform for what it must refuse: a closed one is believed, an open one told door by door."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from click.testing import CliRunner

from gateway.cli import cli, probing
from gateway.cli.probing import Outcome, not_refused, probe
from gateway.config import Config, load
from gateway.config.platform_sections import PlatformProbe
from tests.integration.conftest import Stored
from tests.integration.platform import Platform
from tests.platforms import walking
from tests.platforms.janus import media_interface, start_janus, with_ports
from tests.platforms.prosody import DOMAIN, Prosody
from tests.platforms.walking import NAMES
from tests.ports import free_port


class Closed(Platform):
    """A platform that refuses everything, with these words."""

    says: str = ""

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=401, text=self.says)


class Endless(Platform):
    """A platform whose answers never end."""

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"a" * 65_536)


@pytest.fixture
async def upstream(request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    made: Platform = request.param()
    await made.start()
    yield made
    await made.stop()


def only(which: type[Platform]) -> pytest.MarkDecorator:
    """Run the test against one kind of platform."""
    return pytest.mark.parametrize("upstream", [which], indirect=True, ids=[which.__name__.lower()])


def probing_at(url: str, *probes: PlatformProbe) -> Config:
    """A configuration with these probes, each at `url` in place of its own scheme, host and port."""
    return configured(
        given.model_copy(update={"url": url + urlsplit(given.url)._replace(scheme="", netloc="").geturl()})
        for given in probes
    )


def configured(probes: Iterable[PlatformProbe]) -> Config:
    """A configuration with these probes and nothing else."""
    config = Config()
    return config.model_copy(update={"platform": config.platform.model_copy(update={"probes": tuple(probes)})})


def probes_of(name: str, keys: Path, at: Path) -> tuple[PlatformProbe, ...]:
    """Those of a ready configuration."""
    file = at / "link-gateway.toml"
    file.write_text(walking.text_of(name, keys))
    return load(file, {}).platform.probes


@only(Platform)
@pytest.mark.parametrize("name", NAMES)
async def test_each_door_that_a_ready_configurations_platform_leaves_open_is_one_sentence_with_what_to_do(
    name: str, upstream: Platform, keys: Path, tmp_path: Path
):
    probes = probes_of(name, keys, tmp_path)
    told = not_refused(await probe(probing_at(upstream.url, *probes)))
    assert [(given.name in line, given.advice in line) for given, line in zip(probes, told, strict=True)] == [
        (True, True) for _ in probes
    ]
    assert len(upstream.seen) == len(probes)


@only(Closed)
@pytest.mark.parametrize("name", NAMES)
async def test_a_ready_configurations_platform_that_refuses_is_believed(
    name: str, upstream: Closed, keys: Path, tmp_path: Path
):
    probes = probes_of(name, keys, tmp_path)
    upstream.says = " ".join(given.says for given in probes)
    assert not_refused(await probe(probing_at(upstream.url, *probes))) == []


ASKED = PlatformProbe(name="come in", url="http://p/door", advice="shut the door")


@only(Endless)
async def test_an_answer_without_end_is_an_open_door_and_read_no_further(upstream: Platform):
    (probed,) = await probe(probing_at(upstream.url, ASKED))
    assert (probed.outcome, probed.status) == (Outcome.OPEN, 200)


@only(Platform)
async def test_who_never_answers_is_waited_for_until_the_deadline_and_said_to_be_untried(
    upstream: Platform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(probing, "DEADLINE_S", 0.05)
    upstream.silent.set()
    async with asyncio.timeout(5):
        probed = await probe(probing_at(upstream.url, *[ASKED] * 20))
    assert {each.outcome for each in probed} == {Outcome.UNTRIED}
    assert probed[0].sentence == "platform.probes: come in: could not be tried: it took too long"


async def test_where_nothing_may_answer_a_listener_is_an_open_door_even_if_it_says_nothing():
    closed = PlatformProbe(name="the port", url="http://p/", closed=True, advice="close it")
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        urls = [f"http://127.0.0.1:{each.getsockname()[1]}" for each in (listener, nobody)]
        (at_one,), (at_none,) = [await probe(probing_at(url, closed)) for url in urls]
    assert at_one.sentence == "platform.probes: the port: something listens there; close it"
    assert at_none.outcome is Outcome.REFUSED


def run(tmp_path: Path, store: str, platform: str, *flags: str) -> tuple[int, str, str]:
    """`check --live` with a door that is open, one that is shut, and one that cannot be tried: code, out, err."""
    file = tmp_path / "gateway.toml"
    file.write_text(
        f"""
        [server]
        public_url = "http://localhost:8000"
        [store]
        url = "{store}"
        [secrets]
        keys = ["{"a" * 32}"]
        [identity]
        keys = ["{"b" * 32}"]
        [upstream]
        url = "{platform}"
        [[platform.probes]]
        name = "an open door"
        url = "{platform}/open"
        advice = "shut it"
        [[platform.probes]]
        name = "a shut door"
        url = "{platform}/shut"
        says = "call /shut"
        [[platform.probes]]
        name = "a door that is not there"
        url = "http://127.0.0.1:1/"
        """
    )
    result = CliRunner().invoke(cli, ["check", "--live", "--config", str(file), *flags])
    return result.exit_code, result.stdout, result.stderr


@only(Platform)
async def test_the_command_fails_for_what_is_open_or_untried_and_says_for_programs_what_came_of_each(
    upstream: Platform, stored: Stored, tmp_path: Path
):
    code, out, err = await asyncio.to_thread(run, tmp_path, stored.url, upstream.url)
    assert (code, out.splitlines()[-1]) == (1, "the store and the platform answer")
    assert [line.partition(" (")[0] for line in err.splitlines()] == [
        "platform.probes: an open door: not refused, answered 200; shut it",
        "platform.probes: a door that is not there: could not be tried: its API cannot be asked: ClientConnectorError",
    ]
    code, out, _ = await asyncio.to_thread(run, tmp_path, stored.url, upstream.url, "--json")
    told = json.loads(out)["probes"]
    assert (code, [(each["name"], each["outcome"], each["status"]) for each in told]) == (
        1,
        [("an open door", "open", 200), ("a shut door", "refused", 200), ("a door that is not there", "untried", 0)],
    )


async def test_a_real_prosody_that_lets_in_whoever_has_no_token_is_told_of(
    begin_prosody: Callable[..., Prosody], keys: Path, tmp_path: Path
):
    prosody = begin_prosody()
    logs_in, guests, _ = probes_of("jitsi", keys, tmp_path)
    here = logs_in.model_copy(update={"body": logs_in.body.replace("meet.jitsi", DOMAIN)})
    other_way = here.model_copy(update={"body": here.body.replace("ANONYMOUS", "PLAIN")})  # which it does not take
    outcomes = [each.outcome for each in await probe(probing_at(prosody.url, here, other_way, guests))]
    assert outcomes == [Outcome.OPEN, Outcome.REFUSED, Outcome.REFUSED]


async def test_a_real_janus_with_the_files_that_operators_copy_refuses(
    program: Callable[..., Path], keys: Path, tmp_path: Path
):
    probes = probes_of("janus", keys, tmp_path)
    (tmp_path / "janus").mkdir()
    with media_interface() as interface:
        janus = await start_janus(tmp_path / "janus", free_port(), interface, program)
        try:
            moved = [given.model_copy(update={"url": with_ports(given.url, janus.ports)}) for given in probes]
            assert not_refused(await probe(configured(moved))) == []
        finally:
            await janus.stop()
