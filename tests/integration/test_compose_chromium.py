"""The example issue in a real browser: standards mode, no scrolling sideways, right to left."""

import html
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from browser import chromium, run

GOLDEN = Path(__file__).parents[1] / "golden"
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
]

#: Written into the page as JSON; the page is the mail itself, or holds it in a frame.
REPORT = """<script>addEventListener("load", () => {
const frame = document.querySelector("iframe.phone");
const d = frame ? frame.contentDocument : document, w = d.defaultView;
const style = s => { const e = d.querySelector(s); return e ? w.getComputedStyle(e) : {}; };
const box = s => d.querySelector(s).getBoundingClientRect();
const columns = [...d.querySelectorAll("ol")].map(e => e.getBoundingClientRect());
const report = {
  mode: d.compatMode,
  overflow: d.documentElement.scrollWidth - w.innerWidth,
  direction: style("h1").direction,
  quote: [style("blockquote").borderLeftWidth, style("blockquote").borderRightWidth],
  align: style("h3").textAlign,
  headings: [box("h3").left, box("h3").right],
  stacked: columns[0].bottom <= columns[1].top,
  mirrored: columns[0].left > columns[1].left,
  page: style(".page").backgroundColor,
  card: style(".card > table").backgroundColor,
  ink: style("h3").color,
  hidden: style(".preheader").display,
  foreign: [...d.querySelectorAll("div[lang]:not(.page) h3")]
    .map(e => w.getComputedStyle(e).direction),
};
const out = document.createElement("pre");
out.id = "report";
out.textContent = JSON.stringify(report);
document.body.append(out);
});</script>"""


def report(
    folder: Path, language: str, *, phone: bool = False, dark: bool = False
) -> dict[str, Any]:
    mail = (GOLDEN / f"{language}.html").read_text(encoding="utf-8")
    page = folder / "page.html"
    if phone:
        frame = '<iframe class="phone" style="border:0;width:375px;height:4000px" srcdoc="{}">'
        mail = f"<!DOCTYPE html><body>{frame.format(html.escape(mail))}</iframe></body>"
    page.write_text(mail.replace("</body>", f"{REPORT}</body>"), encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    printed = run(
        page, "--dump-dom", "--window-size=800,1200", "--virtual-time-budget=5000", scheme
    )
    found = re.search('<pre id="report">(.*?)</pre>', printed)
    assert found, printed[-2000:]
    answer: dict[str, Any] = json.loads(html.unescape(found[1]))
    return answer


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_on_a_desk(tmp_path: Path, language: str) -> None:
    """Standards mode; contents side by side; no scrolling; the preheader is hidden."""
    seen = report(tmp_path, language)
    assert seen["mode"] == "CSS1Compat"
    assert seen["overflow"] <= 0
    assert not seen["stacked"]
    assert seen["hidden"] == "none"
    assert seen["page"] == "rgb(239, 234, 224)"
    assert seen["card"] == "rgb(255, 255, 255)"
    turned = language == "ar"
    assert seen["direction"] == ("rtl" if turned else "ltr")
    assert seen["mirrored"] is turned
    assert seen["quote"] == (["0px", "3px"] if turned else ["3px", "0px"])
    assert seen["align"] == ("right" if turned else "left")
    assert seen["foreign"] == ([] if language == "fr" else ["ltr"])


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_on_a_phone(tmp_path: Path, language: str) -> None:
    """At 375 pixels the columns stack and nothing sticks out."""
    seen = report(tmp_path, language, phone=True)
    assert seen["overflow"] <= 0
    assert seen["stacked"]
    left, right = seen["headings"]
    assert 18 <= left < right <= 375 - 18


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_in_the_dark(tmp_path: Path, language: str) -> None:
    """The dark look replaces grounds and inks that stand in the elements themselves."""
    seen = report(tmp_path, language, dark=True)
    assert seen["page"] == "rgb(18, 23, 26)"
    assert seen["card"] == "rgb(27, 34, 38)"
    assert seen["ink"] == "rgb(240, 236, 227)"
