"""An issue while it is being written: typeset again whenever one of its files has changed.

What has changed is seen by the times and sizes of files, so that to ask costs next to nothing.
Of an edition that cannot be typeset just now, the last one that could is kept.
"""

import base64
import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flashback import addresses
from flashback.config import FILENAME
from flashback.errors import FlashbackError
from flashback.model import Address, Edition, Finding
from flashback.workspace import desk, mailroom
from flashback.workspace.parts import Workspace

#: More files than this are not watched: somebody keeps other things in that folder.
_MOST: Final = 2_000

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whom the edition is shown to."""

    address: Address
    name: str = ""
    language: str = ""  #: empty for somebody who is not in the address book
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One edition as one reader gets it."""

    html: str  #: pictures that travel with the message stand in it
    text: str
    octets: int  #: of the whole message


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """How the issue stands."""

    version: int  #: another one after every change
    at: dt.datetime
    title: str = ""
    number: str = ""
    sender: str = ""
    editions: Mapping[str, Edition] = field(default_factory=dict)  #: by language
    stale: frozenset[str] = frozenset()  #: languages of which an older state is shown
    findings: tuple[Finding, ...] = ()
    trouble: FlashbackError | None = None  #: why nothing could be typeset


class Preview:
    """One issue of one workspace. May be asked from several threads at once."""

    def __init__(self, folder: Path, issue: str | None) -> None:
        self._workspace = Workspace.at(folder)
        self.path = desk.issue_path(self._workspace, issue)
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._drawn = Drawn(version=0, at=self._workspace.clock.now())

    def drawn(self) -> Drawn:
        """The issue as it stands in its files now."""
        with self._lock:
            stamp = self._stamp_now()
            if stamp != self._stamp:
                self._stamp = stamp
                self._drawn = self._draw()
            return self._drawn

    def short(self, file: str) -> str:
        """A file's name as seen from the newsletter's folder."""
        path, folder = Path(file).resolve(), self._workspace.config.folder.resolve()
        return str(path.relative_to(folder)) if path.is_relative_to(folder) else file

    def reader(self, given: str) -> Reader:
        """Somebody of the address book, or anybody. Raises AddressError for no address."""
        address = addresses.parse(given)
        known = self._workspace.subscribers.known(address.key)
        if known is None:
            return Reader(address=address)
        return Reader(address=known.address, name=known.name, language=known.language, known=True)

    def proof(self, edition: Edition, reader: Reader | None) -> Proof:
        """An edition filled in for a reader, or for an invented one. Raises FlashbackError."""
        who = (reader.address, reader.name) if reader else ()
        html, text, message = mailroom.preview(self._workspace, edition, *who)
        for image in edition.images:
            content = base64.b64encode(image.content).decode()
            html = html.replace(
                f"cid:{image.content_id}", f"data:{image.media_type};base64,{content}"
            )
        return Proof(html=html, text=text, octets=len(message))

    def _draw(self) -> Drawn:
        last = self._drawn
        version, at = last.version + 1, self._workspace.clock.now()
        try:
            # The settings may have changed as well.
            self._workspace = workspace = Workspace.at(self._workspace.config.folder)
            readings = desk.read(workspace, self.path)
            findings = [finding for reading in readings for finding in reading.findings]
            issues = [reading.issue for reading in readings if reading.issue]
            editions = {edition.language: edition for edition in desk.compose(workspace, issues)}
            findings += desk.preflight(workspace, issues, tuple(editions.values()))
        except FlashbackError as error:
            return Drawn(
                version=version,
                at=at,
                title=last.title,
                number=last.number,
                sender=last.sender,
                editions=last.editions,
                stale=frozenset(last.editions),
                trouble=error,
            )
        # A file that cannot be read names no language: what is missing now was there before.
        kept = last.editions if len(issues) < len(readings) else {}
        stale = frozenset(kept) - frozenset(editions)
        letter = workspace.config.newsletter
        return Drawn(
            version=version,
            at=at,
            title=letter.name,
            number=next((edition.issue_number for edition in editions.values()), last.number),
            sender=letter.sender,
            editions={**{language: kept[language] for language in kept}, **editions},
            stale=stale,
            findings=tuple(findings),
        )

    def _stamp_now(self) -> Stamp:
        seen = []
        for n, path in enumerate(self._files()):
            if n >= _MOST:
                break
            try:
                status = path.stat()
            except OSError:  # an editor is just replacing it
                continue
            seen.append((str(path), status.st_mtime_ns, status.st_size))
        return tuple(sorted(seen))

    def _files(self) -> Iterator[Path]:
        config = self._workspace.config
        yield config.folder / FILENAME
        yield from _below(config.path("templates/email"))
        yield from _below(self.path if self.path.is_dir() else self.path.parent)


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.name.startswith("."))
