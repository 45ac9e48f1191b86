"""The strict relay as a program of its own: what it logs it has, and what it has it keeps."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from flashback.model import Result

from fixtures import letters, relays
from fixtures.sending import relay_to, send_all


def test_program_keeps_what_it_took(tmp_path: Path) -> None:
    """Log and Maildir agree with the outcomes, also after a SIGTERM."""
    maildir, log = tmp_path / "mail", tmp_path / "log"
    program = [sys.executable, relays.__file__, "--maildir", str(maildir), "--log", str(log)]
    with subprocess.Popen([*program, "--delay-ms", "1"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        messages = [letters.message(n) for n in range(1, 6)]
        outcomes, error = send_all(relay_to(port, seconds=5), messages)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert error is None
    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED] * 5
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["message_id"] for line in lines] == [m.message_id for m in messages]
    assert [line["recipient"] for line in lines] == [m.envelope.recipient for m in messages]
    kept = sorted((maildir / "new").iterdir())
    assert [file.read_bytes() for file in kept] == [m.content for m in messages]
