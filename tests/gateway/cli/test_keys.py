"""`key`: API keys, shown once."""

from __future__ import annotations

from pathlib import Path

from gateway.api.keys import digest_key, is_key


def test_a_key_is_shown_once_and_only_its_digest_is_kept(clinics, tmp_path: Path):
    made = clinics.json("key", "create", "--name", "Calendar", "--clinic", "sunrise", "--scope", "sessions:write")
    assert is_key(made["key"])
    listed = clinics.json("key", "list")
    assert [(each["id"], each["name"], each["clinic"], each["scopes"]) for each in listed] == [
        (made["id"], "Calendar", "sunrise", ["sessions:write"])
    ]
    assert "key" not in listed[0]

    async def kept(parts):
        return await parts.ledger.api_keys()

    found = clinics.do(kept)
    assert list(found) == [digest_key(made["key"])]
    assert made["key"].split("_")[3] not in found.popitem()[1]


def test_a_revoked_key_is_gone(clinics):
    made = clinics.json("key", "create", "--name", "Calendar")
    clinics.json("key", "revoke", made["id"])
    assert clinics.json("key", "list") == []
    assert clinics.fails(1, "key", "revoke", made["id"]) == f"there is no key {made['id']}"


def test_an_unknown_scope_or_clinic_is_refused(clinics):
    assert "the scopes are" in clinics.fails(2, "key", "create", "--name", "x", "--scope", "sessions:write,world:rule")
    assert clinics.fails(1, "key", "create", "--name", "x", "--clinic", "none") == "there is no clinic none"
    assert "must say something" in clinics.fails(2, "key", "create", "--name", "\u202e")


def test_a_key_tells_when_it_ends_and_when_it_was_used(clinics):
    made = clinics.json("key", "create", "--name", "x", "--scope", "*", "--expires", "2027-01-01T00:00:00+01:00")
    assert len(made["scopes"]) > 5
    assert (made["expires_at"], made["last_used_at"]) == ("2026-12-31T23:00:00Z", None)

    async def use(parts):
        await parts.ledger.note_use(made["id"], 1_800_000_000_000)

    clinics.do(use)
    assert clinics.json("key", "list")[0]["last_used_at"] == "2027-01-15T08:00:00Z"
