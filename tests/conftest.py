"""What every test may ask for, and what may not be skipped.

Rule that holds here: with LINK_GATEWAY_TESTS_STRICT=1 a test that would be skipped fails instead, with the reason, so
that nothing goes unchecked for a missing program.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

STRICT = os.environ.get("LINK_GATEWAY_TESTS_STRICT", "") not in {"", "0"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where nothing may be skipped."""
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file."""
    report = yield
    if STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {_reason(report.longrepr)}"
    return report


def _reason(told: object) -> str:
    return str(told[2]) if isinstance(told, tuple) else str(told)


def pytest_collection_finish() -> None:
    """All tests stay to the end: no search for garbage may look through them while one of them counts milliseconds."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _level_of_logs() -> Generator[None]:
    """A command that is run within a test sets how much is logged; the next test finds it as it was."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@pytest.fixture(scope="session")
def program() -> Callable[..., Path]:
    """Finds a program by any of its names, on PATH or in /usr/sbin; without it the test is skipped."""

    def find(*names: str) -> Path:
        search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
        for name in names:
            if found := shutil.which(name, path=search):
                return Path(found)
        pytest.skip(f"{names[0]} is not installed")

    return find


@pytest.fixture(scope="session")
def nginx(program: Callable[..., Path]) -> Path:
    """Where nginx is."""
    return program("nginx")


@pytest.fixture(scope="session")
def chromium(program: Callable[..., Path]) -> Path:
    """Where a Chromium is."""
    return program("chromium", "chromium-browser", "google-chrome")
