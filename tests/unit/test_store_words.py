"""Words at the store's border: cells, headers, sentences about errors."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from flashback import storable
from flashback.errors import StoreError
from flashback.model import FieldKind, SubscriberStatus
from flashback.rosters import tabular
from flashback.store import door


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("'=+-@\t\rab"), max_size=6))
def test_defusing_is_undone(cell: str) -> None:
    """Whatever a cell says, it comes back; and no spreadsheet runs it in between."""
    (out,) = tabular.defused([cell])
    assert tabular.armed(out) == cell
    assert not out.startswith(("=", "+", "-", "@", "\t", "\r"))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20))
def test_foreign_words_can_be_kept(words: str) -> None:
    """Any text at all becomes one that both databases take, on one line."""
    kept = storable.foreign(words)
    kept.encode("utf-8")
    assert "\0" not in kept
    assert len(kept.splitlines()) <= 1
    assert storable.foreign(kept) == kept


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("E-Mail", "address"),
        (" ADRESSE ", "address"),
        ("البريد", "address"),
        ("Nom", "name"),
        ("statut", "status"),
        ("Ville", "field.Ville"),
        ("field.Ville", "field.Ville"),
        ("", ""),
    ],
)
def test_headers(header: str, column: str) -> None:
    """Known columns by any of their names; others are a person's own fields."""
    assert tabular.column_of(header) == column


def test_inactive_is_not_active() -> None:
    """A status is the whole word, never a part of it."""
    assert tabular.status_of("Confirmé ") is SubscriberStatus.CONFIRMED
    assert tabular.status_of("confirme") is SubscriberStatus.CONFIRMED
    assert tabular.status_of("unconfirmed") is SubscriberStatus.UNCONFIRMED
    for words in ("inactive", "not confirmed", "active"):
        assert tabular.status_of(words) is None


@pytest.mark.parametrize(
    ("kind", "words", "kept"),
    [
        ("text", "1 200,5", "1 200,5"),
        ("number", "1 200,5", "1200.5"),
        ("number", "1\u202f200", "1200"),
        ("number", "+12", "12"),
        ("number", "-0.25", "-0.25"),
        ("number", "١٢٫٥", "12.5"),
        ("number", "1,200", None),
        ("number", "12 agences", None),
        ("number", "²", None),
        ("number", "1e9", None),
        ("date", "31/01/2025", "2025-01-31"),
        ("date", "1.2.2025", "2025-02-01"),
        ("date", "2025-01-31", "2025-01-31"),
        ("date", "2025-01-31T10:00:00+00:00", "2025-01-31"),
        ("date", "٣١/٠١/٢٠٢٥", "2025-01-31"),
        ("date", "31/02/2025", None),
        ("date", "janvier", None),
        ("number", "", ""),
    ],
)
def test_typed_fields(kind: str, words: str, kept: str | None) -> None:
    """As people write a number or a day, so that a segment compares it; or refused."""
    if kept is None:
        with pytest.raises(StoreError, match=r"x: .* is not written like"):
            storable.typed("x", words, FieldKind(kind))
    else:
        found = storable.typed("x", words, FieldKind(kind))
        assert found == kept
        assert storable.typed("x", found, FieldKind(kind)) == found, "what is kept stays"


class _Sqlite(sqlite3.OperationalError):
    sqlite_errorname = ""


class _Server(Exception):  # noqa: N818  # as psycopg calls its errors
    sqlstate: str | None = None


_Server.__module__ = "psycopg.errors"


def _sqlite(name: str) -> DBAPIError:
    error = _Sqlite("words of SQLite")
    error.sqlite_errorname = name
    return DBAPIError("SELECT secret", {"key": "a@example.org"}, error)


def _server(state: str | None, words: str = "words\nDETAIL: a@example.org") -> DBAPIError:
    error = _Server(words)
    error.sqlstate = state
    return DBAPIError("SELECT secret", {"key": "a@example.org"}, error)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (_sqlite("SQLITE_READONLY_DBMOVED"), "can be read but not written"),
        (_sqlite("SQLITE_CANTOPEN_ISDIR"), "cannot be opened"),
        (_sqlite("SQLITE_FULL"), "disk is full"),
        (_sqlite("SQLITE_BUSY_SNAPSHOT"), "locked"),
        (_sqlite("SQLITE_NOTADB"), "not a store"),
        (_sqlite("SQLITE_CORRUPT_INDEX"), "damaged: words of SQLite"),
        (_sqlite("SQLITE_IOERR_FSYNC"), "disk fails under"),
        (_sqlite("SQLITE_CONSTRAINT_CHECK"), "refuses to go on: words of SQLite"),
        (_server("28P01"), "refuses the user or the password"),
        (_server("3D000"), "no such database"),
        (_server("53100"), "disk of here is full"),
        (_server("25006"), "may not be written"),
        (_server("40P01"), "locked"),
        (_server("57P01"), "takes no work now: words."),
        (_server("23505"), "refuses to go on: words."),
        (_server(None), "cannot be reached: words"),
        (_server(None, "FATAL: password authentication failed"), "the user or the password"),
        (_server(None, 'FATAL: database "x" does not exist'), "no such database"),
        (_server(None, ""), "cannot be reached: _Server"),
        (SQLAlchemyError("no driver's error"), "refuses to go on: no driver's error"),
    ],
)
def test_errors_in_plain_words(error: SQLAlchemyError, told: str) -> None:
    """Each names what happened, where, and the way out; no values, no statements."""
    said = door.translated(error, "here")
    assert told in str(said)
    assert "here" in str(said)
    assert said.hint.source
    assert "a@example.org" not in str(said)
    assert "secret" not in str(said)
    assert str(said.sentence.in_language("fr"))
