# ruff: noqa: T201 - a program whose table is its point
"""The long chaos: many seeds, one table. ``make chaos RUNS=200 SEED=1``."""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.account import Tally
from chaos.harness import BrokenPromiseError, Stage, play
from chaos.scenario import drawn

from fixtures import postgresql
from fixtures.postgresql import PostgresqlServer

_MODELS = (100, 300, 800)  #: audiences; each is imported once and copied


@contextmanager
def _postgresql(folder: Path) -> Iterator[PostgresqlServer]:
    programs = postgresql._programs()
    assert programs is not None, "PostgreSQL's server programs are missing"
    folder.chmod(0o711)
    place = folder / "postgresql"
    place.mkdir()
    yield from postgresql._served(programs, place)


def main() -> int:
    """Play one scenario after the other; the exit code says whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    chosen = parser.parse_args()
    # Whoever ends this run ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stores = ["sqlite", "postgresql"] if chosen.store == "both" else [chosen.store]
    total, broken = Tally(), 0
    folder = Path(tempfile.mkdtemp(prefix="fb-chaos-", dir="/tmp"))
    with ExitStack() as stack:
        server = stack.enter_context(_postgresql(folder)) if "postgresql" in stores else None
        stage = Stage(folder, server)
        for seed in range(chosen.seed, chosen.seed + chosen.runs):
            size = _MODELS[seed % len(_MODELS)]
            scenario = drawn(seed, stores=stores, readers=(size, size))
            print(scenario, flush=True)
            try:
                total.add(play(scenario, stage))
            except BrokenPromiseError as error:
                broken += 1
                total.counts["runs"] += 1
                print(f"BROKEN {error}", flush=True)
            else:
                shutil.rmtree(folder / f"run-{seed}")
    print(f"\nseeds {chosen.seed} to {chosen.seed + chosen.runs - 1}; broken promises: {broken}")
    print(total.table())
    if not broken:
        shutil.rmtree(folder)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
