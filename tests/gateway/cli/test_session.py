"""`session`: appointments by hand."""

from __future__ import annotations

import pytest

TIMES = ("--opens", "2031-05-01T10:00:00+02:00", "--closes", "2031-05-01T10:30:00+02:00")
CREATE = ("session", "create", "--clinic", "sunrise", "--owner", "dr-lee")


def test_a_session_has_a_seat_for_its_host_and_one_for_each_guest(clinics):
    made = clinics.session("--guest", "Ada", "--guest", "--title", "Review", "--time-zone", "Europe/London")
    assert [(seat["id"], seat["role"], seat["name"]) for seat in made["seats"]] == [
        (1, "host", "Dr Lee"),
        (2, "guest", "Ada"),
        (3, "guest", None),
    ]
    links = {seat["link"] for seat in made["seats"]}
    assert len(links) == 3
    assert all(link.startswith("http://localhost:8000/session/") for link in links)
    assert (made["title"], made["time_zone"], made["status"]) == ("Review", "Europe/London", "scheduled")


def test_without_a_name_there_is_one_guest(clinics):
    assert [seat["role"] for seat in clinics.session()["seats"]] == ["host", "guest"]


def test_links_can_be_shown_again(clinics):
    made = clinics.session()
    assert clinics.json("session", "show", made["id"])["seats"] == made["seats"]


def test_times_are_instants_whatever_their_offset(clinics):
    made = clinics.json(*CREATE, *TIMES)
    assert (made["opens_at"], made["closes_at"]) == ("2031-05-01T08:00:00Z", "2031-05-01T08:30:00Z")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("--opens", "2031-05-01T10:00:00", "--closes", "2031-05-01T11:00:00Z"), "must say its offset"),
        (("--opens", "tomorrow", "--closes", "2031-05-01T11:00:00Z"), "must be an RFC 3339 time"),
        (("--opens", "2031-05-01T11:00:00Z", "--closes", "2031-05-01T11:00:00Z"), "--closes must be after --opens"),
        ((*TIMES, "--time-zone", "Moon/Sea"), "is no time zone"),
        (("--opens", "2031-05-01T11:00:00Z"), "Missing option '--closes'"),
    ],
    ids=["naive", "words", "no-length", "zone", "missing"],
)
def test_times_that_cannot_be_are_wrong_use(clinics, given, reason):
    assert reason in clinics.fails(2, *CREATE, *given)


def test_a_time_that_has_passed_is_refused(clinics):
    told = clinics.fails(1, *CREATE, "--opens", "2001-05-01T10:00:00Z", "--closes", "2001-05-01T11:00:00Z")
    assert told.startswith("not done (times)")
    assert clinics.json("session", "list", "--clinic", "sunrise", "--from", "2001-01-01T00:00:00Z") == []


def test_a_plan_without_session_links_is_told_which_plan_is_needed(clinics):
    told = clinics.fails(1, "session", "create", "--clinic", "small", "--owner", "dr-fox", *TIMES)
    assert "professional or premium or enterprise, or the add-on sessions" in told


def test_a_reference_stands_for_one_session_until_that_is_cancelled(clinics):
    first = clinics.json(*CREATE, *TIMES, "--reference", "A-1")
    assert first["id"] in clinics.fails(1, *CREATE, *TIMES, "--reference", "A-1")
    clinics.json("session", "cancel", first["id"])
    second = clinics.json(*CREATE, *TIMES, "--reference", "A-1")
    assert second["id"] != first["id"]
    assert not {seat["link"] for seat in first["seats"]} & {seat["link"] for seat in second["seats"]}


def test_a_session_that_is_moved_keeps_its_links_and_is_listed_on_its_new_day(clinics):
    made = clinics.session()
    opens, closes = clinics.at(10 * 86_400), clinics.at(10 * 86_400 + 1800)
    moved = clinics.json("session", "reschedule", made["id"], "--opens", opens, "--closes", closes)
    assert moved["seats"] == made["seats"]
    listed = clinics.json("session", "list", "--clinic", "sunrise", "--owner", "dr-lee")
    assert [each["id"] for each in listed] == [made["id"]]
    assert clinics.json("session", "list", "--clinic", "sunrise", "--to", clinics.at(5 * 86_400)) == []


def test_a_session_that_cannot_be_moved_stays_where_it_was(clinics):
    made = clinics.session(opens_in_s=0)
    clinics.json("session", "end", made["id"])
    times = ("--opens", clinics.at(86_400), "--closes", clinics.at(90_000))
    assert clinics.fails(1, "session", "reschedule", made["id"], *times).startswith("not done (ended)")
    listed = clinics.json("session", "list", "--clinic", "sunrise")
    assert [(each["id"], each["status"], each["opens_at"]) for each in listed] == [
        (made["id"], "ended", made["opens_at"])
    ]


@pytest.mark.parametrize("what", ["show", "cancel", "end"])
def test_an_unknown_session_is_one_line(clinics, what):
    assert clinics.fails(1, "session", what, "0123456789abcdef") == "there is no session 0123456789abcdef"
    assert clinics.fails(1, "session", what, "nonsense") == "there is no session nonsense"


def test_lines_for_people_hold_every_link(clinics):
    made = clinics.session("--guest", "Ada")
    shown = clinics.run("session", "show", made["id"]).stdout
    assert all(seat["link"] in shown for seat in made["seats"])
    assert "guest Ada" in shown
