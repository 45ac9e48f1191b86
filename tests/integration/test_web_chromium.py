"""The reader's page in a real browser, with the policy that a server sends."""

import datetime as dt
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from browser import chromium

from flashback.config import Config, LinksConfig, NewsletterConfig
from flashback.model import Address, Subscriber, SubscriberStatus
from flashback.tokens import SigningKey, unsubscribe_token
from flashback.web import application, listen

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
]
KEY = SigningKey(b"a key of more than sixteen octets")
BAND = {False: (14, 74, 59), True: (12, 59, 48)}
PAGE = {False: (239, 234, 224), True: (18, 23, 26)}


class At:
    def now(self) -> dt.datetime:
        return dt.datetime(2011, 9, 2, tzinfo=dt.UTC)


@dataclass(frozen=True)
class OneReader:
    """An address book with one page."""

    language: str

    def find(self, subscriber_id: int) -> Subscriber:
        return Subscriber(
            id=subscriber_id,
            address=Address(mailbox="nadia@example.org", key="nadia@example.org"),
            language=self.language,
            status=SubscriberStatus.CONFIRMED,
        )

    def unsubscribe(self, subscriber_id: int, *, at: dt.datetime, source: str) -> Subscriber:
        raise AssertionError("looking at a page lets nobody go")


@pytest.fixture(params=["fr", "ar"])
def page(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the page with the button."""
    config = Config(
        newsletter=NewsletterConfig(name="Flash-back", sender="f@example.org", list_id="f.example"),
        links=LinksConfig(unsubscribe="https://example.org/unsubscribe/{token}"),
    )
    answers = application(config, book=OneReader(request.param), key=KEY, clock=At())
    server = listen(answers, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"{server.url}/unsubscribe/{unsubscribe_token(KEY, subscriber_id=1)}"
    server.shutdown()
    thread.join()
    assert server.end()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_browser_draws_what_was_meant(page: str, tmp_path: Path, *, dark: bool) -> None:
    """The policy lets the style in; the band is green, the page cream, and the button is there."""
    program, target = chromium(), tmp_path / "page.png"
    assert program
    subprocess.run(
        [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--force-device-scale-factor=1",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=500,760",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--screenshot={target}", page,
        ],
        check=True, capture_output=True, timeout=90,
    )  # fmt: skip
    with Image.open(target) as picture:
        seen = picture.convert("RGB")
    assert seen.getpixel((4, 4)) == BAND[dark]
    assert seen.getpixel((4, seen.height - 4)) == PAGE[dark]
    button = {False: (14, 74, 59), True: (143, 211, 184)}[dark]
    below = seen.crop((0, 130, seen.width, seen.height)).getcolors(1 << 20)
    assert next(count for count, colour in below or () if colour == button) > 5_000
