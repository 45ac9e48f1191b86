"""A link that stands alone, adorned or not, and the pictures that lead somewhere."""

import pytest

from flashback.issues import Reading, parse
from flashback.model import Article

HEADER = "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n---\n"
LINK = "[Lire](https://example.org/a)"


def read(body: str) -> Reading:
    return parse(HEADER + body, file="x.md", language="fr", folder=None)


def article_of(body: str) -> Article:
    reading = read(f"## T\n\nTexte.\n\n{body}\n")
    assert reading.findings == ()
    assert reading.issue
    (article,) = reading.issue.articles
    return article


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{LINK} →", "Lire"),
        (f"👉\ufe0f {LINK}", "Lire"),
        (f"{LINK} !", "Lire"),
        (f"{LINK}…", "Lire"),
        (f"{LINK},", "Lire"),
        (f"«\u00a0{LINK}\u00a0»", "Lire"),
        (f"(**{LINK}**)", "Lire"),
        (f"{LINK} (PDF, 2 Mo)", "Lire (PDF, 2 Mo)"),
        (f"→ {LINK} (abonnés) !", "Lire (abonnés)"),
        (f"(PDF) {LINK}", "(PDF) Lire"),
        ("<https://example.org/a> (PDF)", "Lire l’article (PDF)"),
    ],
)
def test_adornment_does_not_keep_a_link_from_standing_alone(line: str, words: str) -> None:
    """Arrows and marks are dropped, a short parenthesis is among the words."""
    article = article_of(line)
    assert article.link
    assert (article.link.words, article.link.url) == (words, "https://example.org/a")
    assert len(article.blocks) == 1


@pytest.mark.parametrize(
    "line",
    [
        f"{LINK} et plus",
        f"{LINK} (a) (b)",
        f"{LINK} 2",
        f"{LINK} `→`",
        f"{LINK} ({'mot ' * 11})",
        f"({LINK} en PDF)",
    ],
)
def test_words_beside_a_link_make_it_prose(line: str) -> None:
    """The finding stands on the link's own line."""
    reading = read(f"## T\n\nTexte.\n\nSuite.\n\n{line}\n")
    assert [(f.code, f.line) for f in reading.findings] == [("link-missing", 13)]


@pytest.mark.parametrize(
    "url",
    [
        "https://https://example.org/a",
        "https://http/a",
        "https://example",
        "https://localhost/x",
        "http://localhost:8000/",
    ],
)
def test_a_host_without_a_dot_is_malformed(url: str) -> None:
    """No reader could open it."""
    assert [f.code for f in read(f"## T\n\nTexte.\n\n[L]({url})\n").findings] == ["link-malformed"]


def test_a_mailbox_is_offered_its_scheme() -> None:
    """An address with an @ is no host."""
    (finding,) = read(f"## T\n\n[Écrire](x@example.org) nous.\n\n{LINK}\n").findings
    assert "mailto:x@example.org" in str(finding.remedy)


def test_removed_characters_are_named_in_plain_words() -> None:
    """No list as the program sees it."""
    (finding,) = read(f"## T\n\na\u202eb\x0bc\n\n{LINK}\n").findings
    assert "U+000B, U+202E." in str(finding.sentence)


PICTURE = "[![Le port](https://example.org/p.png)](https://example.org/b)"


def test_a_picture_that_leads_somewhere_is_the_articles_picture() -> None:
    """Its address counts when there is no other link; one that is not kept is told."""
    article = article_of(PICTURE)
    assert article.image
    assert (article.image.alt, article.image.line) == ("Le port", 11)
    assert article.link
    assert (article.link.words, article.link.url) == ("Lire l’article", "https://example.org/b")
    article = article_of(f"{PICTURE}\n\n[Lire](https://example.org/b)")
    assert article.link
    assert article.link.words == "Lire"
    assert article.image
    reading = read(f"## T\n\nTexte.\n\n{PICTURE}\n\n{LINK}\n")
    assert [(f.code, f.line) for f in reading.findings] == [("link-dropped", 11)]


def test_a_second_picture_that_leads_somewhere_stays_where_it_is() -> None:
    """Only the first is the article's."""
    article = article_of(f"{PICTURE}\n\n{PICTURE.replace('/b', '/c')}\n\nFin.")
    assert len(article.blocks) == 3


def test_a_bare_address_in_a_list_of_links_is_in_the_remedy() -> None:
    """What to write is made from what stands there."""
    reading = read("# S\n\n- [A](https://example.org/a)\n- https://example.org/6\n")
    (finding,) = reading.findings
    assert (finding.code, finding.line) == ("link-missing", 10)
    assert "(https://example.org/6)" in str(finding.remedy)
