"""`host-link`: signing owners in, and out."""

from __future__ import annotations


def _read(gateway, link: str):
    async def work(parts):
        room = await parts.directory.resolve_room("sunrise", "dr-lee")
        return parts.signing.read_host_link(link.rpartition("/")[2]), room

    return gateway.do(work)


def test_a_host_link_names_the_owner_or_whoever_is_said_to_sign_in(clinics):
    link, room = _read(clinics, clinics.json("host-link", "sunrise", "dr-lee")["link"])
    assert (link.owner_id, link.generation, link.name) == (room.id, room.host_generation, "Dr Lee")
    link, _ = _read(clinics, clinics.json("host-link", "sunrise", "dr-lee", "--name", "Front desk")["link"])
    assert link.name == "Front desk"


def test_every_host_link_is_another_one(clinics):
    first, second = (clinics.run("host-link", "sunrise", "dr-lee").stdout for _ in range(2))
    assert first != second
    assert first.startswith("http://localhost:8000/-/host/")


def test_revoking_voids_links_and_sign_ins_made_before(clinics):
    made = clinics.json("host-link", "sunrise", "dr-lee")["link"]
    clinics.json("host-link", "revoke", "sunrise", "dr-lee")
    link, room = _read(clinics, made)
    assert link.generation < room.host_generation


def test_wrong_words_are_wrong_use(clinics):
    assert "takes CLINIC OWNER" in clinics.fails(2, "host-link", "sunrise")
    assert "there is no room" in clinics.fails(1, "host-link", "sunrise", "nobody")
