"""Every finding of the room: the slip that makes it, its line, and what an editor gets to read."""

import pytest

from flashback.issues import Reading, parse
from flashback.model import Finding, Severity

HEADER = "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n---\n"
#: The body begins on line 7 of every file below.
LINK = "[Lire](https://example.org/a)"
SOUND = f"## Titre\n\n> « Extrait. »\n\n{LINK}\n"


def read(body: str, *, header: str = HEADER) -> Reading:
    return parse(header + body, file="35.md", language="fr", folder=None)


def found(reading: Reading) -> list[tuple[str, int]]:
    return [(finding.code, finding.line) for finding in reading.findings]


def one(reading: Reading, code: str) -> Finding:
    (finding,) = (f for f in reading.findings if f.code == code)
    return finding


def test_a_sound_article_has_no_finding() -> None:
    """What every other case is measured against."""
    assert found(read(SOUND)) == []


E, W, H = Severity.ERROR, Severity.WARNING, Severity.HINT


@pytest.mark.parametrize(
    ("code", "severity", "line", "body"),
    [
        ("link-in-excerpt", E, 10, f"## T\n\n> « A »\n{LINK}\n"),
        ("link-in-excerpt", E, 10, "## T\n\n> « A »\nLire aussi : [B](https://example.org/b)\n"),
        ("link-in-excerpt", E, 10, "## T\n\n> « A »\nhttps://example.org/b\n"),
        ("excerpt-continued", W, 10, f"## T\n\n> « A\nB »\n\n{LINK}\n"),
        ("link-missing", E, 7, "## T\n\n> « A »\n"),
        ("link-glued", E, 10, f"## T\n\nUn texte,\n{LINK}\n"),
        ("link-glued", E, 13, f"## T\n\nA\n\nLire aussi :\n- [B](https://example.org/b)\n{LINK}\n"),
        ("link-glued", E, 12, f"## T\n\nA\n\nLire aussi : [B](https://example.org/b)\n{LINK}\n"),
        ("link-missing", E, 9, f"## T\n\n{LINK} pour abonnés\n"),
        ("article-bare", W, 7, f"## T\n\n{LINK}\n"),
        ("link-second", E, 13, SOUND + "\n[Suite](https://example.org/b)\n"),
        ("link-second", E, 7, f"## [T](https://example.org/b)\n\nTexte.\n\n{LINK}\n"),
        ("link-mailto", E, 9, "## T\n\n[Lire](mailto:a@example.org)\n\nTexte.\n"),
        ("link-wordless", E, 9, "## T\n\nVoir [](https://example.org/x).\n\n" + LINK + "\n"),
        ("related-without-link", E, 13, SOUND + "\nLire aussi : rien\n"),
        ("related-without-link", E, 13, SOUND + "\nLire aussi :\n"),
        ("related-without-link", E, 13, SOUND + "\nLire aussi :\n\nDu texte.\n"),
        (
            "related-without-link",
            E,
            15,
            SOUND + "\nLire aussi :\n- [B](https://example.org/b)\n- C\n",
        ),
        ("related-words-lost", W, 13, SOUND + "\nLire aussi : ici [B](https://example.org/b)\n"),
        ("related-words-lost", W, 14, SOUND + "\nLire aussi :\n- Ici [B](https://example.org/b)\n"),
        ("marks-unpaired", W, 9, f"## T\n\n> « A\n\n{LINK}\n"),
        ("marks-unpaired", W, 10, f"## T\n\n> A\n> B »\n\n{LINK}\n"),
        ("marks-unpaired", W, 9, f"## T\n\n> « A “b »\n\n{LINK}\n"),
        ("marks-unpaired", W, 9, f"## T\n\n> - «أ\n\n{LINK}\n"),
        ("marks-unpaired", W, 7, f"> « A\n\n{SOUND}"),
        ("heading-empty", E, 7, f"##\n\nTexte.\n\n{LINK}\n"),
        ("heading-empty", E, 7, f"#\n\n{SOUND}"),
        ("heading-unspaced", E, 13, SOUND + "\n##Titre\n"),
        ("heading-unspaced", E, 14, SOUND + "\nTexte\n#Maroc\n"),
        ("heading-underlined", W, 13, SOUND + "\nMaroc\n=====\n\n" + SOUND.replace("/a", "/b")),
        ("headline-bold", H, 13, SOUND + "\n**Titre en gras**\n"),
        ("section-empty", W, 7, f"# Vide\n\n# Maroc\n\n{SOUND}"),
        ("articles-missing", E, 0, "Du texte.\n"),
        ("link-duplicate", W, 17, SOUND + SOUND.replace("Titre", "\nAutre")),
        ("headline-duplicate", W, 12, SOUND + SOUND.replace("/a", "/b")),
        ("html-typed", W, 9, f"## T\n\nDu <b>gras</b>.\n\n{LINK}\n"),
        ("html-typed", W, 9, f"## T\n\nA&nbsp;: b\n\n{LINK}\n"),
        ("html-typed", W, 9, f"## T\n\n<!-- note -->\n\n{LINK}\n"),
        ("slot-typed", E, 9, f"## T\n\n__FB_UNSUBSCRIBE_URL__\n\n{LINK}\n"),
        ("slot-typed", E, 0, f"## T\n\n\\_\\_FB_READER\\_**NAME**\\_\\_\n\n{LINK}\n"),
        ("slot-typed", E, 0, f"## T\n\n\\_\\_FB_READER\\_NAME\\_\\_\n\n{LINK}\n"),
        ("slot-typed", E, 0, f"## T\n\n![\\_\\_FB_READER\\_NAME\\_\\_](a.png)\n\nA\n\n{LINK}\n"),
        (
            "link-malformed",
            E,
            9,
            "## T\n\n[L](https://example.org/\\_\\_FB_READER_NAME\\_\\_)\n\nA\n",
        ),
        (
            "link-unclosed",
            E,
            10,
            f"## T\n\nVoir ceci,\n[mots](https://example.org/b et.\n\n{LINK}\n",
        ),
        ("link-unclosed", E, 9, f"## T\n\n[mots] (https://example.org/b)\n\n{LINK}\n"),
        ("link-unclosed", E, 9, f"## T\n\n(mots)[https://example.org/b]\n\n{LINK}\n"),
        ("link-unclosed", E, 9, f"## T\n\n[mots][nulle part]\n\n{LINK}\n"),
        ("link-scheme", E, 9, "## T\n\n[L](javascript:alert%281%29)\n\nTexte.\n"),
        ("link-scheme", E, 10, f"## T\n\nA\nb [L](data:text/html,x)\n\n{LINK}\n"),
        ("link-scheme", E, 9, "## T\n\n[L](ftp://example.org/)\n\nTexte.\n"),
        ("link-relative", E, 9, "## T\n\n[L](www.example.org/x)\n\nTexte.\n"),
        ("link-relative", E, 9, "## T\n\n[L](//example.org/x)\n\nTexte.\n"),
        ("link-relative", E, 9, "## T\n\n[L](example.org:8080/x)\n\nTexte.\n"),
        ("link-relative", E, 9, "## T\n\n[L](page.html)\n\nTexte.\n"),
        ("link-relative", E, 9, "## T\n\n[L](#ici)\n\nTexte.\n"),
        ("link-relative", E, 9, "## T\n\n[L]()\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](https:///x)\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](<https://exa mple.org/x>)\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](https://user@example.org/x)\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](https://example.org:99999/)\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](https://exa$mple.org/)\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](https://[zz:::/)\n\nTexte.\n"),
        ("link-malformed", E, 9, f"## T\n\n[L](https://{'é' * 60}.org/)\n\nTexte.\n"),
        ("link-malformed", E, 9, "## T\n\n[L](https://example.org/\u200fx)\n\nTexte.\n"),
        ("link-malformed", E, 9, f"## T\n\n[L](mailto:personne) x\n\n{LINK}\n"),
        ("link-dropped", W, 7, f"# [Maroc](https://example.org/m)\n\n{SOUND}"),
        ("link-dropped", W, 8, f"## T\nsource : [LM](https://example.org/m)\n\nA\n\n{LINK}\n"),
        ("key-duplicate", E, 9, f"## T\nsource : A\nsource : B\n\nA\n\n{LINK}\n"),
        ("language-unknown", E, 8, f"## T\nlangue : quelque chose\n\nA\n\n{LINK}\n"),
        ("article-key-odd", W, 8, f"## T\nlange : ar\n\nA\n\n{LINK}\n"),
        ("article-key-odd", W, 13, SOUND + "\nsource : Le Matin\n"),
        ("image-alt-missing", W, 9, f"## T\n\n![](a.png)\n\nA\n\n{LINK}\n"),
        ("image-address", E, 9, f"## T\n\n![a](http://example.org/a.png)\n\nA\n\n{LINK}\n"),
        ("image-address", E, 9, f"## T\n\n![a](data:image/png;base64,AA)\n\nA\n\n{LINK}\n"),
        ("image-address", E, 9, f"## T\n\n![a](//example.org/a.png)\n\nA\n\n{LINK}\n"),
        ("link-malformed", E, 9, f"## T\n\n![a](https:///a.png)\n\nA\n\n{LINK}\n"),
        ("placeholder-left", E, 7, f"## …titre de l’article…\n\nA\n\n{LINK}\n"),
        ("placeholder-left", E, 9, "## T\n\n[Lire](https://…)\n\nA\n"),
        ("text-misplaced", W, 10, "# B\n- [A](https://example.org/a) a\n\nTexte.\n"),
        ("code-unclosed", E, 13, SOUND + "\n~~~\nperdu\n"),
        ("code-unclosed", E, 13, SOUND + "\n```"),
        ("reference-unused", W, 13, SOUND + "\n[note]: https://example.org/b\n"),
        ("nesting-deep", E, 13, SOUND + "\n" + ">" * 30 + " perdu\n"),
        ("nesting-deep", E, 13, SOUND + "\n" + "- " * 30 + "perdu\n"),
        ("paragraph-long", E, 13, SOUND + "\n" + "mot " * 5001 + "\n"),
        ("character-removed", E, 9, f"## T\n\na\u202eb\n\n{LINK}\n"),
        ("character-removed", E, 9, f"## T\n\na\x00b\n\n{LINK}\n"),
        ("character-removed", E, 9, f"## T\n\na\ud800b\n\n{LINK}\n"),
        ("character-removed", E, 9, f"## T\n\na{chr(0x301) * 40}b\n\n{LINK}\n"),
    ],
)
def test_a_slip_is_found_where_it_stands(
    code: str, severity: Severity, line: int, body: str
) -> None:
    """Each slip has its one finding, on its line, with a sentence and a way out."""
    finding = one(read(body), code)
    assert (finding.line, finding.severity) == (line, severity)
    assert str(finding.sentence)
    assert str(finding.remedy)
    assert finding.file == "35.md"
    assert finding.language == "fr"


@pytest.mark.parametrize(
    ("code", "line", "header"),
    [
        ("header-missing", 0, ""),
        ("header-missing", 1, "Bonjour.\n"),
        ("header-missing", 2, "\ntitre : F\nnuméro : 35\ndate : 2011-09-02\n---\n"),
        ("header-unclosed", 1, "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\n\n"),
        ("header-unclosed", 1, "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\n# Maroc\n\n---\n"),
        ("header-unclosed", 1, "---\ntitre : F"),
        ("header-line-odd", 3, "---\ntitre : F\nnuméro 35\ndate : 2011-09-02\n---\n"),
        ("header-line-odd", 3, "---\ntitre : F\nsans rien\ndate : 2011-09-02\n---\n"),
        ("header-line-odd", 2, f"---\n{'x' * 50} : F\n---\n"),
        ("key-unknown", 2, "---\nlange : fr\n---\n"),
        ("key-unknown", 2, "---\nxyzzy : fr\n---\n"),
        ("key-duplicate", 3, "---\ntitre : F\ntitle : G\n---\n"),
        ("title-missing", 1, "---\nnuméro : 35\n---\n"),
        ("title-missing", 1, "---\ntitre :\n---\n"),
        ("number-missing", 1, "---\ntitre : F\n---\n"),
        ("number-odd", 2, "---\nnuméro : 35/36\n---\n"),
        ("date-missing", 1, "---\ntitre : F\n---\n"),
        ("date-unreadable", 2, "---\ndate : 2 septembre 2011\n---\n"),
        ("date-unreadable", 2, "---\ndate : 2011-02-30\n---\n"),
        ("subject-missing", 1, "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\n---\n"),
        ("language-unknown", 2, "---\nlangue : klingon\n---\n"),
        ("placeholder-left", 2, "---\nobjet : …objet du message…\n---\n"),
        ("slot-typed", 2, "---\ntitre : __FB_READER_NAME__\n---\n"),
    ],
)
def test_a_slip_in_the_header_is_found_where_it_stands(code: str, line: int, header: str) -> None:
    """Each slip of the header has its one finding, on its line, with a way out."""
    finding = one(read("", header=header), code)
    assert finding.line == line
    assert str(finding.remedy)


def test_all_problems_of_a_file_are_told_at_once_and_by_line() -> None:
    """Nobody has to run the program once per slip."""
    header = "---\ntitre : F\nlange : fr\ndate : 2 septembre 2011\n---\n"
    reading = read(f"## A\n> « A\n{LINK}\n\n## B\n\n> « B\n", header=header)
    lines = [finding.line for finding in reading.findings]
    assert lines == sorted(lines)
    assert {finding.code for finding in reading.findings} == {
        "number-missing",
        "subject-missing",
        "key-unknown",
        "date-unreadable",
        "marks-unpaired",
        "link-in-excerpt",
        "link-missing",
    }
    assert reading.issue is None
    assert reading.has_errors


def test_remedies_show_what_to_write() -> None:
    """A remedy is a line to copy, made from what stands there."""
    assert "langue" in str(one(read("", header="---\nlange : fr\n---\n"), "key-unknown").remedy)
    remedy = one(read("", header="---\ndate : 2/9/2011\n---\n"), "date-unreadable").remedy
    assert "date : 2011-09-02" in str(remedy)
    remedy = one(read("", header="---\nnuméro 35\n---\n"), "header-line-odd").remedy
    assert "numéro : 35" in str(remedy)
    body = "## T\n\nVoir https://example.org/b.\n"
    assert "[Lire l’article](https://example.org/b)" in str(one(read(body), "link-missing").remedy)
    body = f"## T\n\nTexte et *{LINK}* (abonnés).\n"
    assert LINK in str(one(read(body), "link-missing").remedy)
    body = "## T\n\n[L](www.example.org/x)\n\nTexte.\n"
    assert "https://www.example.org/x" in str(one(read(body), "link-relative").remedy)
    assert "## Titre" in str(one(read("##Titre\n"), "heading-unspaced").remedy)


def test_the_nearest_key_is_told_in_the_issues_language() -> None:
    """Whoever writes in Arabic or English is not offered a French key."""
    english = read("", header="---\nlanguage : en\ntitel : F\n---\n")
    assert "“title”" in str(one(english, "key-unknown").remedy)
    assert one(english, "key-unknown").staff_language == "en"
    arabic = read("", header="---\nلغة : ar\nعنوا : F\n---\n")
    assert "“عنوان”" in str(one(arabic, "key-unknown").remedy)
    assert one(arabic, "key-unknown").language == "ar"


@pytest.mark.parametrize(
    "body",
    [
        f"## T\n\n> « Voir [B](https://example.org/b). »\n\n{LINK}\n",
        f"## T\n\n> « A »\n>\n> [B](https://example.org/b)\n\n{LINK}\n",
        f"## T\n\n> « a “b” c »\n>\n> (…)\n\n{LINK}\n",
        f"## T\n\n> « Un.\n>\n> « Deux. »\n\n{LINK}\n",
        f"## T\n\n> « Un.\n>\n> » Deux. »\n\n{LINK}\n",
        f"## T\n\n> “One, «two».\n>\n> “Three.”\n\n{LINK}\n",
        f"## T\n\n> « Un\n\nCoupure.\n\n> deux »\n\n{LINK}\n",
        f"## T\n\n\\#Microfinance\n\n{LINK}\n",
        f"## T\n\nLa suite […] un tableau [sic].\n\n{LINK}\n",
        f"## T\n\n5 < 6 et a > b ; R&D ; `<b>`\n\n{LINK}\n",
        f"## T\n\nVoir aussi la page 3.\n\n{LINK}\n",
        f"## T\n\nUne phrase bien plus longue que toutes les clés : la suite.\n\n{LINK}\n",
        f"## T\n\nTexte\n\n---\n\n{LINK}\n",
        f"## T\n\n```\n##Titre __init__\n```\n\n{LINK}\n",
        f"# Agenda\n\nRien.\n\n# Maroc\n\n{SOUND}",
        f"# Maroc\n\n> « Un mot. »\n\n{SOUND}",
    ],
)
def test_what_only_looks_like_a_slip_passes(body: str) -> None:
    """No false alarm on links inside quotations, nested marks, ellipses, hashtags, rules."""
    assert found(read(body)) == []


def test_a_refused_link_leaves_its_words() -> None:
    """A script never reaches the issue; what was written does."""
    reading = read(f"## T\n\nVoir *[ici](javascript:x)*, **[là](www.example.org)**.\n\n{LINK}\n")
    assert reading.issue
    assert "Voir ici, là." in reading.issue.words
    assert "javascript" not in repr(reading.issue)


def test_a_refused_link_is_not_also_called_missing() -> None:
    """One slip, one finding."""
    assert found(read("## T\n\n[L](www.example.org)\n\nTexte.\n")) == [("link-relative", 9)]
    assert found(read(f"## T\n\n> « A »\n{LINK}\n")) == [("link-in-excerpt", 10)]
    body = SOUND + "\nLire aussi : [L](www.example.org)\n"
    assert found(read(body)) == [("link-relative", 13)]
