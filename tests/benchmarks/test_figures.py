from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import table
from benchmarks.document import BEGIN, END, PAGE, document
from benchmarks.drawing import Scale, draw
from benchmarks.figures import QUICK, Figure, Size, Spread

SVG = "{http://www.w3.org/2000/svg}"
SOME = [
    Figure("GET 1 KB", 20.0, "µs CPU", who="nginx", ratio=Spread(1, 1, 1), p50_ms=1.0, p99_ms=2.5, peak_mib=16),
    Figure("GET 1 KB", 38.5, "µs CPU", who="link gateway", ratio=Spread(1.9, 1.7, 2.4), note="its store apart"),
    Figure("GET 1 KB", 1.9, "x nginx", who="link gateway", at_most=2.2, stretch=1.4, spread=(1.7, 2.4)),
    Figure("start", 900.0, "ms", who="link gateway", at_most=800),
]
MACHINE = {**table.machine(0.1, {"nginx": "1.22.1"}), "size": {"rounds": 7, "seconds": 1.0}}


def test_a_ratio_is_made_within_each_repetition():
    assert Spread.of([10, 40, 30], [10, 10, 30]) == Spread(1, 1, 4)


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        pytest.param(Figure("", 2.0, "", at_most=2.0), "reached", id="at most, exactly"),
        pytest.param(Figure("", 2.001, "", at_most=2.0), "missed", id="at most, more"),
        pytest.param(Figure("", 0.8, "", at_least=0.8), "reached", id="at least, exactly"),
        pytest.param(Figure("", 0.79, "", at_least=0.8), "missed", id="at least, less"),
        pytest.param(Figure("", 5.0, ""), "", id="nothing wanted"),
    ],
)
def test_a_figure_is_judged_by_what_is_wanted_of_it(figure: Figure, verdict: str):
    assert figure.verdict == verdict


def test_what_is_kept_as_json_reads_back_as_the_same_figures(tmp_path: Path):
    table.write(tmp_path / "deep" / "bench.json", QUICK, SOME, MACHINE)
    results = table.read(tmp_path / "deep" / "bench.json")
    assert results.figures == SOME
    assert {"processor", "kernel", "python", "versions", "load_before", "size"} <= set(results.machine)
    assert json.loads((tmp_path / "deep" / "bench.json").read_text())["figures"][2]["verdict"] == "reached"


def test_the_table_shows_each_figure_beside_its_target_and_no_empty_column():
    lines = table.text(SOME[2:]).splitlines()
    assert "p50 ms" not in lines[0]
    assert lines[1].split() == [
        *("GET", "1", "KB", "link", "gateway", "1.90", "x", "nginx", "1.70..2.40"),
        *("at", "most", "2.2,", "better", "1.4", "reached"),
    ]
    assert lines[2].split()[-4:] == ["at", "most", "800", "missed"]


def test_markdown_has_as_many_cells_in_every_line():
    lines = [line for line in table.markdown(SOME).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(SOME)
    assert len({line.count("|") for line in lines}) == 1


def test_the_picture_has_a_bar_for_each_ratio_and_a_mark_where_one_is_wanted():
    picture = ET.fromstring(draw(SOME))
    kinds = [each.get("class") for each in picture.iter()]
    assert picture.tag == f"{SVG}svg"
    assert [kind for kind in kinds if kind and kind.startswith("bar")] == ["bar", "bar ours"]
    assert kinds.count("want") == 1


def test_equal_steps_of_the_picture_double():
    scale = Scale([Figure("", 1, "", ratio=Spread(2, 1, 4))])
    steps = [scale.x(ratio) for ratio in (1, 2, 4)]
    assert steps[1] - steps[0] == pytest.approx(steps[2] - steps[1], abs=0.2)
    assert steps[0] < steps[1]


def test_results_replace_only_what_stands_between_the_marks(tmp_path: Path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    table.write(tmp_path / "bench.json", QUICK, SOME, MACHINE)
    document(table.read(tmp_path / "bench.json"), page)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "old" not in text
    assert "1 of 2 figures reached; missed: start (900)." in text
    assert ET.parse(tmp_path / "performance.svg").getroot().tag == f"{SVG}svg"


def test_the_page_has_a_place_for_results():
    text = PAGE.read_text(encoding="utf-8")
    assert 0 <= text.find(BEGIN) < text.find(END)


@pytest.mark.parametrize(
    ("size", "row", "slow", "wanted"),
    [
        pytest.param(Size(400, 1, 1, (), quick=False), "64k", True, True, id="all rows"),
        pytest.param(Size(400, 1, 1, (), quick=True), "64k", True, False, id="a quick look leaves slow ones out"),
        pytest.param(Size(400, 1, 1, ("64k",), quick=True), "64k", True, True, id="unless it is asked for"),
        pytest.param(Size(400, 1, 1, ("1k",), quick=False), "64k", False, False, id="others are asked for"),
    ],
)
def test_rows_are_chosen_by_name(size: Size, row: str, slow: bool, wanted: bool):
    assert size.wants(row, slow=slow) is wanted
