"""The short chaos: a few seeds, every day. The long one: ``make chaos RUNS=200``."""

import os
from pathlib import Path

import pytest

from chaos.account import Tally, compared
from chaos.harness import Stage, play, quiet_environment
from chaos.scenario import Blow, drawn

from fixtures.postgresql import PostgresqlServer

#: Each strikes a sender, one of two senders and the server; the first asks for a resend.
SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "236").split()]
SEED_ON_POSTGRESQL = 360  #: five connections, each with a window of chunks


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_lost_and_nobody_gets_two_copies(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is killed, and whenever: what the server took is accepted or named as in doubt."""
    scenario = drawn(seed, stores=["sqlite"], readers=(60, 90))
    with quiet_environment():
        tally = play(scenario, Stage(tmp_path))
    with capsys.disabled():
        print(f"\n{scenario}\n{tally.table()}")  # noqa: T201 - the figures are the point
    assert (tally.counts["lost"], tally.counts["repeated"]) == (0, 0)
    assert tally.counts["readers"] == scenario.readers


@pytest.mark.slow
@pytest.mark.postgresql
def test_nobody_is_lost_on_postgresql(tmp_path: Path, postgresql_server: PostgresqlServer) -> None:
    """The same with PostgreSQL as the store."""
    scenario = drawn(SEED_ON_POSTGRESQL, stores=["postgresql"], readers=(60, 90))
    with quiet_environment():
        tally = play(scenario, Stage(tmp_path, postgresql_server))
    assert (tally.counts["lost"], tally.counts["repeated"]) == (0, 0)


def test_the_oracle_can_say_no() -> None:
    """Lost, forgotten, repeated and doubtful readers are each called by their name."""
    ours = {
        "lost": "accepted", "again": "planned", "no": "refused", "twice": "accepted",
        "doubt": "in_doubt", "doubt2": "in_doubt", "good": "accepted",
    }  # fmt: skip
    verdict = compared(ours, ["again", "no", "twice", "twice", "doubt", "good"])
    assert verdict.false == ["lost"]
    assert verdict.forgotten == ["again", "no"]
    assert verdict.repeated == ["twice"]
    assert verdict.in_doubt == ["doubt", "doubt2"]
    assert verdict.really_accepted == 1


def test_a_seed_is_a_plan() -> None:
    """The same seed draws the same scenario, and many seeds draw every kind of blow and store."""
    stores = ["sqlite", "postgresql"]
    many = [drawn(seed, stores=stores) for seed in range(200)]
    assert many == [drawn(seed, stores=stores) for seed in range(200)]
    assert {strike.blow for scenario in many for strike in scenario.strikes} == {*Blow}
    assert {(s.store, s.connections, s.chunking) for s in many} == {
        (store, connections, chunking)
        for store in stores
        for connections in (1, 3, 5)
        for chunking in (False, True)
    }
    assert {step for scenario in many for step, _ in scenario.cuts} >= {"connect", "dot-after"}


def test_sums_keep_the_worst_kill() -> None:
    """Counts are added; of the doubts of one kill the most is kept."""
    total = Tally()
    for most in (2, 1):
        one = Tally()
        one.counts["runs"] += 1
        one.most_per_kill[5] = most
        total.add(one)
    assert total.counts["runs"] == 2
    assert total.most_per_kill == {5: 2}
    assert "most in doubt by one kill, of 5" in total.table()
