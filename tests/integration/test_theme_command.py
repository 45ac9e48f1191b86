"""``flashback theme check``, what ``check`` says of colours, and a theme changed in one place."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flashback import founding, resources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A new newsletter with the example issue."""
    text = founding.settings(name="Revue", sender="revue@example.org", language="fr")
    founding.found(tmp_path, text)
    folder = tmp_path / "issues" / "35"
    folder.mkdir(parents=True)
    example = resources.example_issue() / "fr.md"
    (folder / "fr.md").write_bytes(example.read_bytes())
    return tmp_path


def run(folder: Path, *words: str, code: int = 0) -> str:
    """The program's output, in English."""
    done = subprocess.run(
        [sys.executable, "-m", "flashback", "--lang", "en", "-C", str(folder), *words],
        check=False, capture_output=True, text=True, timeout=60, cwd=folder, env=os.environ,
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout


def own(folder: Path, name: str, text: str) -> None:
    """A file of the workspace's own theme."""
    path = folder / "templates" / "email" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_shipped_colours_pass(workspace: Path) -> None:
    """A table of all pairs, and one good sentence."""
    told = run(workspace, "theme", "check")
    assert told.count("✓") == 32
    assert "✗" not in told
    assert "Every text can be read" in told


def test_a_faint_colour_is_named_with_one_that_can_be_read(workspace: Path) -> None:
    """The offer, written into the file, passes."""
    own(workspace, "tokens.toml", '[light]\nmuted = "#b0b0b0"\n')
    told = run(workspace, "theme", "check", code=1)
    offers = re.findall(r'muted = "(#[0-9a-f]{6})"', told)
    assert len(offers) == 1
    own(workspace, "tokens.toml", f'[light]\nmuted = "{offers[0]}"\n')
    run(workspace, "theme", "check")


def test_programs_get_one_object_for_each_pair(workspace: Path) -> None:
    """Names, colours, ratio and verdict."""
    own(workspace, "tokens.toml", '[dark]\nink = "#333333"\n')
    rows = [
        json.loads(line)
        for line in run(workspace, "theme", "check", "--json", code=1).split("\n")
        if line
    ]
    assert len(rows) == 32
    faint = [row for row in rows if not row["passes"]]
    assert {(row["scheme"], row["text"]) for row in faint} == {("dark", "ink")}
    assert all(row["ratio"] < row["needed"] and row["better"] for row in faint)


def test_check_warns_of_it_at_its_line(workspace: Path) -> None:
    """The finding stands at the line of the workspace's file, and sending is not refused."""
    own(workspace, "tokens.toml", '# ours\n[light]\naccent = "#e0a080"\n')
    told = run(workspace, "check", "35")
    assert "tokens.toml:3: warning contrast-low" in told
    assert "contrast-low" not in run(workspace, "check", "35", "--explain", "link-scheme")


def test_one_partial_of_its_own_keeps_the_rest(workspace: Path) -> None:
    """A team changes the footer alone; everything else is still the shipped theme's."""
    run(workspace, "compose", "35", "-o", "before")
    before = (workspace / "before" / "35.fr.html").read_text(encoding="utf-8")
    shipped = (resources.templates("email") / "partials" / "footer.mjml.j2").read_text("utf-8")
    own(
        workspace,
        "partials/footer.mjml.j2",
        shipped.replace('<p class="publisher">', '<p class="publisher">Notre pied de page. '),
    )
    run(workspace, "compose", "35", "-o", "after")
    after = (workspace / "after" / "35.fr.html").read_text(encoding="utf-8")
    assert "Notre pied de page." in after
    assert after.replace("Notre pied de page. ", "") == before
