"""Where nothing may be skipped, a skip is a failure that says its reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SKIPPING = """\
import pytest

@pytest.mark.skip(reason="by a mark")
def test_by_a_mark(): pass

@pytest.fixture
def missing(): pytest.skip("by a fixture")

def test_by_a_fixture(missing): pass

def test_by_itself(): pytest.skip("by itself")

@pytest.mark.xfail(reason="known")
def test_expected_failure(): assert False
"""


@pytest.mark.parametrize(("nothing_skipped", "code"), [("1", 1), ("", 0)])
def test_a_skip_is_a_failure(tmp_path: Path, nothing_skipped: str, code: int) -> None:
    """Only where asked for; an expected failure is none of it."""
    (tmp_path / "test_one.py").write_text(SKIPPING)
    (tmp_path / "test_two.py").write_text("import pytest\npytest.importorskip('no_such_library')\n")
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "conftest", "-p", "no:cacheprovider",
         "--continue-on-collection-errors", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS),
             "FLASHBACK_TESTS_NOTHING_SKIPPED": nothing_skipped},
    )  # fmt: skip
    assert told.returncode == code, told.stdout
    last = told.stdout.splitlines()[-1]
    if nothing_skipped:
        assert "1 xfailed" in last
        assert "skipped" not in last
        for reason in ("by a mark", "by a fixture", "by itself", "no_such_library"):
            assert f"Nothing may be skipped here. Skipped: {reason}" in told.stdout or (
                reason == "no_such_library" and "could not import 'no_such_library'" in told.stdout
            )
    else:
        assert "4 skipped, 1 xfailed" in last
