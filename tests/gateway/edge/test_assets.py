"""Static files: an address names its bytes for ever."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from gateway.edge.assets import Assets


def test_an_address_leads_to_the_bytes_of_the_file_and_may_be_kept_for_ever() -> None:
    assets = Assets()
    asset = assets.find(assets.url("desk.js"))
    assert asset is not None
    body, headers = asset.answer()
    assert b"EventSource" in body
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "Content-Encoding" not in headers


def test_the_address_changes_with_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Assets(tmp_path).url("a.js")
    (tmp_path / "a.js").write_text("2")
    after = Assets(tmp_path)
    assert after.url("a.js") != before
    assert after.find(before) is None


def test_a_client_that_unpacks_gzip_gets_less_to_load() -> None:
    assets = Assets()
    asset = assets.find(assets.url("desk.js"))
    assert asset is not None
    packed, headers = asset.answer("br, gzip;q=0.8")
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == asset.body
    assert len(packed) < len(asset.body)


def test_a_client_that_refuses_gzip_gets_the_plain_bytes() -> None:
    assets = Assets()
    asset = assets.find(assets.url("desk.js"))
    assert asset is not None
    assert asset.answer("gzip;q=0, identity")[0] == asset.body


@pytest.mark.parametrize(
    "path",
    [
        "/-/static/",
        "/-/static/desk.js",
        "/-/static/../pages.py",
        "/-/static/desk.0000000000000000.js",
        "/static/desk.js",
    ],
)
def test_an_address_that_names_nothing_of_ours_finds_nothing(path: str) -> None:
    assert Assets().find(path) is None


def test_files_of_other_kinds_are_never_served(tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text("x")
    with pytest.raises(KeyError):
        Assets(tmp_path).url("secret.toml")


def test_an_inlined_text_has_no_comments_and_keeps_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("/* why\n   so */\n  a { color: red; }\n\n  b { margin: 0; }\n")
    assert Assets(tmp_path).inline("a.css") == "a { color: red; }\nb { margin: 0; }"


INK_ON_GROUND = [
    ("ink", "ground"),
    ("ink", "card"),
    ("ink", "tint"),
    ("soft", "ground"),
    ("soft", "card"),
    ("soft", "tint"),
    ("accent", "card"),
    ("accent", "ground"),
    ("accent", "tint"),
    ("accent-ink", "accent"),
    ("danger", "card"),
    ("danger", "ground"),
    ("warn-ink", "warn"),
    ("good-ink", "good"),
]


def _luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _ratio(ink: str, ground: str) -> float:
    dark, bright = sorted((_luminance(ink), _luminance(ground)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), INK_ON_GROUND)
def test_every_text_is_readable_on_its_ground_in_light_and_dark(scheme: str, ink: str, ground: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", Assets().inline("gateway.css"), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w+);", light if scheme == "light" else dark))
    assert _ratio(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edge_of_a_field_can_be_seen(scheme: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", Assets().inline("gateway.css"), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w+);", light if scheme == "light" else dark))
    assert _ratio(colours["field-line"], colours["card"]) >= 3
