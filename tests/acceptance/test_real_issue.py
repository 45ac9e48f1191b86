"""The real issue: every character of its articles reaches the French reader."""

import re
import unicodedata
from pathlib import Path

import pytest
from lxml import etree

from flashback.issues import read_issues

from fixtures.newsletters import EXAMPLE, ROOT, Newsletter

SEED = ROOT / "tests" / "corpus" / "flash-back-35.txt"
#: What follows the introduction and the disclaimer in the original.
FIRST_ARTICLE = "S.M. le Roi inaugure"
CALLS = ("Lire l’article", "En savoir plus", "Lire plus", "Lire la suite")


def folded(text: str) -> str:
    """Characters without white space; apostrophes are one letter, whoever typed them."""
    text = unicodedata.normalize("NFC", text).replace("'", "’")
    # Invisible characters that keep lines together or apart are white space of a kind.
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


def pieces() -> list[str]:
    """The articles as they were extracted, folded, and cut where a new part begins.

    The cuts are at headlines and calls to action, and at the "&" between two related links; no
    other character is left out but the full stops after calls to action and related links.
    """
    text = SEED.read_text(encoding="utf-8")
    # The original hyphenated one word over two lines and broke lines anywhere.
    stream = folded(text[text.index(FIRST_ARTICLE) :])
    (reading,) = read_issues(EXAMPLE / "fr.md")
    assert reading.issue is not None
    parts = [article.headline for article in reading.issue.articles]
    cuts = "|".join(re.escape(folded(part)) for part in [*parts, *CALLS, "Lire aussi :"])
    found = re.split(f"({cuts})|&", stream)
    return [piece.strip(".") for piece in found if piece and piece.strip(".")]


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the composed editions."""
    newsletter = Newsletter.made(tmp_path_factory.mktemp("real") / "n")
    newsletter.run("compose", "35", "-o", "out", expect=0)
    return newsletter.folder / "out"


def test_the_seed_is_cut_into_its_parts() -> None:
    """The oracle itself: headlines with excerpts, calls to action, related links; nothing lost."""
    found = pieces()
    assert found.count("Lireaussi:") == 2
    assert sum(piece in {folded(call) for call in CALLS} for piece in found) == 11
    assert len(found) == 11 * 3 + 2 + 3, "headline, excerpt, call; two boxes with three links"
    seed = SEED.read_text(encoding="utf-8")
    whole = folded(seed[seed.index(FIRST_ARTICLE) :])
    assert len(whole) - sum(map(len, found)) == 1 + 11 + 1, "an ampersand and the full stops"


@pytest.mark.parametrize("kind", ["html", "txt"])
def test_every_character_is_there_in_order(composed: Path, kind: str) -> None:
    """Headlines, excerpts, calls to action and related links, in HTML and in text, in order."""
    content = (composed / f"35.fr.{kind}").read_text(encoding="utf-8")
    if kind == "html":
        tree = etree.fromstring(content.encode(), etree.HTMLParser(encoding="utf-8"))
        etree.strip_elements(tree, etree.Comment, "style", "head", with_tail=False)
        content = "".join(map(str, tree.itertext()))
    reader = folded(content)
    place = reader.index(folded("Au sommaire"))
    for piece in pieces():
        found = reader.find(piece.removesuffix(":"), place)
        assert found >= 0, f"missing after {reader[place : place + 40]!r}: {piece!r}"
        place = found + len(piece) - 1
