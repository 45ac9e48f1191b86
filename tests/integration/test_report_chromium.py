"""The report's page in a real browser: its own rules let its style in, and nothing else."""

import datetime as dt
import sys
from pathlib import Path

import pytest
from PIL import Image

from flashback import resources
from flashback.model import Account, DeliveryState, Mailing, MailingState
from flashback.reporting import Domain, Figures, reasons_of
from flashback.reporting.page import page

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
from browser import chromium, picture, run

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(chromium() is None, reason="needs Chromium"),
]
NOON = dt.datetime(2026, 12, 1, 12, 0, tzinfo=dt.UTC)
BRAND = (0x0E, 0x4A, 0x3B)
HOSTILE = "550 </style><script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report on a mailing that a hostile relay had a say in."""
    account = Account({DeliveryState.ACCEPTED: 90, DeliveryState.REFUSED: 10})
    found = Figures(
        mailing=Mailing(
            id=1, issue_number="35", title="Flash-back", state=MailingState.FINISHED,
            opened_at=NOON, audience=100, editions={},
        ),
        account=account,
        reasons={DeliveryState.REFUSED: reasons_of([(HOSTILE, 10)])},
        domains=[Domain(name=HOSTILE, copies=1, accepted=1, open=0, seconds=1.0)],
        pace=[(NOON + dt.timedelta(minutes=n), 10 + n) for n in range(6)],
        made_at=NOON,
        zone=dt.UTC,
    )  # fmt: skip
    path = tmp_path / "report.html"
    path.write_text(page(found, resources.templates("web"), language="en"))
    return path


def test_no_script_runs(report: Path) -> None:
    """What a relay said is shown as text, and the page keeps its title."""
    seen = run(report, "--dump-dom")
    assert "<title>Mailing 1 – Flash-back 35</title>" in seen
    assert "<script" not in seen
    assert "<img" not in seen


def test_it_looks_as_it_was_drawn(report: Path, tmp_path: Path) -> None:
    """The page's policy admits its own style sheet: the band has the newsletter's colour."""
    picture(report, tmp_path / "report.png", width=920, height=600, dark=False)
    with Image.open(tmp_path / "report.png") as image:
        assert image.convert("RGB").getpixel((460, 60)) == BRAND
