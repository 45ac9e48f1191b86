"""Text written is text read: issues to files and back, and the file the next issue begins with."""

import datetime as dt
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback import resources
from flashback.issues import next_issue, parse, read_issues, written
from flashback.issues.prose_writing import blocks
from flashback.model import (
    Article,
    Block,
    Break,
    Code,
    Emphasis,
    Hyperlink,
    Image,
    Inline,
    Issue,
    Items,
    Link,
    Paragraph,
    Picture,
    Preformatted,
    Quotation,
    Section,
    Strong,
    Subheading,
    Text,
    plain,
)

_LETTERS = "aàéßñЖ中ءبة#*_`[]<>()!\\&;.,'’«»“”…~=+|$%^{}@0123456789-/?\u00a0\u202f"
WORDS = (
    st.text(alphabet=_LETTERS, min_size=1, max_size=12)
    .map(lambda text: text.strip())
    .filter(lambda text: bool(text) and text[-1] != "\\")
)
PHRASES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
STRESSED = st.text(alphabet="aàéب中", min_size=1, max_size=8)
URLS = st.text(alphabet="aé(_)*[%&=?#,;", max_size=10).map(lambda s: f"https://example.org/{s}")


def _normal(url: str) -> str:
    issue = parse(
        "---\ndate : 2011-09-02\n---\n" + blocks([Paragraph((Hyperlink((Text("a"),), url),))]),
        file="x",
        language="fr",
        folder=None,
    ).issue
    assert issue
    (paragraph,) = issue.introduction
    assert isinstance(paragraph, Paragraph)
    (link,) = paragraph.children
    assert isinstance(link, Hyperlink)
    return link.target


NORMAL_URLS = URLS.map(_normal)
LINKS = st.builds(Link, words=PHRASES, url=NORMAL_URLS)
NOTES = st.sampled_from(["", "(Entretien avec le directeur)", "Le Matin, *3*", "p. 3 & suite."])
RELATED = st.builds(Link, words=PHRASES, url=NORMAL_URLS, note=NOTES)
#: What is set apart by spaces, so that neighbours do not run together.
INLINES: st.SearchStrategy[Inline] = st.one_of(
    st.builds(Code, st.text(alphabet="ab`* ", min_size=1, max_size=6).filter(str.strip)),
    st.builds(Emphasis, st.tuples(st.builds(Text, STRESSED))),
    st.builds(Strong, st.tuples(st.builds(Text, STRESSED))),
    st.builds(Hyperlink, st.tuples(st.builds(Text, PHRASES)), NORMAL_URLS),
    st.builds(Picture, st.sampled_from(["a.png", "b c(1).png"]), PHRASES),
)


def _paragraph(first: str, others: list[tuple[Inline, bool, str]]) -> Paragraph:
    run: list[Inline] = [Text(first)]
    for inline, broken, text in others:
        run[-1] = Text(run[-1].text + " ") if isinstance(run[-1], Text) else run[-1]
        run += [inline, Break(), Text(text)] if broken else [inline, Text(f" {text}")]
    return Paragraph(tuple(run))


PARAGRAPHS = st.builds(
    _paragraph, PHRASES, st.lists(st.tuples(INLINES, st.booleans(), PHRASES), max_size=3)
).filter(lambda p: ":" not in plain([p]) and "http" not in plain([p]))
LEAVES: st.SearchStrategy[Block] = st.one_of(
    PARAGRAPHS,
    st.builds(Subheading, st.tuples(st.builds(Text, STRESSED))),
    st.builds(
        Preformatted,
        st.text(alphabet="ab`\n#> ", max_size=20).map(
            lambda s: "x" + re.sub(" +\n", "\n", s) + "x"
        ),
    ),
)


def _containers(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    some = st.lists(inner, min_size=1, max_size=2).map(tuple)
    item = st.builds(lambda first, more: (first, *more), PARAGRAPHS, st.lists(inner, max_size=1))
    return st.one_of(
        st.builds(Quotation, some),
        st.builds(
            Items,
            st.lists(item, min_size=1, max_size=2).map(tuple),
            st.one_of(st.none(), st.integers(0, 99)),
        ),
    )


BLOCKS = st.recursive(LEAVES, _containers, max_leaves=4)


def _distinct(bodies: list[Block]) -> tuple[Block, ...]:
    """Without neighbours that Markdown would make one."""
    kept: list[Block] = []
    for block in bodies:
        if not (kept and isinstance(block, Items | Quotation) and type(kept[-1]) is type(block)):
            kept.append(block)
    return tuple(kept)


BODIES = st.lists(BLOCKS, max_size=4).map(_distinct)
ARTICLES = st.builds(
    Article,
    headline=PHRASES,
    language=st.sampled_from(["fr", "ar", "en", "es"]),
    blocks=BODIES,
    link=LINKS,
    related=st.lists(RELATED, max_size=3).map(tuple),
    source=st.one_of(st.just(""), PHRASES),
    image=st.one_of(st.none(), st.builds(Image, source=st.just("a.png"), alt=PHRASES)),
)
BRIEFS = st.builds(
    lambda article, first, more: replace(
        article, brief=True, blocks=(first, *more), image=None, source="", language="fr"
    ),
    ARTICLES,
    PARAGRAPHS,
    st.lists(PARAGRAPHS, max_size=1),
)
SECTIONS = st.builds(
    lambda title, introduction, briefs, articles: Section(
        title=title, introduction=introduction, articles=(*briefs, *articles)
    ),
    PHRASES,
    st.lists(PARAGRAPHS, max_size=1).map(tuple),
    st.lists(BRIEFS, max_size=2),
    st.lists(ARTICLES, min_size=1, max_size=2),
)
ISSUES = st.builds(
    Issue,
    title=PHRASES,
    number=st.just("35"),
    date=st.dates(),
    language=st.just("fr"),
    subject=PHRASES,
    preview=st.one_of(st.just(""), PHRASES),
    publisher=st.one_of(st.just(""), PHRASES),
    introduction=BODIES,
    sections=st.lists(SECTIONS, min_size=1, max_size=2).map(tuple),
)


def _without_lines(issue: Issue) -> Issue:
    """What counts: not where it stood, and a brief's call to action is the language's own."""

    def bare(link: Link | None, brief: bool = False) -> Link | None:  # noqa: FBT001, FBT002
        if link is None:
            return None
        return replace(link, line=0, words="Lire" if brief else link.words)

    return replace(
        issue,
        file="",
        sections=tuple(
            replace(
                section,
                line=0,
                articles=tuple(
                    replace(
                        article,
                        line=0,
                        link=bare(article.link, article.brief),
                        related=tuple(replace(link, line=0) for link in article.related),
                        image=article.image and replace(article.image, line=0),
                    )
                    for article in section.articles
                ),
            )
            for section in issue.sections
        ),
    )


@settings(deadline=None, max_examples=30)
@given(issue=ISSUES)
def test_text_written_is_text_read(issue: Issue) -> None:
    """Whatever the letters, an issue survives being written to a file and read again."""
    text = written(issue)
    again = parse(text, file="", language="ar", folder=None).issue
    assert again
    assert _without_lines(again) == _without_lines(issue), text


def test_the_example_issue_survives_being_written() -> None:
    """All three editions, with nothing to be found in the written file."""
    for reading in read_issues(resources.example_issue()):
        assert reading.issue
        again = parse(written(reading.issue), file="", language="fr", folder=None)
        assert again.findings == ()
        assert again.issue
        assert _without_lines(again.issue) == _without_lines(reading.issue)


def test_neighbouring_lists_stay_two() -> None:
    """A rule parts them, which readers never see."""
    lists = (Items(((Paragraph((Text("a"),)),),)), Items(((Paragraph((Text("b"),)),),)))
    issue = parse(
        "---\ndate : 2011-09-02\n---\n" + blocks(lists), file="", language="fr", folder=None
    ).issue
    assert issue
    assert issue.introduction == lists


def test_a_brief_that_quotes_and_an_article_without_link_are_written() -> None:
    """A comment may be a quotation; an untitled section has no heading."""
    quotation = Quotation((Paragraph((Text("« A »"),)),))
    link = Link(words="Lire l’article", url="https://example.org/a")
    brief = Article(headline="B", language="fr", brief=True, link=link, blocks=(quotation,))
    empty = replace(brief, headline="C", blocks=())
    issue = Issue(
        title="F",
        number="35",
        date=dt.date(2011, 9, 2),
        language="fr",
        subject="O",
        sections=(
            Section(title="", articles=(Article(headline="A", language="fr"),)),
            Section(title="S", articles=(brief, empty)),
        ),
    )
    again = parse(written(issue), file="", language="fr", folder=None).issue
    assert again
    assert _without_lines(again) == _without_lines(issue)


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_the_first_issue_has_only_gaps(language: str) -> None:
    """What remains to be filled in, and nothing else, is found; each gap on its line."""
    text = next_issue(
        None,
        number="1",
        date=dt.date(2011, 9, 2),
        title="Flash : back",
        language=language,
        publisher="Centre",
    )
    reading = parse(text, file="x.md", language="fr", folder=None)
    assert {finding.code for finding in reading.findings} == {"placeholder-left"}
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if "…" in line]
    assert [finding.line for finding in reading.findings] == lines
    assert reading.issue
    assert reading.issue.language == language
    assert (reading.issue.title, reading.issue.number) == ("Flash : back", "1")
    assert len(reading.issue.articles) == 1


def test_the_next_issue_has_the_last_ones_shape() -> None:
    """Introduction and sections stay; a section of brief articles stays one."""
    for reading in read_issues(resources.example_issue()):
        last = reading.issue
        assert last
        brief = replace(last.articles[0], brief=True)
        last = replace(last, sections=(*last.sections, Section(title="# B*", articles=(brief,))))
        text = next_issue(
            last,
            number="36",
            date=dt.date(2011, 9, 9),
            title=last.title,
            language=last.language,
            publisher=last.publisher,
        )
        again = parse(text, file="x.md", language="fr", folder=None)
        assert {finding.code for finding in again.findings} == {"placeholder-left"}
        assert again.issue
        assert again.issue.introduction == last.introduction
        assert [s.title for s in again.issue.sections] == [s.title for s in last.sections]
        assert [article.brief for article in again.issue.articles] == [False, False, True]


def test_a_filled_in_next_issue_has_no_finding() -> None:
    """The gaps are all there is to do."""
    text = next_issue(
        None, number="2", date=dt.date(2011, 9, 9), title="F", language="fr", publisher=""
    )
    filled = text.replace("https://…", "https://example.org/a").replace("…", "")
    assert parse(filled, file="x.md", language="fr", folder=None).findings == ()
