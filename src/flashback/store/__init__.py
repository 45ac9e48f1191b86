"""The store: subscribers, and the durable account of every mailing, in SQLite or PostgreSQL.

``open_store`` hands out transactions; ``SqlLedger`` and ``Subscribers`` are what is done in them.
The entries of a roster come in by ``importing``, and everybody goes out by ``exporting``.
``docs/store.md`` is the data contract. Modules are loaded when they are asked for: whoever lists
subscribers needs no ledger.
"""

from typing import TYPE_CHECKING, Final

from flashback import lazily

if TYPE_CHECKING:
    from flashback.store.arrivals import Import, ImportPlan, importing
    from flashback.store.engine import Store, open_store, sqlite_file
    from flashback.store.export import exporting
    from flashback.store.ledger import SqlLedger
    from flashback.store.owners import is_dead, new_owner
    from flashback.store.reports import DomainAccount
    from flashback.store.segments import SegmentError, compile_segment
    from flashback.store.subscribers import History, Subscribers
    from flashback.store.waiting import Change

HOMES: Final = {
    "Change": "waiting",
    "DomainAccount": "reports",
    "History": "subscribers",
    "Import": "arrivals",
    "ImportPlan": "arrivals",
    "SegmentError": "segments",
    "SqlLedger": "ledger",
    "Store": "engine",
    "Subscribers": "subscribers",
    "compile_segment": "segments",
    "exporting": "export",
    "importing": "arrivals",
    "is_dead": "owners",
    "new_owner": "owners",
    "open_store": "engine",
    "sqlite_file": "engine",
}

if not TYPE_CHECKING:
    __getattr__ = lazily.door(__name__, HOMES)

__all__ = [
    "Change",
    "DomainAccount",
    "History",
    "Import",
    "ImportPlan",
    "SegmentError",
    "SqlLedger",
    "Store",
    "Subscribers",
    "compile_segment",
    "exporting",
    "importing",
    "is_dead",
    "new_owner",
    "open_store",
    "sqlite_file",
]
