# ruff: noqa: T201 - a program that prints what it found
"""Fuzz until time is up: ``make fuzz SECONDS=60``; with atheris when it is there.

    python tests/fuzz/run.py --seconds 60 --target honest
    python tests/fuzz/run.py --target honest --replay 0102...

Atheris (pip install atheris) is guided by coverage; without it the octets are random, which finds
less. Either way an input that breaks a promise is printed, to be replayed.
"""

import argparse
import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def guided(target: str, seconds: float) -> int:
    """With atheris, in a process of its own: it ends by leaving it."""
    command = [sys.executable, __file__, "--guided", target, "--seconds", str(seconds)]
    return subprocess.run(command, check=False).returncode


def under_atheris(target: str, seconds: float) -> None:
    """What that process does; never returns."""
    # An optional tool, without stubs.
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # noqa: PLC0415

    with atheris.instrument_imports(include=["flashback.smtp"]):
        from fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented on the way in

    options = [f"-max_total_time={seconds:.0f}", "-max_len=600", "-len_control=0"]
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


def unguided(target: str, seconds: float, seed: int) -> int:
    """Random octets; how many inputs were tried stands in the last line."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - not before atheris has had its turn

    chance, end, tried = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = chance.randbytes(chance.choice([5, 40, 200, 600]))
        try:
            TARGETS[target](data)
        except Exception:
            print(f"{target} is broken by: --replay {data.hex()}")
            raise
        tried += 1
    print(f"{target}: {tried:,} inputs at random (seed {seed}), no promise broken")
    return 0


def main() -> int:
    """Share the time among the targets."""
    parser = argparse.ArgumentParser(description="Hostile octets.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--target", choices=["replies", "hostile", "honest"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", action="store_true", help="do without atheris")
    parser.add_argument("--replay", help="one input, as printed")
    parser.add_argument("--guided", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.guided:
        under_atheris(chosen.guided, chosen.seconds)
    if chosen.replay:
        from fuzz.targets import TARGETS  # noqa: PLC0415

        TARGETS[chosen.target](bytes.fromhex(chosen.replay))
        return 0
    targets = [chosen.target] if chosen.target else ["replies", "hostile", "honest"]
    each = chosen.seconds / len(targets)
    has_guide = importlib.util.find_spec("atheris") is not None and not chosen.random
    for target in targets:
        code = guided(target, each) if has_guide else unguided(target, each, chosen.seed)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
