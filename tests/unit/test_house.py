"""The house keeps its own rules: tests say their promise, modules stay short, the model is pure."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
SOURCE = TESTS.parent / "src"
MODEL = SOURCE / "flashback" / "model"

LONGEST_MODULE = 350  #: lines
MODEL_MAY_IMPORT = ("flashback.model", "flashback.sentences", "flashback.errors")


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def named(paths: list[Path], under: Path) -> list[str]:
    return [path.relative_to(under).as_posix() for path in paths]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def silent_tests(tree: ast.Module) -> list[str]:
    """The tests of a module that do not say what they promise."""
    return [
        f"{node.name} (line {node.lineno})"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").strip()
    ]


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that a module names in an import, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
            elif node.module == "flashback":
                yield from (f"flashback.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def strangers(tree: ast.Module) -> list[str]:
    """What a module of the model imports and must not."""
    return [
        name
        for name in imported(tree)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(name == own or name.startswith(f"{own}.") for own in MODEL_MAY_IMPORT)
    ]


@pytest.mark.parametrize("name", named(modules(TESTS), TESTS))
def test_every_test_says_its_promise(name: str) -> None:
    """Whoever sees a test fail reads what no longer holds."""
    assert silent_tests(tree_of(TESTS / name)) == []


@pytest.mark.parametrize("name", named(modules(SOURCE), SOURCE))
def test_no_module_is_too_long(name: str) -> None:
    """A module that grows becomes several, along a line that has a name."""
    lines = (SOURCE / name).read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_MODULE, f"{name} has {lines} lines"


@pytest.mark.parametrize("name", named(modules(MODEL), MODEL))
def test_the_model_leans_on_nothing(name: str) -> None:
    """The words of the house need the standard library and their own kind."""
    assert strangers(tree_of(MODEL / name)) == []


def test_pins_name_no_place() -> None:
    """Versions and hashes hold on every machine; an index or a folder is each machine's own."""
    pins = (TESTS.parent / "constraints.txt").read_text()
    assert "--hash=sha256:" in pins
    assert not re.search(r"^-|://", pins, re.MULTILINE)


def test_the_rules_have_something_to_look_at() -> None:
    """A moved folder does not turn the rules into silence."""
    assert Path(__file__).resolve() in modules(TESTS)
    assert MODEL / "__init__.py" in modules(SOURCE)
    assert len(modules(MODEL)) > 5


def test_the_rules_can_be_broken() -> None:
    """A silent test and a foreign import are seen, wherever they stand."""
    silent = ast.parse(
        "def test_a(): ...\n"
        "class TestB:\n    async def test_b(self): ...\n"
        "def test_c():\n    '''  '''\n"
        "def test_d():\n    '''Promise.'''\n"
        "def helper(): ...\n"
    )
    assert sorted(silent_tests(silent)) == ["test_a (line 1)", "test_b (line 3)", "test_c (line 4)"]
    foreign = ast.parse(
        "import json, click\n"
        "from flashback import config, errors\n"
        "from flashback.model.prose import Text\n"
        "from flashback.modelling import x\n"
        "def f():\n    from .. import tokens\n    import lxml.etree\n"
    )
    assert sorted(strangers(foreign)) == [
        "..", "click", "flashback.config", "flashback.modelling", "lxml.etree",
    ]  # fmt: skip
