"""Chromium without a window, without a network: a page becomes a picture, or what it computed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    # No host has an address: a mail that asks for something gets nothing.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_SECONDS = 90


def chromium() -> str | None:
    """The browser's program; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def run(page: Path, *options: str) -> str:
    """Open a page with a profile of its own; what the browser printed."""
    program = chromium()
    assert program, "Chromium is not installed (Debian package chromium)"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        finished = subprocess.run(
            [program, *QUIET, f"--user-data-dir={profile}", *options, page.as_uri()],
            check=True,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    return finished.stdout


def picture(page: Path, target: Path, *, width: int, height: int, dark: bool) -> None:
    """Draw a page; 500 pixels are the least a window of Chromium has."""
    run(
        page,
        f"--window-size={width},{height}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--screenshot={target}",
    )
