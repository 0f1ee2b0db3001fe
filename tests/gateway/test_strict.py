"""The rule of tests/conftest.py, tried on tests of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest

def test_that_needs_a_program(program):
    program("no-such-program", "nor-this-one")

@pytest.mark.skip(reason="one of those days")
def test_that_is_marked():
    pass

@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail():
    assert False

def test_that_finds_its_program(program):
    assert program("no-such-program", "sh").name == "sh"
"""


def run(tmp_path: Path, strict: str, file: str = "test_some.py") -> str:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text("utf-8"))
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_file.py").write_text('import pytest\npytest.importorskip("no_such_module")\n')
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            tmp_path,
            file,
        ],
        cwd=tmp_path,
        env={**os.environ, "LINK_GATEWAY_TESTS_STRICT": strict, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("strict", ["", "0"])
def test_a_missing_program_skips_its_test(strict: str, tmp_path: Path) -> None:
    assert "1 passed, 2 skipped, 1 xfailed" in run(tmp_path, strict)


def test_where_nothing_may_be_skipped_a_missing_program_fails_its_test(tmp_path: Path) -> None:
    said = run(tmp_path, "1")
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in said
    assert "nothing may be skipped here: Skipped: no-such-program is not installed" in said


def test_where_nothing_may_be_skipped_a_file_that_skips_itself_fails(tmp_path: Path) -> None:
    said = run(tmp_path, "1", "test_file.py")
    assert "nothing may be skipped here: Skipped: could not import 'no_such_module'" in said
