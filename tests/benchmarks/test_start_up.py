"""How long staff wait for a word: measured in pairs, against what Click alone costs."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.newsletters import Newsletter

PAIRS = 15


def seconds(*arguments: str, folder: Path | None = None) -> float:
    # Without the coverage of the test suite, which would weigh on both sides.
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, env=plain, cwd=folder
    )
    return time.perf_counter() - began


@pytest.mark.slow
def test_help_costs_at_most_twice_click() -> None:
    """``flashback --help`` takes at most twice ``python -c 'import click'``: median of pairs."""
    ratios = [
        seconds("-m", "flashback", "--help") / seconds("-c", "import click") for _ in range(PAIRS)
    ]
    assert statistics.median(ratios) < 2.0, sorted(ratios)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("list", "--limit", "20"), ("add", "x{}@example.org")])
def test_a_look_at_the_book_costs_little_more_than_its_libraries(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """Listing and adding take at most half as much again as importing what they rest on.

    ``tests/benchmarks/subscribers.py`` holds them against the goal, among a million people.
    """
    folder = Newsletter.made(tmp_path / "letter", readers=30).folder
    command = ("-m", "flashback", "subscribers")
    ratios = [
        seconds(*command, *(word.format(pair) for word in arguments), folder=folder)
        / seconds("-c", "import click, sqlalchemy")
        for pair in range(PAIRS)
    ]
    assert statistics.median(ratios) < 1.5, sorted(ratios)
