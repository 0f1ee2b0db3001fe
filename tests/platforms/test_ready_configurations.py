"""Every ready configuration of deploy/platforms: it loads, and its routes are those that its platform has."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import Config, load
from rules.routes import RouteClass
from tests.platforms import walking
from tests.platforms.walking import ANSWERED, NAMES, READY, UPGRADED

ALL = pytest.mark.parametrize("name", NAMES)
UNREADABLE, NOT_FOUND, WRONG_METHOD = 400, 404, 405


@pytest.fixture(scope="session")
def loaded(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Config]:
    """Loads a ready configuration as the gateway would."""

    def read(name: str) -> Config:
        file = tmp_path_factory.mktemp("ready") / "link-gateway.toml"
        file.write_text(walking.text_of(name, keys))
        return load(file, {})

    return read


def test_there_is_a_ready_configuration_with_words_for_its_operator_for_every_platform():
    assert NAMES == [
        "bigbluebutton", "element-call", "galene", "janus", "jitsi", "livekit", "mirotalk-sfu", "nextcloud-talk",
        "openvidu-meet",
    ]  # fmt: skip
    assert [name for name in NAMES if not (READY / name / "README.md").exists()] == []


@ALL
def test_it_loads_without_faults_and_says_what_the_platform_must_refuse_and_what_to_do_if_not(loaded, name: str):
    probes = loaded(name).platform.probes
    assert probes
    assert [probe.name for probe in probes if not probe.advice] == []


@ALL
def test_no_route_of_the_file_is_left_unvisited(loaded, name: str):
    table = loaded(name).route_table()
    visited = {step.route(table) for step in walking.steps_of(name)}
    assert [(route.path, sorted(route.methods)) for route in table.routes if route not in visited] == []


@ALL
def test_nothing_but_files_answers_to_who_was_not_let_in_and_what_is_internal_to_nobody(loaded, name: str):
    table = loaded(name).route_table()
    for step in walking.steps_of(name):
        route = step.route(table)
        if step.expected[0] in {ANSWERED, UPGRADED}:
            assert route is not None, step
            assert route.kind is RouteClass.ASSET, step
        if route is None or route.kind is RouteClass.INTERNAL:
            assert set(step.expected) <= {UNREADABLE, NOT_FOUND, WRONG_METHOD}, step


@ALL
def test_its_table_tries_other_spellings_of_what_is_guarded(loaded, name: str):
    table = loaded(name).route_table()
    guarded = [(step.path, route) for step in walking.steps_of(name) if (route := step.route(table)) is not None]
    paths = [step.path for step in walking.steps_of(name)]
    assert any("//" in path for path in paths)
    assert any(";" in path for path, _ in guarded)
    assert any(path.endswith("/") and not route.path.endswith("**") for path, route in guarded)
    assert any(re.fullmatch(route.regex.pattern, path) is None for path, route in guarded)  # letters of the other case
