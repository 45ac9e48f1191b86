"""Draw the example issue for the README and the docs: make screenshots.

Three languages, on a desk (600 pixels) and on a phone (375), light and dark. The pictures are cut
after the first articles and reduced to a palette.
"""

import html
import tempfile
from pathlib import Path

from browser import picture as draw_page
from editions import editions
from PIL import Image

from flashback.model import Edition, Slot

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_WINDOW = 500  # the least Chromium opens
_LONGEST = 2400
_FRAME = 200  # a window is higher than what it shows
_COLOURS = 128
_NEAR = 8
_READER = {
    Slot.UNSUBSCRIBE_URL.mark: "https://flash-back.example/u/x",
    Slot.READER_ADDRESS.mark: "nadia@example.org",
    Slot.READER_NAME.mark: "Nadia",
}


def filled(edition: Edition) -> str:
    """The HTML as one reader gets it."""
    page = edition.html
    for mark, value in _READER.items():
        page = page.replace(mark, value)
    return page


def framed(page: str, width: int) -> str:
    """The page in a frame as narrow as a phone."""
    style = f"border:0;width:{width}px;height:{_LONGEST + _FRAME}px"
    return (
        '<!DOCTYPE html><meta name="color-scheme" content="light dark"><body style="margin:0">'
        f'<iframe style="{style}" scrolling="no" srcdoc="{html.escape(page)}"></iframe>'
    )


def place(edition: Edition, width: int, *, dark: bool) -> Path:
    """Where a picture is kept."""
    return IMAGES / f"{edition.language}-{width}-{'dark' if dark else 'light'}.png"


def drawn(edition: Edition, width: int, folder: Path, *, dark: bool) -> Image.Image:
    """One picture, cut."""
    page, raw = folder / "page.html", folder / "raw.png"
    mail = filled(edition)
    page.write_text(mail if width >= _WINDOW else framed(mail, width), encoding="utf-8")
    draw_page(page, raw, width=max(width, _WINDOW), height=_LONGEST + _FRAME, dark=dark)
    with Image.open(raw) as shown:
        whole = shown.convert("RGB").crop((0, 0, width, _LONGEST))
    return whole.crop((0, 0, width, _end(whole)))


def draw(edition: Edition, width: int, folder: Path, *, dark: bool) -> Path:
    """One picture, reduced and kept."""
    target = place(edition, width, dark=dark)
    _reduced(drawn(edition, width, folder, dark=dark)).save(target, optimize=True)
    return target


def _reduced(picture: Image.Image) -> Image.Image:
    """The same picture with its most frequent colours only, those exactly."""
    found = picture.getcolors(picture.width * picture.height) or []
    palette: list[tuple[int, ...]] = []
    for _, colour in sorted(found, reverse=True):
        assert isinstance(colour, tuple)
        # Pillow takes colours nearer than this for one, and then not for the more frequent one.
        if len(palette) < _COLOURS and all(_apart(colour, other) for other in palette):
            palette.append(colour)
    index = Image.new("P", (1, 1))
    index.putpalette([channel for colour in palette for channel in colour])
    return picture.quantize(palette=index, dither=Image.Dither.NONE)


def _apart(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) > _NEAR


def _end(picture: Image.Image) -> int:
    """The height without the empty page below the mail."""
    width, row = picture.size
    ground = picture.crop((0, row - 1, width, row)).tobytes()
    if len(set(zip(*[iter(ground)] * 3, strict=True))) > 1:
        return row
    while row > 1 and picture.crop((0, row - 1, width, row)).tobytes() == ground:
        row -= 1
    return min(picture.height, row + 24)


def main() -> None:
    """Draw all twelve."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for edition in editions():
            for width in (600, 375):
                for dark in (False, True):
                    target = draw(edition, width, Path(folder), dark=dark)
                    print(f"{target.name}: {target.stat().st_size // 1000} kB")  # noqa: T201


if __name__ == "__main__":
    main()
