"""Editions as PDF, by WeasyPrint (the extra ``pdf``): tagged, so that it can be listened to.

It costs a second for each edition, so a file that was printed from the same words is taken again.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flashback import resources
from flashback.archive import Sheet, paper, pdf_file
from flashback.errors import FlashbackError
from flashback.sentences import tr
from flashback.workspace import shelf
from flashback.workspace.parts import Workspace
from flashback.workspace.shelf import Shelf, Told


def printed(workspace: Workspace, found: Shelf, folder: Path, *, tell: Told) -> dict[str, bytes]:
    """A PDF file for each edition, by its name in the archive. Raises FlashbackError."""
    weasyprint = _library()
    made = {}
    places, letter = shelf.places(workspace), shelf.newsletter(workspace)
    templates = shelf.templates(workspace)
    for done, sheet in enumerate(found.sheets):
        tell(done, len(found.sheets))
        source = paper(sheet, places, letter, templates=templates)
        mark = _mark(sheet, source, weasyprint.__version__)
        name = pdf_file(places, sheet)
        before = _before(folder / name)
        made[name] = before if mark.encode() in before else _print(weasyprint, sheet, source, mark)
    return made


def _library() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise FlashbackError(
            tr("For PDF files a part is missing here: {reason}.", reason=error),
            hint=tr(
                "Install it: {command}; on Debian also:"
                " apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
                command=resources.installs("pdf"),
            ),
        ) from error
    # What it says of a style it does not know helps nobody who sends a letter.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    return weasyprint


def _mark(sheet: Sheet, source: str, version: str) -> str:
    """What stands in a file that was printed from exactly this."""
    digest = hashlib.sha256(f"{version}\n{source}".encode())
    for picture in sheet.pictures:
        digest.update(picture.content)
    return digest.hexdigest()[:32]


def _before(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _print(weasyprint: Any, sheet: Sheet, source: str, mark: str) -> bytes:
    pictures = {f"beside:/{picture.name}": picture.content for picture in sheet.pictures}
    document = weasyprint.HTML(
        string=source, base_url="beside:/", url_fetcher=_fetcher(weasyprint, pictures)
    )
    content: bytes = document.write_pdf(
        pdf_variant="pdf/ua-1", pdf_identifier=mark.encode(), custom_metadata=False
    )
    return content


def _fetcher(weasyprint: Any, pictures: Mapping[str, bytes]) -> Any:
    """Pictures that travel with the issue, and nothing of the network or the disk."""
    urls = weasyprint.urls
    base: Any = urls.URLFetcher

    class Beside(base):  # type: ignore[misc]
        def fetch(self, url: str, headers: object = None) -> Any:
            """One picture. Raises ValueError for anything else, which is then left out."""
            if url not in pictures:
                return super().fetch(url, headers)
            return urls.URLFetcherResponse(url, body=pictures[url])

    return Beside(allowed_protocols={"data"})
