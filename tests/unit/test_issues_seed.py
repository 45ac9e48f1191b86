"""The real thing: issue 35, every character of it, against the text it was typed from."""

import datetime as dt
import re
from pathlib import Path

from flashback import resources
from flashback.issues import read_issue, read_issues
from flashback.model import Article, plain

CORPUS = Path(__file__).parent.parent / "corpus" / "flash-back-35.txt"


def folded(text: str) -> str:
    """One space for any run of blanks, and words hyphenated at a line end made whole."""
    return re.sub(r"\s+", " ", re.sub(r"-\s*\n\s*", "-", text)).strip()


def as_in_the_corpus(article: Article) -> str:
    """An article as the corpus sets it: headline, excerpt, call to action, related links."""
    assert article.link
    related = " & ".join(f"{link.words} {link.note}".strip() for link in article.related)
    ending = "." if related and "(" not in related else ""
    lines = [
        article.headline,
        plain(article.blocks),
        f"{article.link.words}.",
        f"Lire aussi : {related}{ending}" if related else "",
    ]
    return " ".join(line for line in lines if line)


def test_every_character_of_the_corpus_is_in_the_issue_in_order() -> None:
    """The text, from the introduction to the last call to action, is what the issue says."""
    issue = read_issue(resources.example_issue() / "fr.md").issue
    assert issue
    introduction, corpus = (
        folded(part)
        for part in CORPUS.read_text(encoding="utf-8").split("vue exprimé par la source.")
    )
    assert plain(issue.introduction) == introduction
    assert " ".join(map(as_in_the_corpus, issue.articles)) == corpus


def test_the_example_issue_has_no_finding() -> None:
    """All three editions can be sent as they are."""
    readings = read_issues(resources.example_issue())
    assert [reading.findings for reading in readings] == [(), (), ()]
    assert [reading.issue.language for reading in readings if reading.issue] == ["fr", "ar", "en"]


def test_the_french_edition_holds_what_its_header_and_headings_say() -> None:
    """Header, sections, counts, links and lines."""
    issue = read_issue(resources.example_issue() / "fr.md").issue
    assert issue
    assert (issue.title, issue.number, issue.date) == ("Flash-back", "35", dt.date(2011, 9, 2))
    assert issue.subject.startswith("Flash-back n° 35 : Al Amana redéfinit sa mission, 5 ans")
    assert issue.preview.endswith("Marrakech ; l’INDH réajuste ses programmes.")
    assert issue.publisher == "Centre Mohammed VI de Soutien à la Microfinance Solidaire"
    assert [(s.title, len(s.articles)) for s in issue.sections] == [
        ("Maroc", 5),
        ("International", 6),
    ]
    indh = issue.articles[2]
    assert indh.headline == "5 ans de l’INDH : L’Initiative réajuste ses programmes"
    assert indh.link
    assert (indh.link.words, indh.link.url) == (
        "Lire l’article",
        "https://example.org/maroc/indh-5-ans",
    )
    assert [(link.words, link.note) for link in indh.related] == [
        ("5 ans de l’INDH : Les couacs de la phase-pilote", ""),
        (
            "5 ans de l’INDH : Penser autrement les politiques publiques",
            "(Entretien avec la Gouverneur-Coordinatrice Nationale de l’INDH)",
        ),
    ]
    source = (resources.example_issue() / "fr.md").read_text(encoding="utf-8").split("\n")
    for article in issue.articles:
        assert article.link
        assert source[article.line - 1] == f"## {article.headline}"
        assert article.link.url in source[article.link.line - 1]
        for link in article.related:
            assert link.url in source[link.line - 1]
    assert len(issue.articles[-1].excerpts[0].children) == 3


def test_articles_of_another_language_say_so() -> None:
    """« langue : fr » right under the headline, in the Arabic and the English edition."""
    _, arabic, english = (reading.issue for reading in read_issues(resources.example_issue()))
    assert arabic
    assert english
    assert [a.language for a in arabic.articles] == ["ar"] * 4 + ["fr"] + ["ar"] * 3
    assert [a.language for a in english.articles] == ["en", "fr", "en", "en"]
    assert len(english.articles[1].related) == 1
    assert arabic.articles[2].related[1].note.startswith("(حوار مع")
