"""Static files: an address names its bytes for ever."""

from __future__ import annotations

import gzip
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
