"""A reload changes what it may, for whatever is decided from then on; or it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gateway.config import ConfigFaults
from tests.integration.conftest import Furnish, Start, Stored
from tests.integration.people import PUBLIC
from tests.integration.places import IDENTITY_SECRET, SECRET, SHORT, Clinics, Running, Sections, merged
from tests.integration.platform import Platform

NEWER = "a newer key, long enough for a test 0003"
ENTRY = {"path": "/call/{alias}", "class": "entry"}
SIGNAL = {"path": "/signal/{alias}", "class": "signal"}
ASSETS = {"path": "/static/**", "class": "asset"}
MORE = {"path": "/more/**", "class": "asset"}
Rows = Sequence[Mapping[str, str]]


class Written:
    """A gateway and the file it reads again."""

    def __init__(self, running: Running, file: Path, given: Sections) -> None:
        self.running = running
        self._file = file
        self._given = given

    async def reload(self, sections: Sections | None = None, routes: Rows = (ENTRY, SIGNAL, ASSETS)) -> tuple[str, ...]:
        """Write these changes to the file, and reload."""
        lines = []
        for name, keys in merged(self._given, sections or {}).items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        for row in routes:
            lines += ["[[routes]]", *(f'{key} = "{value}"' for key, value in row.items())]
        self._file.write_text("\n".join(lines))
        return await self.running.gateway.reload(self._file, {})


@pytest.fixture
async def written(start: Start, stored: Stored, platform: Platform, tmp_path: Path) -> Written:
    given = merged(SHORT, stored.sections(), {"upstream": {"url": platform.url}})
    return Written(await start(), tmp_path / "gateway.toml", given)


@pytest.fixture
def clinics(written: Written, furnish: Furnish) -> Clinics:
    return furnish(written.running)


async def test_the_same_file_again_changes_nothing_and_waits_for_nothing(written: Written):
    before = written.running.gateway.config
    assert await written.reload() == ()
    assert written.running.gateway.config == before


async def test_routes_are_others_at_once_on_connections_that_stand(written: Written, clinics: Clinics):
    stranger = clinics.browser()
    for _ in range(3):  # the last ones by the express lane
        assert (await stranger.page("/static/a.js")).status == 200
    assert (await stranger.page("/more/a.js")).status == 404
    await written.reload(routes=(ENTRY, SIGNAL, MORE))
    assert (await stranger.page("/static/a.js")).status == 404
    assert (await stranger.page("/more/a.js")).status == 200


async def test_calls_and_waiting_pages_live_through_a_reload(written: Written, clinics: Clinics):
    room = await clinics.room()
    host, socket = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await written.reload({"secrets": {"keys": [SECRET, NEWER]}}, routes=(ENTRY, SIGNAL))
    assert await socket.echo("still") == "still"
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    assert await (await clinics.go_in(guest, clinics.link(room), room)).echo("in") == "in"


async def test_keys_change_in_two_phases_without_a_link_or_a_cookie_lost(written: Written, clinics: Clinics):
    session = await clinics.session(await clinics.room())
    guest, keys = clinics.browser(), written.running.gateway.parts
    await guest.wait(session.guest, "Ada")
    for phase in ([NEWER, SECRET], [SECRET, NEWER]):  # known everywhere first; then it signs
        await written.reload({"secrets": {"keys": phase}})
        assert (await guest.document(session.guest))["joined"] is True
    newer = clinics.path(keys.session_link(session.id, 2))
    assert newer != session.guest
    assert (await guest.document(newer))["joined"] is True
    await written.reload({"secrets": {"keys": [NEWER]}})
    assert (await guest.page(session.guest)).status == 404
    assert (await guest.document(newer))["reason"] != "unknown_link"


async def test_what_the_platform_signs_events_with_changes_at_once(written: Written):
    waiting = await written.reload({"platform": {"kind": "janus", "event_keys": [NEWER]}})
    assert written.running.gateway.parts.event_keys == (NEWER.encode(),)
    assert waiting == ("platform.kind",)


async def test_the_platforms_keys_change_too(written: Written, clinics: Clinics, platform: Platform):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    entry = (await host.page(clinics.link(room))).location

    async def signature() -> str:
        await host.page(entry)
        return platform.last("/call/").one("X-Gateway-Signature").rpartition(".")[2]

    signed = await signature()
    await written.reload({"identity": {"keys": [IDENTITY_SECRET, NEWER]}})
    assert await signature() != signed


async def test_pages_come_in_new_words_and_languages(written: Written, clinics: Clinics, tmp_path: Path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "unknown_link.html").write_text(
        "<!doctype html><html lang='{{ look.language }}'><style>p{}</style><p>Nothing here.</p></html>"
    )
    stranger = clinics.browser()
    assert "Nothing here." not in (await stranger.page("/nowhere")).text
    await written.reload({"pages": {"templates_dir": str(tmp_path / "pages"), "languages": ["de", "en"]}})
    told = (await stranger.page("/nowhere")).text
    assert "Nothing here." in told
    assert "lang='de'" in told


async def test_any_fault_and_everything_stays_as_it_was(written: Written, clinics: Clinics, tmp_path: Path):
    (tmp_path / "notice.html").write_text("\n{{ no_such_thing }}")
    before, parts = written.running.gateway.config, written.running.gateway.parts
    kept = (parts.routes, parts.signing, parts.pages, parts.identity, parts.names, parts.patterns)
    changes: Sections = {"pages": {"templates_dir": str(tmp_path)}, "secrets": {"keys": [NEWER]}}
    with pytest.raises(ConfigFaults, match=r"notice\.html:2"):
        await written.reload(changes, routes=(ENTRY, SIGNAL, MORE))
    assert written.running.gateway.config is before
    now = (parts.routes, parts.signing, parts.pages, parts.identity, parts.names, parts.patterns)
    assert all(one is other for one, other in zip(kept, now, strict=True))
    assert (await clinics.browser().page("/more/a.js")).status == 404
    counted = written.running.gateway.parts.metrics.exposition("")[1].decode()
    assert 'gateway_reloads_total{outcome="refused"} 1.0' in counted


async def test_what_waits_for_a_restart_is_named_and_the_rest_is_taken_over(written: Written, clinics: Clinics):
    changes: Sections = {"rooms": {"reentry_grace_s": 7}, "server": {"internal": "127.0.0.1:1", "public_url": PUBLIC}}
    assert await written.reload(changes, routes=(ENTRY, SIGNAL, MORE)) == ("server.internal", "rooms.reentry_grace_s")
    assert (await clinics.browser().page("/more/a.js")).status == 200
    assert written.running.gateway.config.rooms.reentry_grace_s == SHORT["rooms"]["reentry_grace_s"]


async def test_new_routes_that_do_not_go_with_what_stays_are_refused(written: Written):
    entry = {"path": "/meet/{alias}", "class": "entry"}
    with pytest.raises(ConfigFaults, match=r"upstream\.entry.*no route"):
        await written.reload({"upstream": {"entry": "/meet/{alias}"}}, routes=(entry, SIGNAL, ASSETS))
