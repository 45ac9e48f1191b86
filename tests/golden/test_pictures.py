"""The pictures of the docs are what a browser draws today, as far as fonts allow."""

import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

sys.path.insert(0, str(Path(__file__).parent))

from browser import chromium
from editions import editions
from screenshots import drawn, place

from flashback.model import Edition

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
]
#: Letters differ a little from machine to machine; grounds, columns and lengths do not.
_BLOCK = 12  # pixels
_LONGER = 0.08
_UNLIKE = 14.0  # of 255, on average


@pytest.fixture(scope="module")
def composed() -> dict[str, Edition]:
    return {edition.language: edition for edition in editions()}


def coarse(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture in blocks."""
    return picture.convert("RGB").resize(
        (size[0] // _BLOCK, size[1] // _BLOCK), Image.Resampling.BOX
    )


def unlike(one: Image.Image, other: Image.Image) -> float:
    """The mean distance of two pictures' blocks, where both have some."""
    size = (one.width, min(one.height, other.height))
    blocks = [coarse(picture.crop((0, 0, *size)), size) for picture in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*blocks)).mean)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [600, 375])
@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_the_docs_show_the_mail_of_today(
    language: str, width: int, composed: dict[str, Edition], tmp_path: Path, *, dark: bool
) -> None:
    """On a desk and on a phone, light and dark. After a change that is meant: make screenshots."""
    edition = composed[language]
    now = drawn(edition, width, tmp_path, dark=dark)
    with Image.open(place(edition, width, dark=dark)) as kept:
        assert kept.width == now.width
        assert abs(kept.height - now.height) <= _LONGER * kept.height
        assert unlike(kept.convert("RGB"), now) < _UNLIKE


def test_another_scheme_is_seen(composed: dict[str, Edition], tmp_path: Path) -> None:
    """The comparison tells a light mail from a dark one, and one edition from another."""
    light = drawn(composed["fr"], 600, tmp_path, dark=False)
    dark = drawn(composed["fr"], 600, tmp_path, dark=True)
    assert unlike(light, dark) > 2 * _UNLIKE
