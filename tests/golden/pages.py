"""Draw the pages that people see in a browser, for the docs: make screenshots."""

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.types import WSGIApplication

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from flashback.web import listen
from flashback.web.preview import preview_application
from flashback.workspace import Workspace, shelf
from flashback.workspace.previewing import Preview

from fixtures.devtools import Browser, browsing

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
_COLOURS = 192


@contextmanager
def served(application: WSGIApplication) -> Iterator[str]:
    """The application at an address of this machine."""
    server = listen(application, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        thread.join()
        server.end()


def example(folder: Path) -> Path:
    """The example newsletter, in a folder of its own."""
    shutil.copy(ROOT / "flashback.toml", folder)
    shutil.copytree(ROOT / "issues", folder / "issues")
    return folder


def taken(browser: Browser, name: str) -> None:
    """What the window shows, as a small file."""
    target = IMAGES / name
    browser.picture(target)
    with Image.open(target) as drawn:
        drawn.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
            target, optimize=True
        )
    print(f"{name}: {target.stat().st_size // 1000} kB")  # noqa: T201


def preview(browser: Browser, folder: Path) -> None:
    """The preview of an issue with two things to look at."""
    issue = folder / "issues" / "35" / "fr.md"
    text = issue.read_text(encoding="utf-8")
    text = text.replace(
        "[Lire l’article](https://example.org/maroc/centre", "[Lire l’article](htp://", 1
    )
    text = text.replace("Oufouq 2015, le", "Oufouq 2015, annoncé le jeudi 2 septembre 2011, le", 1)
    issue.write_text(text, encoding="utf-8")
    with served(preview_application(Preview(folder, "35"), language="en")) as url:
        browser.window(1500, 900)
        browser.open(f"{url}/")
        frame = "document.getElementById('phone').contentDocument"
        browser.until(f"{frame}.readyState === 'complete' && {frame}.body.innerText.length > 99")
        taken(browser, "preview.png")


def archived(browser: Browser, folder: Path) -> None:
    """The page of an issue in the archive, and the first page."""
    workspace = Workspace.at(folder)
    found = shelf.gather(workspace, everything=True, tell=lambda _done, _of: None)
    public = folder / "public"
    shelf.write(public, shelf.build(workspace, found))
    browser.window(1000, 1100)
    for page, name in (("index.html", "archive.png"), ("35/ar/index.html", "archive-ar.png")):
        browser.open((public / page).as_uri())
        taken(browser, name)


def main() -> None:
    """Draw them all."""
    with browsing() as browser:
        for draw in (archived, preview):
            with tempfile.TemporaryDirectory() as folder:
                draw(browser, example(Path(folder)))


if __name__ == "__main__":
    main()
