"""A room's door hands out what lives in its modules, and loads no more than that."""

import subprocess
import sys
from pathlib import Path

import pytest

from flashback import lazily, store


def test_all_that_is_promised_is_there() -> None:
    """Every public name of the store has a home, and is there."""
    assert sorted(store.HOMES) == sorted(store.__all__)
    for name in store.__all__:
        found = getattr(store, name)
        assert found.__module__ == f"flashback.store.{store.HOMES[name]}"


def test_no_module_stands_in_the_way() -> None:
    """A module that is loaded becomes an attribute of its package: none has a public name."""
    modules = {path.stem for path in Path(store.__file__).parent.glob("*.py")}
    assert not modules & set(store.__all__)


def test_what_is_not_there_is_missed() -> None:
    """A misspelt name is the error it always was."""
    load = lazily.door("flashback.store", store.HOMES)
    with pytest.raises(AttributeError, match="no attribute 'open_shop'"):
        load("open_shop")
    with pytest.raises(ImportError, match="open_shop"):
        from flashback.store import open_shop  # type: ignore[attr-defined]  # noqa: F401, PLC0415


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    """The door alone costs nothing; a name costs its own module."""
    program = (
        "import sys\n"
        "from flashback import store\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "from flashback.store import Subscribers\n"
        "assert 'flashback.store.ledger' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
