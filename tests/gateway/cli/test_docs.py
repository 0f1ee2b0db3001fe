"""The documents agree with the program."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest

from gateway.cli import cli
from gateway.config import Config
from rules.reasons import Reason

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
KEY = re.compile(r"`([a-z]+)\.([a-z_]+)(?: = [^`]*)?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    broken = [target for target in LINK.findall(page.read_text("utf-8")) if not (page.parent / target).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_key_a_page_names_is_in_the_configuration(page):
    named = KEY.findall(page.read_text("utf-8"))
    sections = {name: field.annotation for name, field in Config.model_fields.items()}
    unknown = [f"{a}.{b}" for a, b in named if a in sections and b not in getattr(sections[a], "model_fields", ())]
    assert unknown == []


def test_every_reason_is_told_to_readers():
    text = (ROOT / "docs" / "links.md").read_text("utf-8")
    assert [reason.value for reason in Reason if not re.search(rf"(\| |`){reason.value}( \||`)", text)] == []


def test_every_command_is_told_to_readers():
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    names = []
    for name, command in cli.commands.items():
        names += [f"{name} {below}" for below in command.commands] if isinstance(command, click.Group) else [name]
    assert [name for name in names if f"`{name}" not in text] == []


def test_the_picture_is_well_formed_and_follows_light_and_dark():
    picture = ROOT / "docs" / "call-flow.svg"
    assert ET.parse(picture).getroot().tag.endswith("svg")
    assert "prefers-color-scheme: dark" in picture.read_text("utf-8")
