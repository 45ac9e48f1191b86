"""The store: subscribers, and the durable account of every mailing, in SQLite or PostgreSQL.

``open_store`` hands out transactions; ``SqlLedger`` and ``Subscribers`` are what is done in them.
The entries of a roster come in by ``plan_import`` and ``apply_import``.
``docs/store.md`` is the data contract.
"""

from flashback.store.engine import Store, open_store, sqlite_file
from flashback.store.exporting import exporting
from flashback.store.importing import Change, ImportPlan, apply_import, plan_import
from flashback.store.ledger import SqlLedger
from flashback.store.owners import is_dead, new_owner
from flashback.store.reports import DomainAccount
from flashback.store.segments import SegmentError, compile_segment
from flashback.store.subscribers import History, Subscribers

__all__ = [
    "Change",
    "DomainAccount",
    "History",
    "ImportPlan",
    "SegmentError",
    "SqlLedger",
    "Store",
    "Subscribers",
    "apply_import",
    "compile_segment",
    "exporting",
    "is_dead",
    "new_owner",
    "open_store",
    "plan_import",
    "sqlite_file",
]
