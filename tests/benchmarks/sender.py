"""One mailing from opening to its end, as its own process, so that memory and CPU are its own.

    python tests/benchmarks/sender.py WORKSPACE OCTETS

Opens a mailing of one edition to everybody in the workspace's store and sends it through the
same parts as ``flashback send``. Prints one JSON object: seconds, CPU seconds, peak memory. The
clock of ``opened`` and ``began`` is the machine's monotonic one.
"""

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.editions import edition
from flashback.model import Plan
from flashback.workspace import Workspace, line, mailroom


def main(folder: str, octets: str) -> None:
    """Send, and say how it went."""
    workspace = Workspace.at(Path(folder))
    typeset = edition(int(octets))
    sample = mailroom.sample(workspace, typeset)
    plan = Plan(
        editions=(typeset,),
        fallback="fr",
        sender=workspace.sender(workspace.clock.now()).public,
        again=True,
    )
    confirmed = time.monotonic()
    mailing = workspace.ledger.open(plan, workspace.clock.now())
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF)
    line.dispatch(
        workspace,
        mailing.id,
        limit=None,
        wait=False,
        tell=lambda _settlements: None,
        warn=lambda sentence: print(sentence, file=sys.stderr),  # noqa: T201
        word=str,
        stop=lambda: False,
    )
    ended = time.monotonic()
    after = resource.getrusage(resource.RUSAGE_SELF)
    counts = workspace.ledger.account(mailing.id)
    report = {
        "octets": len(sample.content),
        "is_signed": b"DKIM-Signature:" in sample.content,
        "confirmed": confirmed,
        "opening": began - confirmed,
        "seconds": ended - began,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory_mib": after.ru_maxrss / 1024,
        "counts": {str(state): count for state, count in counts.counts.items() if count},
    }
    print(json.dumps(report))  # noqa: T201 - the last line is the interface


if __name__ == "__main__":
    main(*sys.argv[1:])
