"""Whatever the text: no exception, sound lines, nothing dangerous, and time in proportion."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flashback.issues import parse, written
from flashback.model import Block, Hyperlink, Inline, Issue, Items, Paragraph, Quotation, plain

HEADER = "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n---\n"
#: Pieces that mean something; thrown together, they reach far more than letters do.
PIECES = st.sampled_from(
    [
        "---\n", "titre : F\n", "date : 2011-09-02\n", "numéro : ٣٥\n", "lange : x\n", "# S\n",
        "## T\n", "##\n", "### U\n", "> « a »\n", ">", "[L](https://example.org/a)", "[L](",
        "](javascript:x)", "![i](../x.png)", "![](a.png)", "[r]: https://example.org\n", "[r]",
        "Lire aussi :", "اقرأ أيضاً :", " & ", " et ", "- ", "1. ", "source : S\n", "langue : ar\n",
        "\n", "\n\n", "  ", "\t", "\u00a0", "*", "**", "`", "```\n", "~~~", "\\", "<b>", "&amp;",
        "«", "»", "“", "”", "__FB_READER_NAME__", "https://…", "…headline…", "===\n", "***\n", "a",
        "\x00", "\u202e", "\r", "\ufeff", "\ud800", "é", "ب", "e\u0301", "www.example.org", "<",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(PIECES, max_size=40).map(lambda pieces: HEADER + "".join(pieces)),
)


def targets(nodes: Iterable[Block | Inline]) -> Iterable[str]:
    """All addresses in a tree."""
    for node in nodes:
        match node:
            case Hyperlink(children, target):
                yield target
                yield from targets(children)
            case Items(items):
                for item in items:
                    yield from targets(item)
            case Paragraph(children) | Quotation(children):
                yield from targets(children)


def addresses(issue: Issue) -> Iterable[str]:
    yield from targets(issue.introduction)
    for section in issue.sections:
        yield from targets(section.introduction)
        for article in section.articles:
            yield from targets(article.blocks)
            yield from (link.url for link in article.related)
            if article.link:
                assert not article.link.url.startswith("mailto:")
                yield article.link.url


@settings(deadline=None, max_examples=300)
@given(text=TEXTS, language=st.sampled_from(["fr", "ar", "en"]))
@example(text="", language="fr")
@example(text="---", language="fr")
@example(text="\r\n---\r\n---\r\n\r\n", language="en")
def test_any_text_is_read(text: str, language: str) -> None:
    """Findings stand on lines that exist; links are absolute and ASCII; sentences can be said."""
    reading = parse(text, file="x.md", language=language, folder=None)
    lines = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert all(0 <= finding.line <= lines for finding in reading.findings)
    places = [finding.line for finding in reading.findings]
    assert places == sorted(places)
    for finding in reading.findings:
        assert str(finding.sentence)
        assert str(finding.remedy)
    if reading.issue:
        for address in addresses(reading.issue):
            assert address.startswith(("https://", "http://", "mailto:"))
            assert address.isascii()
            assert address.isprintable()
        assert "\u202e" not in repr(reading.issue)
        assert "\x00" not in reading.issue.words


@settings(deadline=None, max_examples=100)
@given(pieces=st.lists(PIECES, max_size=30))
def test_no_word_of_the_body_is_lost(pieces: list[str]) -> None:
    """Each article's numbered words come back, whatever stands between them."""
    safe = [piece for piece in pieces if piece not in {"[r]: https://example.org\n", "[L](", "!["}]
    body = "".join(f"{piece}mot{index} " for index, piece in enumerate(safe))
    reading = parse(f"{HEADER}{body}\n", file="x.md", language="fr", folder=None)
    assert reading.issue
    text = reading.issue.words + "".join(addresses(reading.issue)) + repr(reading.issue)
    told = {finding.code for finding in reading.findings}
    for index, _ in enumerate(safe):
        if f"mot{index}" not in text:
            assert told & {
                "related-without-link", "related-words-lost", "link-scheme", "image-address",
                "link-malformed", "code-unclosed", "language-unknown", "key-duplicate",
            }, body  # fmt: skip


ARTICLE = "## Titre {n}\n\n> « (…) Un extrait. »\n\n[Lire](https://example.org/{n})\n\n"


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        "![" * 50_000,
        "[a](" * 20_000,
        "[]" * 50_000,
        ">" * 100_000,
        "> " * 20_000 + "a",
        "- " * 50_000,
        "*a " * 30_000,
        "*" * 100_000,
        "*a_b " * 20_000,
        "`a``" * 20_000,
        "<" * 100_000,
        "</a" * 30_000,
        "&a" * 50_000,
        "«" * 100_000,
        "> «\n" * 20_000,
        "a" + "\u0315\u0300" * 50_000,
        "https://" * 10_000,
        "Lire aussi : " * 5_000,
        "Lire aussi :\n" * 3_000,
        "a\n" * 30_000,
        "- a\n" * 15_000,
        "- [a](https://example.org)\n" * 3_000,
        "[a]: b\n" * 10_000,
        "#" * 100_000,
        "a : " * 20_000,
        "\n" * 100_000,
        "\\" * 100_000,
        "  " * 50_000 + "a",
        "![a](" + "x" * 19_000 + ")",
        "\u202e" * 100_000,
    ],
    ids=lambda body: f"{body[:12]!r}",
)
def test_hostile_text_takes_no_longer_than_its_length_deserves(body: str) -> None:
    """Nothing is quadratic: thirty kilobytes of the worst are read in a second or two."""
    body = body[: len(body) // 3]
    for text in (HEADER + body, HEADER + "## T\n\n" + body, "---\n" + body):
        started = time.process_time()
        reading = parse(text, file="x.md", language="fr", folder=None)
        assert time.process_time() - started < 2
        if reading.issue:
            plain(reading.issue.introduction)
            written(reading.issue)


def test_two_thousand_articles_are_ten_times_two_hundred() -> None:
    """The time per article does not grow with the number of articles."""
    spent = []
    for count in (200, 2_000):
        body = "".join(ARTICLE.format(n=n) for n in range(count))
        started = time.process_time()
        reading = parse(HEADER + body, file="x.md", language="fr", folder=None)
        spent.append((time.process_time() - started) / count)
        assert reading.findings == ()
        assert reading.issue
        assert len(reading.issue.articles) == count
    assert spent[1] < spent[0] * 3
