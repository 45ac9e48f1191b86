"""The two commands that staff run most: they load what they need, and leave the store tidy."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from flashback.workspace import Workspace

from fixtures.newsletters import Newsletter

LIST = ("subscribers", "list", "--limit", "20")
ADD = ("subscribers", "add", "x@example.org", "--consent", "asked by phone")
#: Each costs more than the whole of what these commands do.
NEEDLESS = (
    *("alembic", "email_validator", "idna", "jinja2", "lxml", "mjml", "openpyxl"),
    *("sqlalchemy.dialects.postgresql", "flashback.rosters", "flashback.store.ledger"),
)


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter.made(tmp_path / "letter", readers=2)


@pytest.mark.parametrize("arguments", [LIST, ADD])
def test_only_what_is_needed_is_loaded(newsletter: Newsletter, arguments: tuple[str, ...]) -> None:
    """Listing and adding people never load what other commands live on."""
    program = (
        "import sys\n"
        "from flashback.cli import main\n"
        f"code = main({list(arguments)!r})\n"
        f"loaded = [name for name in {NEEDLESS!r} if name in sys.modules]\n"
        "sys.exit(code or f'loaded without need: {loaded}' if loaded else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=newsletter.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "example.org" in done.stdout


@pytest.mark.parametrize("arguments", [LIST, ADD])
def test_nothing_lies_about_afterwards(newsletter: Newsletter, arguments: tuple[str, ...]) -> None:
    """The store is closed at the end of the process: what was written is in the file itself."""
    newsletter.run(*arguments, expect=0)
    names = sorted(path.name for path in (newsletter.folder / "subscribers").glob("*.db*"))
    assert names == ["subscribers.db"]


def test_a_mistake_leaves_nothing_either(newsletter: Newsletter) -> None:
    """A command that ends with an error closes the store as well."""
    newsletter.run(*ADD, expect=0)
    newsletter.run("subscribers", "add", "x@example.org", expect=1)
    names = sorted(path.name for path in (newsletter.folder / "subscribers").glob("*.db*"))
    assert names == ["subscribers.db"]


def test_a_workspace_that_nobody_has_is_closed(newsletter: Newsletter) -> None:
    """A program that opens many workspaces keeps no file of those it is done with."""
    workspace = Workspace.at(newsletter.folder)
    assert len(workspace.subscribers.list()) == 2
    pool = workspace.store.engine.pool
    del workspace
    gc.collect()  # workspace and store know each other
    assert pool.checkedin() == 0  # type: ignore[attr-defined]
