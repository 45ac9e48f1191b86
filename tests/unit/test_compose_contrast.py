"""Colours that can be read: the ratio of WCAG, the shipped theme, and what is offered instead."""

import colorsys

import pytest
from compose_samples import theme
from hypothesis import assume, given
from hypothesis import strategies as st

from flashback.compose.contrast import NEEDED, PAIRS, contrast, judged, nearest

COLOURS = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54),
     ("#ffffff", "#ffffff", 1.0), ("#ff0000", "#ffffff", 4.0), ("#0000ff", "#ffffff", 8.59)],
)  # fmt: skip
def test_ratios_that_everybody_knows(one: str, other: str, ratio: float) -> None:
    """The figures that other contrast checkers give."""
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


def test_the_shipped_theme_can_be_read() -> None:
    """Every text has 4.5 to 1, in light and in dark, and no pair is forgotten."""
    found = list(judged(theme().tokens))
    assert len(found) == 2 * len(PAIRS)
    assert [(one.scheme, one.pair.ink, one.pair.ground) for one in found if not one.passes] == []
    inks = {"ink", "text", "muted", "brand", "accent", "band_ink", "band_muted", "tile_ink"}
    assert {pair.ink for pair in PAIRS} == inks


@given(COLOURS, COLOURS)
def test_what_is_offered_can_be_read_and_has_the_same_hue(ink: str, ground: str) -> None:
    """The offer passes; it is the colour itself where that passes; its hue is kept."""
    better = nearest(ink, [ground])
    assert contrast(better, ground) >= NEEDED
    if contrast(ink, ground) >= NEEDED:
        assert better == ink
    hue, light, saturation = hls(ink)
    assume(saturation > 0.3 and 0.2 < light < 0.8)
    other, lightness, _ = hls(better)
    if 0.1 < lightness < 0.9:
        assert min(abs(hue - other), 1 - abs(hue - other)) < 0.05


def test_one_offer_is_for_all_grounds() -> None:
    """A text on three grounds gets one colour for all of them, or none where none can be."""
    better = nearest("#9aa39e", ["#ffffff", "#f6f2e9", "#efeae0"])
    assert min(contrast(better, ground) for ground in ("#ffffff", "#f6f2e9", "#efeae0")) >= NEEDED
    assert nearest("#808080", ["#ffffff", "#000000", "#777777"]) == ""


def hls(colour: str) -> tuple[float, float, float]:
    """Hue, lightness and saturation."""
    return colorsys.rgb_to_hls(*(channel / 255 for channel in bytes.fromhex(colour[1:])))
