"""Whether the theme's colours can be read: the contrast of every text with its ground.

By WCAG 2.2, success criterion 1.4.3: 4.5 to 1 for text. Large type could do with 3, but few mail
programs keep the sizes that a mail asks for. Lines and the bar beside an excerpt are decoration.
"""

import colorsys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from flashback.compose.settings import Tokens
from flashback.sentences import Sentence, tr

NEEDED: Final = 4.5
_STEPS: Final = 255
Scheme = Literal["light", "dark"]
_SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and what is behind it, by the names that the tokens have."""

    ink: str
    ground: str
    where: Sentence


#: Every text of the mail.
PAIRS: Final = (
    Pair("ink", "card", tr("headlines")),
    Pair("ink", "tint", tr("contents")),
    Pair("text", "card", tr("reading text")),
    Pair("text", "tint", tr("code and tables")),
    Pair("muted", "card", tr("sources, omissions")),
    Pair("muted", "tint", tr("notes of related links")),
    Pair("muted", "page", tr("footer and “view online”")),
    Pair("brand", "card", tr("links")),
    Pair("brand", "tint", tr("“in this issue”, related links")),
    Pair("brand", "page", tr("publisher and way out")),
    Pair("brand", "line", tr("number and date")),
    Pair("accent", "card", tr("“read the article”")),
    Pair("accent", "tint", tr("numbers of the contents")),
    Pair("band_ink", "band", tr("title and sections")),
    Pair("band_muted", "band", tr("tagline, number of articles")),
    Pair("tile_ink", "tile", tr("the drawn logo")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One pair in one scheme."""

    scheme: Scheme
    pair: Pair
    ink: str  #: "#14211c"
    ground: str
    ratio: float  #: 1 to 21
    better: str  #: the nearest ink that can be read on all its grounds; empty: there is none

    @property
    def passes(self) -> bool:
        """Whether it can be read."""
        return self.ratio >= NEEDED


def judged(tokens: Tokens) -> Iterator[Judged]:
    """Every pair, light and then dark."""
    for scheme in _SCHEMES:
        colours = {name: str(colour) for name, colour in tokens[scheme].items()}
        grounds: dict[str, list[str]] = defaultdict(list)
        for pair in PAIRS:
            grounds[pair.ink].append(colours[pair.ground])
        for pair in PAIRS:
            ink, ground = colours[pair.ink], colours[pair.ground]
            yield Judged(
                scheme=scheme,
                pair=pair,
                ink=ink,
                ground=ground,
                ratio=contrast(ink, ground),
                better=nearest(ink, grounds[pair.ink]),
            )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours "#rrggbb", 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def nearest(ink: str, grounds: Sequence[str]) -> str:
    """The ink, made as little darker or lighter as will do on all grounds; empty: nothing does."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(c / 255 for c in _channels(ink)))
    for step in range(_STEPS + 1):
        for way in (-step, step):
            changed = min(max(lightness + way / _STEPS, 0.0), 1.0)
            found = _written(colorsys.hls_to_rgb(hue, changed, saturation)) if step else ink.lower()
            if all(contrast(found, ground) >= NEEDED for ground in grounds):
                return found
    return ""


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance")."""
    linear = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  # sRGB
        for c in (channel / 255 for channel in _channels(colour))
    )
    return sum(c * w for c, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _written(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
