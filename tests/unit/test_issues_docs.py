"""What the documentation says of issues is what the program does."""

import ast
import re
from pathlib import Path

import pytest

import flashback.issues
import flashback.preflight
from flashback.issues import parse
from flashback.issues.words import ARTICLE_KEYS, HEADER_KEYS, is_read_also

DOCS = Path(__file__).parents[2] / "docs"
ROOM = Path(flashback.issues.__file__).parent
GUIDE = (DOCS / "issue-format.md").read_text(encoding="utf-8")


def codes_in_source() -> set[tuple[str, str]]:
    """Every code the room makes, with its severity."""
    calls = (
        node
        for file in ROOM.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )
    return {
        (call.args[1].value, call.func.attr)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"error", "warning", "hint"}
        and len(call.args) > 2
        and isinstance(call.args[1], ast.Constant)
        and isinstance(call.args[1].value, str)
    }


def codes_of_the_last_look() -> set[tuple[str, str]]:
    """Every code of the preflight, with its severity."""
    found = set()
    for file in Path(flashback.preflight.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            named = {word.arg: word.value for word in node.keywords}
            code, severity = named.get("code"), named.get("severity")
            if node.func.id == "_error":
                code = node.args[0]
            if isinstance(code, ast.Constant):
                word = severity.attr.lower() if isinstance(severity, ast.Attribute) else "error"
                found.add((str(code.value), word))
    # Two parts are looked at in one way.
    return found | {("text-incomplete", "error"), ("html-incomplete", "error")}


@pytest.mark.parametrize("page", ["findings.md", "findings.fr.md"])
def test_every_finding_is_explained_and_no_other(page: str) -> None:
    """The tables of findings are the codes in the source, each once, with its severity."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert len(rows) > 50
    assert sorted((code, severity) for code, severity, _, _ in rows) == sorted(
        codes_in_source() | codes_of_the_last_look()
    )


@pytest.mark.parametrize("example", re.findall(r"```issue\n(.*?)```", GUIDE, re.DOTALL))
def test_the_guides_issues_have_no_finding(example: str) -> None:
    """Whoever copies an example gets an issue that can be sent."""
    reading = parse(example, file="x.md", language="fr", folder=None)
    assert reading.findings == ()
    assert reading.issue
    assert reading.issue.articles


def test_the_guide_names_every_key_and_phrase() -> None:
    """All header keys and article keys, in the three languages."""
    for words in HEADER_KEYS.values():
        assert f"| `{words['fr']}` | `{words['en']}` | `{words['ar']}` |" in GUIDE
    for words in ARTICLE_KEYS.values():
        for word in words.values():
            assert f"`{word} : " in GUIDE
    phrases = re.findall(r"`((?:Voir|À lire|Lire|Read|See|اقرأ|انظر|شاهد) [^`:]+)`", GUIDE)
    assert len(phrases) == 9
    assert all(map(is_read_also, phrases))
