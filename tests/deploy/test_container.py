"""The image and the composition that are shipped: what can be seen of them without a container engine.

In its long form (LINK_GATEWAY_DEEP=1) the Containerfile's own steps install what is run; else this environment's.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from gateway.store.embedded import find_binary
from tests.deploy.image import USER, Image, Step, first_process, steps
from tests.deploy.processes import ROOT, Gateway, key_files, listens, load_shipped, start, status
from tests.ports import free_port

SHIPPED = ROOT / "deploy/container"
STEPS = steps((SHIPPED / "Containerfile").read_text())
DEEP = os.environ.get("LINK_GATEWAY_DEEP", "") not in {"", "0"}
CONFIG = '[server]\npublic_url = "http://localhost:8088"\ntrusted_proxies = ["127.0.0.1"]\n[store]\ndeadline_s = 2\n'


def last(verb: str) -> Step:
    """The one instruction of this kind in the stage that is shipped."""
    (found,) = (step for step in STEPS if step.verb == verb and step.stage == 1)
    return found


def environment() -> dict[str, str]:
    """ENV of the image, over as little as an engine sets."""
    pairs = (word.partition("=") for word in last("ENV").words())
    given = {name: value.replace("$PATH", os.defpath) for name, _, value in pairs}
    return {"HOME": "/tmp", **given}


def healthcheck(port: int) -> list[str]:
    """The image's, asking at another port."""
    command = last("HEALTHCHECK").rest.partition(" CMD ")[2]
    return Step(1, "CMD", command.replace("9000", str(port))).words()


@pytest.fixture(scope="module")
def image(program, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """What the Containerfile makes."""
    directory = tmp_path_factory.mktemp("image")
    places = {"/build": directory / "build", "/opt/link-gateway": directory / "opt"}
    places |= {"/etc/link-gateway": directory / "etc", "/var/lib/link-gateway": directory / "state"}
    for path in places.values():
        path.mkdir(mode=0o700)
    image = Image(places, program("bwrap"), Path(sys.executable).resolve())
    if DEEP:
        for step in STEPS:
            if step.stage == 0:
                image.run(step, ROOT)
    else:
        image.places.update({sys.prefix: Path(sys.prefix), str(ROOT): ROOT})
        programs = places["/opt/link-gateway"] / "bin"
        programs.mkdir()
        for name, what in {"python": "", "link-gateway": "-m gateway"}.items():
            (programs / name).write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} {what} "$@"\n')
            (programs / name).chmod(0o755)
    return image


@pytest.fixture
def gateway(image: Image, tmp_path: Path) -> Iterator[Gateway]:
    """The image run as it is meant to be: everything read-only, a volume for the embedded store."""
    (image.places["/etc/link-gateway"] / "gateway.toml").write_text(CONFIG)
    public, internal = free_port(), free_port()
    given = environment()
    given |= {"LINK_GATEWAY__SERVER__PUBLIC": f"127.0.0.1:{public}"}
    given |= {"LINK_GATEWAY__SERVER__INTERNAL": f"127.0.0.1:{internal}"}
    words = [*last("ENTRYPOINT").words(), *last("CMD").words()]
    command = image.command(*words, writable=["/var/lib/link-gateway"])
    running = start(command, given, internal, tmp_path / "log", public)
    yield running
    stop(running)


def stop(gateway: Gateway) -> None:
    """As an engine does it; and it ends by itself, in good order."""
    if gateway.process.poll() is None:
        os.kill(first_process(gateway.process), signal.Signals[last("STOPSIGNAL").rest])
    assert gateway.process.wait(20) == 0, gateway.log.read_text()


async def test_what_the_image_holds_serves_with_a_read_only_root_as_nobody(gateway: Gateway, image: Image) -> None:
    """Entry point, command, environment and health check are the Containerfile's."""
    await gateway.serves()
    assert status(f"http://127.0.0.1:{gateway.public}/no/room/where") == 404
    assert run_in(image, *healthcheck(gateway.internal)).returncode == 0
    stop(gateway)
    assert run_in(image, *healthcheck(gateway.internal)).returncode != 0


def test_nothing_but_the_volume_can_be_written(image: Image) -> None:
    """The sandbox of these tests is as tight as a read-only container, so what serves in it serves there."""
    told = run_in(image, "id", "-u")
    assert told.stdout.strip() == USER
    for place in ("/opt/link-gateway/x", "/etc/x", "/usr/x", "/x", "/etc/link-gateway/x"):
        assert run_in(image, "touch", place).returncode != 0


def run_in(image: Image, *words: str) -> subprocess.CompletedProcess[str]:
    command = image.command(*words)
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_the_image_is_made_as_it_should_be() -> None:
    """Everything pinned and hashed, nobody's user, no shell around the program, a stop that drains."""
    installs = [step.rest for step in STEPS if step.verb == "RUN" and "install -" not in step.rest.partition("pip")[0]]
    from_lock = next(rest for rest in installs if "run.lock" in rest)
    assert {"--require-hashes", "--only-binary"} <= set(from_lock.split())
    assert last("USER").rest == f"{USER}:{USER}"
    assert last("STOPSIGNAL").rest == "SIGTERM"
    assert last("ENTRYPOINT").rest.startswith("[")
    assert last("CMD").rest.startswith("[")
    assert not [step for step in STEPS if step.verb in {"ADD", "ARG"} and step.stage >= 0]


def test_only_what_is_copied_reaches_the_engine() -> None:
    """The list of what may come in is the list of what is copied: no key can slip in by a new file beside."""
    allowed = re.findall(r"^!(.*)$", (SHIPPED / "Containerfile.dockerignore").read_text(), re.MULTILINE)
    copied = [word for step in STEPS if step.verb == "COPY" and step.stage == 0 for word in step.words()[:-1]]
    assert sorted(allowed) == sorted(copied)


# --- the composition --------------------------------------------------------------------------------------------
def composition() -> Any:
    return yaml.safe_load((SHIPPED / "compose.yaml").read_text())


def test_the_composition_is_as_the_specification_has_it() -> None:
    """Every key is known and every value of its kind."""
    document = composition()
    plain = yaml.safe_dump(document, sort_keys=False)  # anchors resolved
    assert sorted(PyCompose.from_yaml(plain).service_names()) == sorted(document["services"])


def test_a_key_that_does_not_exist_is_noticed() -> None:
    """The specification is taken strictly."""
    with pytest.raises(Exception, match="read_onyl"):
        PyCompose.from_yaml("services:\n  a:\n    image: x\n    read_onyl: true\n")


def test_every_service_is_confined_and_every_file_is_there() -> None:
    """Read-only, without capabilities but nginx's few; configs are files of this repository, secrets are not."""
    document = composition()
    for service in document["services"].values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service["networks"]) <= set(document["networks"])
    assert all((SHIPPED / config["file"]).is_file() for config in document["configs"].values())
    ignored = (SHIPPED / ".gitignore").read_text().split()
    assert ignored == ["*.keys"]
    assert all(secret["file"].endswith(".keys") for secret in document["secrets"].values())


def test_the_gateways_of_the_composition_have_a_sound_configuration(tmp_path) -> None:
    """It loads; nginx is trusted by the network it is in; keys are where secrets are mounted."""
    document, config = composition(), load_shipped(SHIPPED / "gateway.toml", {}, tmp_path)
    (subnet,) = document["networks"]["front"]["ipam"]["config"]
    assert [ip_network(subnet["subnet"])] == [ip_network(each) for each in config.server.trusted_proxies]
    mounted = {f"/run/secrets/{name}" for name in document["services"]["gateway-1"]["secrets"]}
    assert mounted == key_files(SHIPPED / "gateway.toml")
    patience = re.fullmatch(r"(\d+)m", document["services"]["gateway-1"]["stop_grace_period"])
    assert patience
    assert int(patience[1]) * 60 > config.server.drain_max_s + 120


def test_prometheus_takes_the_files_as_they_are_mounted(program, tmp_path) -> None:
    """Its own, and the shipped rules beside it."""
    mount("prometheus", tmp_path)
    command = [program("promtool"), "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def mount(service: str, directory: Path) -> None:
    """Put a service's configs side by side, under the names they are mounted by."""
    document = composition()
    for each in document["services"][service]["configs"]:
        shutil.copy(SHIPPED / document["configs"][each["source"]]["file"], directory / Path(each["target"]).name)


def test_valkey_starts_by_its_command(tmp_path) -> None:
    """With the shipped file, from any address, in its volume."""
    mount("valkey", tmp_path)
    _, config, *options = composition()["services"]["valkey"]["command"]
    options[options.index("/data")] = str(tmp_path)
    port = str(free_port())
    command = [find_binary(), tmp_path / Path(config).name, *options, "--port", port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert any("Ready to accept connections" in line for line in process.stdout)
        finally:
            process.terminate()


async def test_nginx_brings_guests_to_the_gateways(gateway, program, tmp_path) -> None:
    """The composition's file, with a gateway's port in place of both names: the gateway answers, and trusts it."""
    await gateway.serves()
    mount("nginx", tmp_path)
    config, port = tmp_path / "nginx.conf", free_port()
    text = re.sub(r"gateway-\d:8000", f"127.0.0.1:{gateway.public}", config.read_text())
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/run/", f"{tmp_path}/")
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(text.replace("http {", f"http {{ {temporary}"))
    command = [program("nginx"), "-p", tmp_path, "-c", config, "-e", "stderr", "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: ASYNC220 - returns at once
        try:
            await listens(port)
            assert status(f"http://127.0.0.1:{port}/no/room/where") == 404
            assert "trusted_proxies" not in gateway.log.read_text()
        finally:
            process.terminate()
