# ruff: noqa: T201 - a program whose tables are its point
"""How long it takes to compose the example issue: warm, and as a whole cold process.

    python tests/benchmarks/composing.py [--rounds 15]

Warm: issue read, theme loaded, one edition composed again and again; the median of all. Cold: a
whole ``flashback compose`` of one edition, beside a process that only imports the libraries it
rests on; in pairs, and the ratio is the median of the ratios within each pair. Both have run once
before, as on any day but the first: Python has compiled its modules, and we our templates. Neither
is left to what the shell says (PYTHONDONTWRITEBYTECODE) or has from other days.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from flashback import config
from flashback.compose import compose, load_theme
from flashback.issues import read_issues
from flashback.resources import example_issue, example_settings, templates

IMPORTS: Final = "import click, jinja2, premailer, mjml"
#: Goals: milliseconds, and how many times the imports.
WARM_GOAL, COLD_GOAL = 60, 1.5


def warm(rounds: int) -> dict[str, float]:
    """Milliseconds for each edition: the median, after one that is not counted."""
    settings = config.load(example_settings())
    theme = load_theme(templates=templates("email"))
    issues = [reading.issue for reading in read_issues(example_issue()) if reading.issue]
    languages = tuple(issue.language for issue in issues)
    found = {}
    for issue in issues:
        times = []
        for _ in range(rounds + 1):
            began = time.perf_counter()
            compose(
                issue, theme, newsletter=settings.newsletter, links=settings.links,
                languages=languages,
            )  # fmt: skip
            times.append(time.perf_counter() - began)
        found[issue.language] = 1000 * statistics.median(times[1:])
    return found


def seconds(folder: Path, *arguments: str) -> float:
    """One process, from start to end; what it keeps for the next one is kept in the folder."""
    kept = {"PYTHONPYCACHEPREFIX": str(folder / "pycache"), "XDG_CACHE_HOME": str(folder / "cache")}
    environment = os.environ | kept
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, *arguments]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment)
    return time.perf_counter() - began


def cold(rounds: int) -> tuple[float, float, float]:
    """Seconds of composing, seconds of importing, and the ratio: medians of pairs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(example_settings(), folder / "flashback.toml")
        (folder / "issues").mkdir()
        shutil.copy(example_issue() / "fr.md", folder / "issues" / "35.fr.md")
        whole = ("-m", "flashback", "compose", "issues/35.fr.md")
        imports = ("-c", IMPORTS)
        for first in (whole, imports):
            seconds(folder, *first)
        pairs = [(seconds(folder, *whole), seconds(folder, *imports)) for _ in range(rounds)]
    return (
        statistics.median(ours for ours, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(ours / theirs for ours, theirs in pairs),
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"warm, one edition (goal: {WARM_GOAL} ms)")
    for language, milliseconds in warm(rounds).items():
        print(f"  {language}  {milliseconds:6.1f} ms")
    ours, theirs, ratio = cold(rounds)
    print(f"cold, a whole process (goal: {COLD_GOAL} times the imports)")
    print(f"  flashback compose, one edition  {ours:.3f} s")
    print(f"  {IMPORTS}  {theirs:.3f} s")
    print(f"  ratio  {ratio:.2f}   ({os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
