"""The store's door: errors of SQLite, PostgreSQL and SQLAlchemy become one ``StoreError``.

Each says what happened, where, and what to do. A transaction that fails is rolled back whole, so
"nothing of this step was kept" is true wherever it is said. No parameter and no password of a
URL ever stands in a sentence.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from flashback.errors import StoreError
from flashback.sentences import Sentence, tr

_Cure = tuple[tuple[str, ...], Sentence, Sentence]

_AGAIN: Final = tr("Wait for it to end or close it, then run the same command again.")
_CHECK_URL: Final = tr("Check url under [store] in flashback.toml.")

#: By the names of sqlite.org/rescode.html; the first prefix that fits wins.
_SQLITE: Final[Sequence[_Cure]] = (
    (
        ("SQLITE_READONLY",),
        tr("{place} can be read but not written."),
        tr("Check the rights of the file and of its folder, and that the disk is not read-only."),
    ),
    (
        ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"),
        tr("{place} cannot be opened."),
        tr("Check that it is a file, and that file and folder may be read and written by you."),
    ),
    (
        ("SQLITE_FULL",),
        tr("The disk is full: {place} cannot grow. Nothing of this step was kept."),
        tr("Make room on the disk, then run the same command again."),
    ),
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED"),
        tr("Another program keeps {place} locked. Nothing of this step was kept."),
        _AGAIN,
    ),
    (
        ("SQLITE_NOTADB",),
        tr("{place} is not a store: the file is no SQLite database."),
        _CHECK_URL,
    ),
    (
        ("SQLITE_CORRUPT",),
        tr("{place} is damaged: {reason}"),
        tr("Copy the file away, then put your last backup in its place."),
    ),
    (
        ("SQLITE_IOERR",),
        tr("The disk fails under {place}: {reason}. Nothing of this step was kept."),
        tr("Copy the file to another disk before you go on."),
    ),
)

#: By SQLSTATE (appendix A of PostgreSQL's manual); the first prefix that fits wins.
_POSTGRESQL: Final[Sequence[_Cure]] = (
    (
        ("28",),
        tr("{place} refuses the user or the password."),
        tr("Check user and password in url under [store] in flashback.toml."),
    ),
    (
        ("3D000",),
        tr("There is no such database: {place}."),
        tr("Make it with createdb, or check url under [store] in flashback.toml."),
    ),
    (
        ("53100",),
        tr("The disk of {place} is full. Nothing of this step was kept."),
        tr("Make room on the server's disk, then run the same command again."),
    ),
    (
        ("25006", "42501"),
        tr("{place} may not be written by this user: {reason}."),
        tr("Ask the server's owner for the right to write and to make tables."),
    ),
    (
        ("55P03", "40"),
        tr("Another program keeps {place} locked. Nothing of this step was kept."),
        _AGAIN,
    ),
    (
        ("53300", "57P", "08"),
        tr("{place} takes no work now: {reason}. Nothing of this step was kept."),
        tr("Wait until the server is back, then run the same command again."),
    ),
)

_UNREACHABLE: Final = (
    tr("{place} cannot be reached: {reason}"),
    tr("Check that the server runs, and host and port in url under [store] in flashback.toml."),
)
_OTHERWISE: Final = (
    tr("{place} refuses to go on: {reason}. Nothing of this step was kept."),
    tr("Run the same command with --traceback and report what it says."),
)


@contextmanager
def door(place: str) -> Iterator[None]:
    """Translate whatever a database says inside. ``place`` is for people and holds no secret."""
    try:
        yield
    except SQLAlchemyError as error:
        raise translated(error, place) from error


def translated(error: SQLAlchemyError, place: str) -> StoreError:
    """The same error in plain words."""
    sentence, hint = _cure(error)
    fields = {"place": place, "reason": _first_line(error)}
    return StoreError(Sentence(sentence.source, fields), hint=hint)


def _cure(error: SQLAlchemyError) -> tuple[Sentence, Sentence]:
    original = error.orig if isinstance(error, DBAPIError) else None
    for attribute, cures in (("sqlite_errorname", _SQLITE), ("sqlstate", _POSTGRESQL)):
        code = getattr(original, attribute, None) or ""
        for prefixes, sentence, hint in cures:
            if code.startswith(prefixes):
                return sentence, hint
    # libpq gives no SQLSTATE for a connection that never came to be.
    if type(original).__module__.startswith("psycopg") and _no_state(original):
        if "password" in str(original) or "authentication failed" in str(original):
            return _POSTGRESQL[0][1:]
        if "does not exist" in str(original):
            return _POSTGRESQL[1][1:]
        return _UNREACHABLE
    return _OTHERWISE


def _no_state(original: object) -> bool:
    return getattr(original, "sqlstate", None) is None


def _first_line(error: SQLAlchemyError) -> str:
    """The reason without its details: PostgreSQL puts the values of a row on the second line."""
    original = error.orig if isinstance(error, DBAPIError) else error
    lines = str(original).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(original).__name__
