"""API keys: their form and their checksum."""

from __future__ import annotations

import pytest

from gateway.api.keys import ApiKey, Scope, is_key, make_key, read_document


def _key() -> tuple[str, ApiKey]:
    return make_key("Calendar", "sunrise", {Scope.SESSIONS_READ}, 1_000)


def test_a_key_has_the_form_that_secret_scanners_look_for():
    text, kept = _key()
    assert text.startswith(f"gw_live_{kept.id}_")
    assert len(text.split("_")) == 4


def test_no_two_keys_are_alike():
    assert len({_key()[0] for _ in range(100)}) == 100


def test_a_mistyped_key_is_known_without_asking_the_store():
    text, _ = _key()
    assert is_key(text)
    for at, sign in enumerate(text):
        assert not is_key(text[:at] + ("x" if sign != "x" else "y") + text[at + 1 :])


@pytest.mark.parametrize("text", ["", "gw_live_", "gw_live_a_b", "é" * 59], ids=["empty", "head", "short", "not-ascii"])
def test_other_texts_are_no_keys(text):
    assert not is_key(text)


def test_what_is_kept_is_read_back():
    _, kept = _key()
    assert read_document(kept.document()) == kept
