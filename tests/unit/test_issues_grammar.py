"""Figures, years, stars and pasted bullets: what people type and Markdown would misread."""

import pytest

from flashback.issues import Reading, parse
from flashback.model import Block, Emphasis, Items, Paragraph, Preformatted, Quotation, Text

HEADER = "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n---\n"
LINK = "[Lire](https://example.org/a)"


def read(body: str) -> Reading:
    return parse(f"{HEADER}## T\n\n{body}\n\n{LINK}\n", file="x.md", language="fr", folder=None)


def blocks_of(body: str) -> tuple[Block, ...]:
    reading = read(body)
    assert reading.findings == ()
    assert reading.issue
    return reading.issue.articles[0].blocks


def paragraph(text: str) -> Paragraph:
    return Paragraph((Text(text),))


@pytest.mark.parametrize(
    "text",
    [
        "+ 12 % de prêts",
        "+\u00a012 % de prêts",
        "+ 5 points",
        "- 3 % en un an",
        "-\u00a03 % en un an",
        "2009. Début du programme",
        "1998) Création",
        "3*4*5",
        "Tou*te*s les lecteur**rice**s",
        "م*م*م",
    ],
)
def test_figures_years_and_stars_stay_as_they_are(text: str) -> None:
    """Nothing of a line is taken for a mark of Markdown's, in a quotation either."""
    assert blocks_of(text) == (paragraph(text),)
    assert blocks_of(f"> {text}") == (Quotation((paragraph(text),)),)


def test_a_list_ends_before_a_figure_or_a_year() -> None:
    """They are no items of the list above."""
    assert blocks_of("1. a\n2. b\n2009. Début") == (
        Items(((paragraph("a"),), (paragraph("b"),)), 1),
        paragraph("2009. Début"),
    )
    assert blocks_of("- a\n+ 12 %") == (Items(((paragraph("a"),),)), paragraph("+ 12 %"))


def test_lists_are_lists_still() -> None:
    """Numbers within bullets, numbers of one to three digits, stress at the edge of words."""
    two = ((paragraph("3 villes"),), (paragraph("4 bourgs"),))
    assert blocks_of("- 3 villes\n- 4 bourgs") == (Items(two),)
    assert blocks_of("1. a\n1. b") == (Items(((paragraph("a"),), (paragraph("b"),)), 1),)
    assert blocks_of("l’*un*, (*deux*)")[0] == Paragraph(
        (Text("l’"), Emphasis((Text("un"),)), Text(", ("), Emphasis((Text("deux"),)), Text(")"))
    )


@pytest.mark.parametrize("mark", ["•\t", "• ", "•", "•\u00a0", "– ", "▪ "])
def test_pasted_bullets_make_a_list(mark: str) -> None:
    """Two lines or more, right below text or inside a quotation."""
    items = Items(((paragraph("Premier"),), (paragraph("Deuxième"),)))
    assert blocks_of(f"{mark}Premier\n{mark}Deuxième") == (items,)
    assert blocks_of(f"Texte :\n{mark}Premier\n{mark}Deuxième") == (paragraph("Texte :"), items)
    assert blocks_of(f"> {mark}Premier\n> {mark}Deuxième") == (Quotation((items,)),)


def test_a_lone_bullet_a_figure_and_code_stay_text() -> None:
    """One line is no list, an en dash before a number is a minus, code is code."""
    assert blocks_of("• Premier\nsuite") == (paragraph("• Premier suite"),)
    assert blocks_of("– 3 %\n– 4 %") == (paragraph("– 3 % – 4 %"),)
    assert blocks_of("```\n• a\n• b\n```") == (Preformatted("• a\n• b"),)
