"""What tests of every kind share: a store on each database, and the house's own language.

Where FLASHBACK_TESTS_NOTHING_SKIPPED is set, as it is before anything lands, a skip is a failure.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from fixtures.postgresql import postgresql_server, postgresql_url
from fixtures.restarts import restartable_postgresql
from fixtures.stages import cell_models, on_each, on_sqlite

__all__ = [
    "cell_models",
    "on_each",
    "on_sqlite",
    "postgresql_server",
    "postgresql_url",
    "restartable_postgresql",
]

# A busy machine fails no test; what must be fast has a bound of its own.
settings.register_profile("flashback", deadline=None)
settings.load_profile("flashback")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped, by a mark, a fixture or itself."""
    return _unskipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that is skipped as a whole."""
    return _unskipped((yield))


def _unskipped(report: Report) -> Report:
    # An expected failure calls itself skipped as well, but the test was run.
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("FLASHBACK_TESTS_NOTHING_SKIPPED"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped here. {reason}"
    return report


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet, on each database that is promised."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept for the next process is kept among the tests, not at home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests read English, whatever the machine speaks."""
    monkeypatch.setenv("LANGUAGE", "en")
