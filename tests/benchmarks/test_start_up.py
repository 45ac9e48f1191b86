"""How long staff wait for a word: measured in pairs, against what Click alone costs."""

import os
import statistics
import subprocess
import sys
import time

import pytest

PAIRS = 15


def seconds(*arguments: str) -> float:
    # Without the coverage of the test suite, which would weigh on both sides.
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=plain)
    return time.perf_counter() - began


@pytest.mark.slow
def test_help_costs_at_most_twice_click() -> None:
    """``flashback --help`` takes at most twice ``python -c 'import click'``: median of pairs."""
    ratios = [
        seconds("-m", "flashback", "--help") / seconds("-c", "import click") for _ in range(PAIRS)
    ]
    assert statistics.median(ratios) < 2.0, sorted(ratios)
