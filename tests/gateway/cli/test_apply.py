"""`apply`: what the file says, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.logos import read_logo
from tests.rules.pictures import png

ONE = """
[[clinics]]
slug = "sunrise"
name = "Sunrise Clinic"
plan = "{plan}"
time_zone = "Europe/Vienna"
hours = {{ mon = ["09:00-12:00", "13:00-17:00"] }}
closed_text = "In an emergency call 112."

[[clinics.rooms]]
owner = "{owner}"
name = "Dr Lee"
aliases = [{aliases}]
"""

BAD = """
[[clinics]]
slug = "Sunrise"
name = " "
plan = "profesional"
addons = ["session"]
time_zone = "Europe/Viena"
hours = { mon = ["09:00-12:00", "11:00-17:00"], tue = ["9-12"], tues = [], wed = ["12:00-09:00"] }
colour = "red"
branding = { accent = "#ff8800", logo = "nowhere.png" }
words = { de = { knocked = "Hallo" } }

[[clinics.rooms]]
owner = "dr-lee"
aliases = ["dr-lee", "static"]

[[clinics]]
slug = "static"
name = "Static"
plan = "premium"
closed_text = "words"
"""

FAULTY = {
    "clinics[0].slug",
    "clinics[0].name",
    "clinics[0].plan",
    "clinics[0].addons[0]",
    "clinics[0].time_zone",
    "clinics[0].hours.mon",
    "clinics[0].hours.tue[0]",
    "clinics[0].hours.tues",
    "clinics[0].hours.wed[0]",
    "clinics[0].colour",
    "clinics[0].branding.accent",
    "clinics[0].branding.logo",
    "clinics[0].words.de.knocked",
    "clinics[0].rooms[0].name",
    "clinics[0].rooms[0].aliases[0]",
    "clinics[1].slug",
    "clinics[1].closed_text",
}


LOOK = """
[[clinics]]
slug = "sunrise"
name = "Sunrise Clinic"
plan = "professional"
email = "desk@sunrise.example"
website = "https://sunrise.example"
branding = { accent = "#0a5a6a", background = "#fff8e7", logo = "logo.png" }
words = { de = { ended = "Danke." } }
hours = { closed_on = ["2026-12-25"], mon = ["09:00-12:00"] }
"""


@pytest.fixture
def apply(gateway, tmp_path: Path):
    """Writes a file, and applies it."""

    def run(*more: str, plan: str = "professional", owner: str = "dr-lee", aliases: str = "") -> list[str]:
        file = tmp_path / "one.toml"
        file.write_text(ONE.format(plan=plan, owner=owner, aliases=aliases))
        result = gateway.run("apply", str(file), *more)
        assert result.exit_code == 0, result.output
        lines: list[str] = result.stdout.splitlines()
        return lines

    return run


def test_the_same_file_twice_changes_nothing_the_second_time(gateway, apply):
    assert apply() == ["clinic sunrise: made", "room sunrise/dr-lee: made"]
    assert apply() == ["nothing to change"]
    shown = gateway.json("clinic", "show", "sunrise")
    assert shown["hours"] == {"mon": ["09:00-12:00", "13:00-17:00"]}
    assert shown["rooms"] == ["dr-lee"]


def test_a_dry_run_says_what_would_change_and_writes_nothing(gateway, apply):
    assert apply("--dry-run")[-1] == "dry run: nothing was written"
    assert gateway.json("clinic", "list") == []
    apply()
    assert apply("--dry-run", plan="premium")[0] == "clinic sunrise: plan professional -> premium"
    assert gateway.json("clinic", "show", "sunrise")["plan"] == "professional"


def test_a_renamed_room_stays_the_same_room_and_keeps_its_old_address(gateway, apply):
    apply()
    before = gateway.json("room", "show", "sunrise", "dr-lee")
    told = apply(owner="dr-lee-young", aliases='"dr-lee"')
    assert told == ["room sunrise/dr-lee-young: renamed from dr-lee; its old link goes on working"]
    assert apply(owner="dr-lee-young", aliases='"dr-lee"') == ["nothing to change"]
    after = gateway.json("room", "show", "sunrise", "dr-lee")
    assert (after["id"], after["owner"], after["aliases"]) == (before["id"], "dr-lee-young", ["dr-lee"])


def test_an_alias_that_was_never_a_name_leads_to_its_room(gateway, apply):
    apply(aliases='"lee"')
    assert gateway.json("room", "show", "sunrise", "lee")["owner"] == "dr-lee"


def test_a_room_cannot_take_the_address_of_another(gateway, apply, tmp_path):
    apply()
    apply(owner="dr-kim")
    file = tmp_path / "both.toml"
    file.write_text(ONE.format(plan="professional", owner="dr-kim", aliases='"dr-lee"'))
    assert "clinics[0].rooms[0].owner" in gateway.fails(2, "apply", str(file))


def test_every_fault_of_the_file_is_told_at_once(gateway, tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text(BAD)
    result = gateway.run("apply", str(file))
    assert result.exit_code == 2
    told = {line.partition(" = ")[0].partition(": ")[0] for line in result.stderr.splitlines()}
    assert told == FAULTY


def test_a_file_that_is_not_there_or_no_toml_is_one_line(gateway, tmp_path):
    assert "cannot be read" in gateway.fails(2, "apply", str(tmp_path / "nowhere.toml"))
    file = tmp_path / "no.toml"
    file.write_text("clinics = [")
    assert "is not TOML" in gateway.fails(2, "apply", str(file))


def test_what_changes_is_told_as_json_too(gateway, tmp_path):
    file = tmp_path / "one.toml"
    file.write_text(ONE.format(plan="premium", owner="dr-lee", aliases=""))
    said = gateway.json("apply", str(file), "--dry-run")
    assert said["dry_run"] is True
    assert [(each["kind"], each["name"]) for each in said["changes"]] == [
        ("clinic", "sunrise"),
        ("room", "sunrise/dr-lee"),
    ]


def test_look_and_words_of_a_clinic_come_from_the_file_with_its_logo_beside_it(gateway, tmp_path: Path) -> None:
    file = tmp_path / "look.toml"
    file.write_text(LOOK)
    (tmp_path / "logo.png").write_bytes(png())
    assert gateway.run("apply", str(file)).output.splitlines() == ["clinic sunrise: made"]
    assert gateway.run("apply", str(file)).output.splitlines() == ["nothing to change"]
    (tmp_path / "logo.png").write_bytes(png(3, 3))
    (line,) = gateway.run("apply", str(file)).output.splitlines()
    assert "branding" in line
    assert read_logo(png(3, 3)).name in line
    assert "desk@sunrise.example" in gateway.run("clinic", "show", "sunrise").output


def test_an_unreadable_colour_in_the_file_is_told_with_its_ratio(gateway, tmp_path: Path) -> None:
    file = tmp_path / "look.toml"
    file.write_text(LOOK.replace("#0a5a6a", "#ff8800"))
    (tmp_path / "logo.png").write_bytes(b"<svg></svg>")
    result = gateway.run("apply", str(file))
    assert result.exit_code == 2
    assert "clinics[0].branding.accent" in result.output
    assert "2.39:1" in result.output
    assert "must be a PNG or WebP picture" in result.output
