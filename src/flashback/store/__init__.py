"""The store: subscribers, and the durable account of every mailing, in SQLite or PostgreSQL.

``open_store`` hands out transactions; ``SqlLedger`` and ``Subscribers`` are what is done in them.
Lists of people come in by ``read_csv`` or ``read_jsonl``, ``plan_import`` and ``apply_import``.
``docs/store.md`` is the data contract.
"""

from flashback.store.engine import Store, open_store
from flashback.store.exporting import export_csv, export_jsonl
from flashback.store.importing import Change, ImportPlan, apply_import, plan_import
from flashback.store.ledger import SqlLedger
from flashback.store.owners import is_dead, new_owner
from flashback.store.reading import (
    Circumstances,
    Entry,
    Reading,
    Refusal,
    read_csv,
    read_jsonl,
)
from flashback.store.reports import DomainAccount
from flashback.store.segments import SegmentError, compile_segment
from flashback.store.subscribers import History, Subscribers

__all__ = [
    "Change",
    "Circumstances",
    "DomainAccount",
    "Entry",
    "History",
    "ImportPlan",
    "Reading",
    "Refusal",
    "SegmentError",
    "SqlLedger",
    "Store",
    "Subscribers",
    "apply_import",
    "compile_segment",
    "export_csv",
    "export_jsonl",
    "is_dead",
    "new_owner",
    "open_store",
    "plan_import",
    "read_csv",
    "read_jsonl",
]
