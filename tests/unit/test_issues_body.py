"""The body: what each construct of the format becomes."""

import pytest

from flashback.issues import Reading, parse
from flashback.model import (
    Article,
    Break,
    Code,
    Emphasis,
    Hyperlink,
    Image,
    Issue,
    Items,
    Link,
    Paragraph,
    Picture,
    Preformatted,
    Quotation,
    Strong,
    Subheading,
    Text,
)

HEADER = "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n---\n"
LINK = "[Lire](https://example.org/a)"


def read(body: str, language: str = "fr") -> Reading:
    return parse(HEADER + body, file="x.md", language=language, folder=None)


def issue_of(body: str, language: str = "fr") -> Issue:
    reading = read(body, language)
    assert reading.findings == ()
    assert reading.issue
    return reading.issue


def article_of(body: str, language: str = "fr") -> Article:
    (article,) = issue_of(f"## T\n{body}\n", language).articles
    return article


def related_of(body: str, language: str = "fr") -> list[tuple[str, str, str, int]]:
    article = article_of(f"\nTexte.\n\n{LINK}\n\n{body}", language)
    return [(link.words, link.url[-1], link.note, link.line) for link in article.related]


def paragraph(text: str) -> Paragraph:
    return Paragraph((Text(text),))


def test_sections_and_articles_nest_by_headings() -> None:
    """Introduction, sections with their own introduction, articles, each with its line."""
    issue = issue_of(
        f"Bonjour,\nlecteurs.\n\n# Maroc\n\nEn bref.\n\n## *Un* titre\n\nA\n\n{LINK}\n\n# Monde\n"
        "\n## Deux\n\nB\n\n[Lire](https://example.org/b)\n"
    )
    assert issue.introduction == (paragraph("Bonjour, lecteurs."),)
    maroc, monde = issue.sections
    assert (maroc.title, maroc.line, maroc.introduction) == ("Maroc", 10, (paragraph("En bref."),))
    assert (maroc.articles[0].headline, maroc.articles[0].line) == ("Un titre", 14)
    assert (monde.title, monde.articles[0].headline) == ("Monde", "Deux")
    assert maroc.articles[0].link == Link(words="Lire", url="https://example.org/a", line=18)


def test_articles_before_any_section_are_one_untitled_section() -> None:
    """`##` first is fine, and so is a section after it."""
    issue = issue_of(f"## A\n\nA\n\n{LINK}\n\n# S\n\n## B\n\nB\n\n[L](https://example.org/b)\n")
    assert [(s.title, s.line, len(s.articles)) for s in issue.sections] == [
        ("", 7, 1),
        ("S", 13, 1),
    ]


def test_prose_is_kept_in_file_order() -> None:
    """Every kind of block and inline, as the tree knows it."""
    article = article_of(
        "\n> Un *mot*\n>\n> deux\n\n### Sous **titre**\n\n"
        "A `b  c`\\\nd [e](mailto:a@example.org)\n\n"
        f"- x\n- y\n\n  z\n\n3. w\n\n```\n  code\n```\n\n{LINK}\n\n![f](f.png) ici"
    )
    assert article.blocks == (
        Quotation((Paragraph((Text("Un "), Emphasis((Text("mot"),)))), paragraph("deux"))),
        Subheading((Text("Sous "), Strong((Text("titre"),)))),
        Paragraph(
            (
                Text("A "),
                Code("b  c"),
                Break(),
                Text("d "),
                Hyperlink((Text("e"),), "mailto:a@example.org"),
            )
        ),
        Items(((paragraph("x"),), (paragraph("y"), paragraph("z")))),
        Items(((paragraph("w"),),), 3),
        Preformatted("  code"),
        Paragraph((Picture("f.png", "f"), Text(" ici"))),
    )
    assert article.excerpts == (article.blocks[0],)


def test_indented_text_and_typed_entities_stay_text() -> None:
    """Editors indent by accident, and R&D is no entity."""
    assert article_of(f"\n    Retrait.\tR&D 5 < 6\n\n{LINK}").blocks == (
        paragraph("Retrait. R&D 5 < 6"),
    )


def test_line_ends_inside_stress_are_spaces_and_breaks() -> None:
    """The same inside as outside."""
    article = article_of(f"\n*a\nb\\\nc* d\n\n{LINK}")
    assert article.blocks == (Paragraph((Emphasis((Text("a b"), Break(), Text("c"))), Text(" d"))),)


@pytest.mark.parametrize(
    ("line", "words", "url"),
    [
        ("[Lire l’article](https://example.org/a).", "Lire l’article", "https://example.org/a"),
        ("**[Lire](https://example.org/a)**", "Lire", "https://example.org/a"),
        ("[*Lire* plus](HTTPS://Example.org/a)", "Lire plus", "https://example.org/a"),
        ("<https://example.org/a>", "Lire l’article", "https://example.org/a"),
        ("[Lire][r]\n\n[r]: https://example.org/a", "Lire", "https://example.org/a"),
        (
            "[L](http://exämple.org/é?q=à#ü)",
            "L",
            "http://xn--exmple-cua.org/%C3%A9?q=%C3%A0#%C3%BC",
        ),
        ("[L](https://مثال.example/س)", "L", "https://xn--mgbh0fb.example/%D8%B3"),
        ("[L](https://example.org:8443/100%?a|b)", "L", "https://example.org:8443/100%25?a%7Cb"),
        ("[L](https://[2001:db8::1]/a%20b)", "L", "https://[2001:db8::1]/a%20b"),
    ],
)
def test_a_paragraph_of_one_link_is_the_articles_link(line: str, words: str, url: str) -> None:
    """Its words are the call to action, its address is made ASCII."""
    link = article_of(f"\nTexte.\n\n{line}").link
    assert link
    assert (link.words, link.url) == (words, url)


def test_a_link_with_other_words_around_it_is_prose() -> None:
    """Only a link that stands alone is the article's."""
    article = article_of(f"\nVoir [ceci](https://example.org/b) et\n\n{LINK}")
    assert article.blocks[0] == Paragraph(
        (Text("Voir "), Hyperlink((Text("ceci"),), "https://example.org/b"), Text(" et"))
    )


def test_a_headline_may_be_the_link() -> None:
    """When there is no other, or it is the same; the call to action is the language's own."""
    (article,) = issue_of("## [T](https://example.org/a)\n\nTexte.\n").articles
    assert article.headline == "T"
    assert article.link == Link(words="Lire l’article", url="https://example.org/a", line=7)
    (article,) = issue_of(f"## [T](https://example.org/a)\n\nTexte.\n\n{LINK}\n").articles
    assert article.link == Link(words="Lire", url="https://example.org/a", line=11)


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Lire l’article"), ("en", "Read more"), ("ar", "اقرأ المقال")]
)
def test_the_default_call_to_action_is_in_the_articles_language(language: str, words: str) -> None:
    """The article's own, or the issue's where the article's is unknown to us."""
    link = article_of("\nT.\n\n<https://example.org/a>", language).link
    assert link
    assert link.words == words
    link = article_of("langue : es\n\nT.\n\n<https://example.org/a>", language).link
    assert link
    assert link.words == words
    link = article_of("langue : ar-MA\n\nT.\n\n<https://example.org/a>", language).link
    assert link
    assert link.words == "اقرأ المقال"


@pytest.mark.parametrize(
    "lines",
    [
        "source : *L’Économiste* : 2 sept.\nlangue : ar",
        "\nlangue : العربية\n\nsource : L’Économiste : 2 sept.\n",
        "المصدر: L’Économiste : 2 sept.\nلغة : ar\n> x",
        "SOURCE: L’Économiste : 2 sept.\nLanguage: arabic\nTexte.",
    ],
)
def test_source_and_language_stand_right_under_the_headline(lines: str) -> None:
    """One paragraph or several, in any of the languages, with or without text below."""
    article = article_of(f"{lines}\n\nTexte.\n\n{LINK}")
    assert (article.source, article.language) == ("L’Économiste : 2 sept.", "ar")
    assert len(article.blocks) == (2 if "\n> x" in lines or "\nTexte" in lines else 1)


def test_the_first_picture_alone_is_the_articles() -> None:
    """Later ones stay where they are; an https address is taken as it is."""
    article = article_of(
        f"\n![*Un* port\nvu d’ici](https://example.org/a.png)\n\n![B](b.jpg)\n\n{LINK}"
    )
    assert article.image == Image(
        source="https://example.org/a.png", alt="Un port vu d’ici", line=9
    )
    assert article.blocks == (Paragraph((Picture("b.jpg", "B"),)),)


A, B, C = (f"[{letter.upper()}](https://example.org/{letter})" for letter in "xyz")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"Lire aussi : {A}", [("X", "x", "", 13)]),
        (f"Lire aussi {A}.", [("X", "x", "", 13)]),
        (f"**Voir aussi :** {A} & {B}", [("X", "x", "", 13), ("Y", "y", "", 13)]),
        (f"*Lire aussi : {A} - {B}*", [("X", "x", "", 13), ("Y", "y", "", 13)]),
        (
            f"Lire aussi : {A}, {B} et {C}",
            [("X", "x", "", 13), ("Y", "y", "", 13), ("Z", "z", "", 13)],
        ),
        (
            f"Lire aussi : {A} (Entretien avec *E. F.*), et\n{B} — p. 3.",
            [("X", "x", "(Entretien avec E. F.)", 13), ("Y", "y", "p. 3.", 14)],
        ),
        (f"Read also: {A} and {B}", [("X", "x", "", 13), ("Y", "y", "", 13)]),
        (
            f"اقرأ أيضاً : {A} و{B}، {C}",
            [("X", "x", "", 13), ("Y", "y", "", 13), ("Z", "z", "", 13)],
        ),
        (f"Lire aussi :\n- {A}\n- {B} (note)", [("X", "x", "", 14), ("Y", "y", "(note)", 15)]),
        (
            f"Lire aussi :\n\n1. {A}\n   suite\n2. {B}",
            [("X", "x", "suite", 15), ("Y", "y", "", 17)],
        ),
        (
            f"Lire aussi :\n\n- {A}\n\n  note\n- > {B}\n  - {C}",
            [("X", "x", "note", 15), ("Y", "y", "", 18), ("Z", "z", "", 19)],
        ),
        (f"Lire aussi : {A}\nVoir aussi : {B}", [("X", "x", "", 13), ("Y", "y", "", 14)]),
        (f"Lire aussi : {A}\n\nVoir aussi :\n- {B}", [("X", "x", "", 13), ("Y", "y", "", 16)]),
        (f"Lire aussi : {A} `x  y` ![z](z.png)", [("X", "x", "x  y z", 13)]),
        (f"Lire aussi : {A} budget\n& {B}", [("X", "x", "budget", 13), ("Y", "y", "", 14)]),
    ],
)
def test_read_also_gives_related_links(
    body: str, expected: list[tuple[str, str, str, int]]
) -> None:
    """In the line or as a list, joined as people join, with notes and lines."""
    assert related_of(body) == expected


def test_read_also_may_follow_the_link_without_an_empty_line() -> None:
    """A new line that announces links is a new paragraph."""
    article = article_of(f"\nTexte.\n\n{LINK}\nLire aussi : {A}")
    assert article.link
    assert [link.words for link in article.related] == ["X"]
    article = article_of(f"\nTexte.\nLire aussi :\n- {A}\n\n{LINK}")
    assert article.blocks == (paragraph("Texte."),)
    assert [link.words for link in article.related] == ["X"]


def test_a_section_may_be_a_list_of_links_with_comments() -> None:
    """Each item is a brief article; what joins a comment to its link goes."""
    issue = issue_of(
        "# Brèves\n\nÀ lire.\n\n"
        "- [Un](https://example.org/1)\n"
        "- [*Deux*](https://example.org/2) — Un *comment* aire\n  qui continue.\n"
        "- **[Trois](https://example.org/3) :** Autre.\n\n  Suite.\n\n  Lire aussi : " + A + "\n"
        "- **[Quatre](https://example.org/4)**: *fin*\n"
        "- **[Cinq](https://example.org/5) gras**\n"
        "- [Six](https://example.org/6)\n  source : Le Matin\n  -5 %\n"
        f"\n## Long\n\nTexte.\n\n{LINK}\n"
    )
    (section,) = issue.sections
    assert section.introduction == (paragraph("À lire."),)
    assert [(a.headline, a.brief) for a in section.articles] == [
        ("Un", True),
        ("Deux", True),
        ("Trois", True),
        ("Quatre", True),
        ("Cinq", True),
        ("Six", True),
        ("Long", False),
    ]
    one, two, three, four, five, six, _ = section.articles
    assert one.blocks == ()
    assert one.link == Link(words="Lire l’article", url="https://example.org/1", line=11)
    assert two.blocks == (
        Paragraph((Text("Un "), Emphasis((Text("comment"),)), Text(" aire qui continue."))),
    )
    assert three.blocks == (paragraph("Autre."), paragraph("Suite."))
    assert [link.words for link in three.related] == ["X"]
    assert four.blocks == (Paragraph((Emphasis((Text("fin"),)),)),)
    assert five.blocks == (Paragraph((Strong((Text("gras"),)),)),)
    assert (six.source, six.blocks) == ("Le Matin", (paragraph("-5 %"),))


def test_a_list_without_links_is_the_sections_introduction() -> None:
    """Only a list of links makes articles."""
    issue = issue_of(
        f"# S\n\n- a\n-\n- > b\n- c [d](https://example.org/d)\n\n## T\n\nT\n\n{LINK}\n"
    )
    assert len(issue.articles) == 1
    assert isinstance(issue.sections[0].introduction[0], Items)


def test_an_item_without_link_among_links_is_an_article_without_one() -> None:
    """It is kept, and told."""
    reading = read(
        "# S\n- [A](https://example.org/a)\n- B, **sans** lien\n- > citation\n-\n- **C**\n"
    )
    assert [(f.code, f.line) for f in reading.findings] == [
        ("link-missing", 9),
        ("link-missing", 10),
        ("link-missing", 12),
    ]
    assert reading.issue
    assert [a.headline for a in reading.issue.articles] == ["A", "B, sans lien", "citation", "C"]


def test_characters_are_brought_into_one_form() -> None:
    """NFC; byte-order mark, CRLF and CR; no-break spaces, marks and isolates stay."""
    text = "\u00ab\u00a0e\u0301te\u0301\u202f\u00bb \u2068x\u2069 \u200e\u200f"
    body = f"## T\n\n{text} fin\n\n{LINK}\n"
    for end in ("\r\n", "\r"):
        whole = "\ufeff" + (HEADER + body).replace("\n", end)
        reading = parse(whole, file="x.md", language="fr", folder=None)
        assert reading.findings == ()
        assert reading.issue
        assert reading.issue.articles[0].blocks == (
            paragraph("«\u00a0été\u202f» \u2068x\u2069 \u200e\u200f fin"),
        )
        assert reading.issue.articles[0].line == 7


def test_forbidden_characters_are_removed_and_named() -> None:
    """What parts words leaves a space."""
    reading = read(f"## a\u202eb\x0bc\u2028d\ufeff\n\nT\n\n{LINK}\n")
    assert reading.issue
    assert reading.issue.articles[0].headline == "ab c d"
    (finding,) = reading.findings
    for mark in ("U+000B", "U+2028", "U+202E", "U+FEFF"):
        assert mark in str(finding.sentence)


def test_a_no_break_space_behind_a_mark_is_a_space() -> None:
    """`##` and Option-space is how a Mac writes a headline; a line of blanks is empty."""
    article = article_of(f"\u00a0\nTexte.\n\u00a0\u202f\n-\u00a0a\n-\u00a0b\n\n{LINK}")
    assert article.blocks == (paragraph("Texte."), Items(((paragraph("a"),), (paragraph("b"),))))
    (article,) = issue_of(f"##\u00a0Titre\n\n>\u00a0« A »\n\n{LINK}\n").articles
    assert article.headline == "Titre"
    assert len(article.excerpts) == 1


def test_a_long_paragraph_is_kept_as_it_stands() -> None:
    """Nothing of it is lost, only its stress is not read."""
    text = "mot *à* " * 5000
    reading = read(f"## T\n\n{text}\n\n{LINK}\n")
    assert reading.issue
    assert reading.issue.articles[0].blocks == (paragraph(text.strip()),)


def test_deep_stress_is_flattened() -> None:
    """A tree that nobody can read is not built; its words are."""
    reading = read(f"## T\n\n{'*a ' * 500}b{' a*' * 500}\n\n{LINK}\n")
    assert reading.issue
    assert reading.issue.words.count("a") >= 1000
