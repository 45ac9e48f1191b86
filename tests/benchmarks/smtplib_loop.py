"""What one writes in an afternoon: build each message with ``email``, send it with ``smtplib``.

    python tests/benchmarks/smtplib_loop.py PORT OCTETS COUNT

It keeps no account, and one connection. Prints one JSON object.
"""

import json
import resource
import smtplib
import sys
import time
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.editions import edition


def main(port: str, octets: str, count: str) -> None:
    """Send, and say how it went."""
    typeset = edition(int(octets))
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    with smtplib.SMTP("127.0.0.1", int(port)) as client:
        for number in range(int(count)):
            link = f"https://news.example.org/unsubscribe/{number}"
            message = EmailMessage()
            message["From"] = "flash-back@example.org"
            message["To"] = f"reader{number}@example.org"
            message["Subject"] = typeset.subject
            message["Message-ID"] = f"<{number}@example.org>"
            message["List-Unsubscribe"] = f"<{link}>"
            message.set_content(typeset.text.replace("__FB_UNSUBSCRIBE_URL__", link))
            message.add_alternative(
                typeset.html.replace("__FB_UNSUBSCRIBE_URL__", link), subtype="html"
            )
            client.send_message(message)
    after = resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "seconds": time.monotonic() - begun,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory_mib": after.ru_maxrss / 1024,
    }
    print(json.dumps(report))  # noqa: T201 - the last line is the interface


if __name__ == "__main__":
    main(*sys.argv[1:])
