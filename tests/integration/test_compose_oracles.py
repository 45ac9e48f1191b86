"""The example issue before two judges: the reference implementation of MJML, and axe-core."""

import html
import json
import re
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from browser import chromium, picture, run
from editions import editions

from flashback.compose import edition as composing
from flashback.compose import mjml as compiling

from fixtures import npm

GOLDEN = Path(__file__).parents[1] / "golden"
LANGUAGES = ("fr", "ar", "en")
#: Rules for whole pages: a mail is shown inside of one, which has the landmarks.
OF_PAGES = {"landmark-one-main", "region"}
#: Of 255. White space between inline elements moves a word by a part of a dot.
EDGE = 64
AXE = """<script>addEventListener("load", async () => {
const found = await axe.run(document, { resultTypes: ["violations"] });
const out = document.createElement("pre");
out.id = "report";
out.textContent = JSON.stringify({
  passes: found.passes.length,
  violations: found.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)]),
});
document.body.append(out);
});</script>"""

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
]


@pytest.mark.skipif(not npm.has("axe-core"), reason="axe-core is not installed")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing(tmp_path: Path, language: str, *, dark: bool) -> None:
    """No violation of a rule that a mail can meet, contrast included."""
    mail = (GOLDEN / f"{language}.html").read_text(encoding="utf-8")
    engine = npm.script("axe-core/axe.min.js").replace("</script", "<\\/script")
    page = tmp_path / "page.html"
    page.write_text(
        mail.replace("</body>", f"<script>{engine}</script>{AXE}</body>"), encoding="utf-8"
    )
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    printed = run(
        page, "--dump-dom", "--window-size=800,1200", "--virtual-time-budget=20000", scheme
    )
    found = re.search('<pre id="report">(.*?)</pre>', printed, re.DOTALL)
    assert found, printed[-1000:]
    report = json.loads(html.unescape(found[1]))
    assert report["passes"] > 15
    assert [v for v in report["violations"] if v[0] not in OF_PAGES] == []


def unlike(one: Image.Image, other: Image.Image) -> float:
    """The share of dots that differ by more than the softening of a letter's edge."""
    levels = ImageChops.difference(one, other).convert("L").histogram()
    return sum(levels[EDGE:]) / sum(levels)


@pytest.mark.skipif(not npm.has("mjml"), reason="mjml is not installed")
def test_the_reference_draws_the_same_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another HTML, the same mail to the eye: on a desk, and in the narrowest window."""
    said: list[str] = []

    def by_the_reference(source: str) -> str:
        markup, errors = npm.mjml(compiling.ascii_entities(source))
        said.extend(errors)
        return markup

    ours = {edition.language: edition.html for edition in editions()}
    monkeypatch.setattr(composing, "compile_mjml", by_the_reference)
    theirs = {edition.language: edition.html for edition in editions()}
    assert said == []
    for language in LANGUAGES:
        assert ours[language] != theirs[language]
        for width in (600, 500):
            drawn = []
            for name, markup in (("ours", ours[language]), ("theirs", theirs[language])):
                page = tmp_path / f"{name}.html"
                page.write_text(markup, encoding="utf-8")
                target = tmp_path / f"{name}-{language}-{width}.png"
                picture(page, target, width=width, height=5000, dark=False)
                drawn.append(Image.open(target).convert("RGB"))
            assert unlike(*drawn) < 1 / 10_000, f"{language} at {width}"
            assert len(drawn[0].resize((60, 500)).getcolors(100_000) or ()) > 50


def test_two_pictures_can_be_unlike() -> None:
    """A paragraph that is missing is seen; a softer edge is not."""
    page = Image.new("RGB", (600, 5000), "#ffffff")
    missing = page.copy()
    missing.paste("#333c38", (100, 100, 300, 120))
    softer = page.copy()
    softer.paste("#e0e0e0", (100, 100, 300, 120))
    assert unlike(page, missing) > 1 / 10_000
    assert unlike(page, softer) == 0
