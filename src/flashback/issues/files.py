"""Issue files and folders: the only place of this room that opens them.

A folder holds one file per language: ``fr.md``, ``ar.md``, ``35.en.md``. Promises IssueError, with
a way out, for what cannot be read at all; everything else is a finding.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flashback.errors import IssueError
from flashback.issues.reading import Draft, Reading, draft_of
from flashback.issues.remarks import Remarks
from flashback.model import EDITION_LANGUAGES
from flashback.sentences import Sentence, tr

_STEM: Final = re.compile(
    rf"(?:.*[._-])?({'|'.join(EDITION_LANGUAGES)})", re.IGNORECASE | re.DOTALL
)
#: Files that may lie beside the editions without a word.
_COMPANIONS: Final = frozenset({"readme", "notes"})


def read_issue(path: Path, *, language: str = "fr") -> Reading:
    """Read one file.

    ``language`` counts when neither the header nor the file's name tells one. Raises IssueError
    when the file is not there, cannot be read, or is not UTF-8.
    """
    return _draft(path, language).reading


def read_issues(path: Path, *, language: str = "fr") -> tuple[Reading, ...]:
    """Read all editions of a folder, French, Arabic, English, or one file. Raises IssueError."""
    if not path.is_dir():
        return (read_issue(path, language=language),)
    try:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".md")
    except OSError as error:
        raise _unreadable(path, error) from error
    editions = [file for file in files if _language_in(file)]
    if not editions:
        return (_no_edition(path, language),)
    drafts = sorted((_draft(file, language) for file in editions), key=_rank)
    _remark_on_others(set(files) - set(editions), drafts[0].remarks)
    _compare(drafts)
    return tuple(draft.reading for draft in drafts)


def _draft(path: Path, language: str) -> Draft:
    text = _text(path)
    named = _language_in(path)
    draft = draft_of(text, file=str(path), language=named or language, folder=path.parent)
    if named and named != draft.header.language:
        draft.remarks.warning(
            draft.header.lines["language"],
            "language-conflict",
            tr(
                "The file's name says “{named}”, its header “{written}”; the header counts.",
                named=named,
                written=draft.header.language,
            ),
            tr("Correct the header, or rename the file."),
        )
    return draft


def _language_in(path: Path) -> str:
    match = _STEM.fullmatch(path.stem)
    return match[1].lower() if match else ""


def _rank(draft: Draft) -> int:
    return EDITION_LANGUAGES.index(draft.header.language)


def _text(path: Path) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IssueError(
            _not_utf8(path, octets, error.start),
            hint=tr("Open it in your editor and save it again with the encoding UTF-8."),
        ) from error


def _not_utf8(path: Path, octets: bytes, at: int) -> Sentence:
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return tr("{file} is saved as UTF-16, not as UTF-8.", file=path)
    place = {
        "file": path,
        "line": octets.count(b"\n", 0, at) + 1,
        "octet": at - (octets.rfind(b"\n", 0, at) + 1) + 1,
        "value": f"0x{octets[at]:02X}",
    }
    try:
        octets.decode("cp1252")
    except UnicodeDecodeError:
        return tr("{file}:{line}: octet {octet} ({value}) is not UTF-8.", **place)
    return tr(
        "{file}:{line}: octet {octet} ({value}) is not UTF-8; "
        "the file looks like Windows-1252 (ANSI).",
        **place,
    )


def _unreadable(path: Path, error: OSError) -> IssueError:
    if isinstance(error, FileNotFoundError):
        return IssueError(
            tr("There is no issue {path}.", path=path),
            hint=tr("Check the name, and the folder you are in."),
        )
    if isinstance(error, IsADirectoryError):
        return IssueError(
            tr("{path} is a folder, not an issue file.", path=path),
            hint=tr("Name one of the files in it."),
        )
    return IssueError(
        tr("{path} cannot be read: {reason}", path=path, reason=error.strerror or error),
        hint=tr("Check that you may read it and that nothing else holds it."),
    )


def _no_edition(path: Path, language: str) -> Reading:
    remarks = Remarks(str(path), language)
    remarks.error(
        0,
        "editions-missing",
        tr("The folder {folder} holds no issue file.", folder=path),
        tr("Name the file by its language, such as {example}.", example=f"{language}.md"),
    )
    return Reading(None, remarks.findings())


def _remark_on_others(files: set[Path], remarks: Remarks) -> None:
    for file in sorted(files):
        if file.stem.lower() not in _COMPANIONS:
            remarks.hint(
                0,
                "file-skipped",
                tr("{file} is no edition, for its name tells no language.", file=file),
                tr("If it is one, name it by its language, such as {example}.", example="fr.md"),
            )


def _compare(drafts: Sequence[Draft]) -> None:
    seen: dict[str, Draft] = {}
    for draft in drafts:
        first = seen.setdefault(draft.header.language, draft)
        if first is not draft:
            draft.remarks.error(
                draft.header.lines.get("language", 0),
                "edition-duplicate",
                tr(
                    "{first} is already the edition in “{language}”.",
                    first=first.remarks.file,
                    language=draft.header.language,
                ),
                tr("Keep one of the two files, or correct the language of one."),
            )
        _compare_with(drafts[0], draft)


def _compare_with(first: Draft, draft: Draft) -> None:
    mine, theirs = draft.header, first.header
    if mine.number and theirs.number and mine.number != theirs.number:
        draft.remarks.error(
            mine.lines["number"],
            "edition-number-differs",
            tr(
                "This edition is number {mine}, but {other} is number {theirs}.",
                mine=mine.number,
                other=first.remarks.file,
                theirs=theirs.number,
            ),
            tr("All editions of an issue must have the same number: correct one of them."),
        )
    if mine.date and theirs.date and mine.date != theirs.date:
        draft.remarks.error(
            mine.lines["date"],
            "edition-date-differs",
            tr(
                "This edition is dated {mine}, but {other} is dated {theirs}.",
                mine=mine.date.isoformat(),
                other=first.remarks.file,
                theirs=theirs.date.isoformat(),
            ),
            tr("All editions of an issue must have the same date: correct one of them."),
        )
