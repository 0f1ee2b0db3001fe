"""An operator's own templates: each fault with its file and line, before any guest meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Config
from gateway.edge.template_faults import template_faults, unused_templates
from gateway.edge.templating import BUILT_IN

POLICY = Config().policy()


def faults(folder: Path, **files: str) -> list[str]:
    """What is told of these templates, without the folder's own name."""
    for name, text in files.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return [str(fault).removeprefix(f"{folder}/") for fault in template_faults(folder, POLICY)]


def test_our_own_templates_have_no_faults() -> None:
    assert template_faults(BUILT_IN, POLICY) == []


def test_an_empty_folder_has_no_faults_and_one_that_is_not_there_has(tmp_path: Path) -> None:
    assert template_faults(tmp_path, POLICY) == []
    assert "is not a folder" in str(template_faults(tmp_path / "nowhere", POLICY)[0])


@pytest.mark.parametrize("page", ["notice", "hold", "landing", "refusal", "sign_in", "desk", "unknown_link"])
def test_what_no_page_has_is_told_for_each_page(tmp_path: Path, page: str) -> None:
    (found,) = faults(tmp_path, **{page: "<p>\n{{ no_such_thing }}"})
    assert found == f"{page}.html:2: 'no_such_thing' is undefined"


def test_each_fault_of_form_is_told_with_file_and_line(tmp_path: Path) -> None:
    found = faults(tmp_path, notice="ok\n\n{% if %}", hold="{{ x", parts="{{ fine }}")
    assert [fault.partition(" ")[0] for fault in found] == ["hold.html:1:", "notice.html:3:"]


def test_a_piece_that_is_included_is_told_where_it_fails(tmp_path: Path) -> None:
    found = faults(tmp_path, notice='{% include "mine.html" %}', mine="\n\n\n{{ 1 / 0 }}")
    assert found == ["mine.html:4: division by zero"]


def test_what_the_sandbox_refuses_is_told(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, notice="{{ url.__self__.__class__.__mro__ }}")
    assert found.startswith("notice.html:1:")


def test_a_template_that_replaces_none_of_ours_is_named(tmp_path: Path) -> None:
    for name in ("notice.html", "notise.html"):
        (tmp_path / name).write_text("")
    assert [path.name for path in unused_templates(tmp_path)] == ["notise.html"]
