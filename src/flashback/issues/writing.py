"""Issues to text: the file that reads back as a given issue, and the file to begin the next with.

Pure; the caller writes the file. ``parse(written(issue))`` is ``issue`` but for lines and layout.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from flashback.issues.prose_writing import blocks, heading, hyperlink, picture
from flashback.issues.words import (
    ARTICLE_KEYS,
    CALL_TO_ACTION,
    HEADER_KEYS,
    PLACEHOLDERS,
    READ_ALSO,
)
from flashback.model import (
    Article,
    Issue,
    Link,
    Paragraph,
    Section,
    Text,
)

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "fr": ("« ", " »"),
    "ar": ("«", "»"),
    "en": ("“", "”"),
}


def written(issue: Issue) -> str:
    """The text of a file that reads as this issue."""
    fields = {
        "title": issue.title,
        "number": issue.number,
        "date": issue.date.isoformat(),
        "language": issue.language,
        "subject": issue.subject,
        "preview": issue.preview,
        "publisher": issue.publisher,
    }
    parts = [_header(fields, issue.language)]
    parts += [blocks(issue.introduction)] if issue.introduction else []
    for section in issue.sections:
        parts += _section(section, issue.language)
    return "\n\n".join(parts) + "\n"


def written_article(article: Article, language: str) -> str:
    """The text of one article, not a brief one, for an issue in that language."""
    return "\n\n".join(_article(article, language))


def next_issue(
    previous: Issue | None,
    *,
    number: str,
    date: dt.date,
    title: str,
    language: str,
    publisher: str,
) -> str:
    """The text to begin the next issue with: the last one's introduction and sections.

    What is to be filled in stands between ellipses, and reading the file says so line by line.
    """
    gap = {name: texts[language] for name, texts in PLACEHOLDERS.items()}
    fields = {
        "title": title,
        "number": number,
        "date": date.isoformat(),
        "language": language,
        "subject": gap["subject"],
        "preview": gap["preview"],
        "publisher": publisher,
    }
    parts = [_header(fields, language)]
    if previous and previous.introduction:
        parts.append(blocks(previous.introduction))
    sections = previous.sections if previous else (Section(title=gap["section"]),)
    for section in sections:
        parts += [f"# {heading(section.title)}"] if section.title else []
        parts += _empty_article(section, language)
    return "\n\n".join(parts) + "\n"


def _header(fields: Mapping[str, str], language: str) -> str:
    keys = {name: words[language] for name, words in HEADER_KEYS.items()}
    width = max(map(len, keys.values()))
    lines = [f"{keys[n]:<{width}} : {value}".rstrip() for n, value in fields.items() if value]
    return "\n".join(["---", *lines, "---"])


def _empty_article(section: Section, language: str) -> list[str]:
    gap = {name: texts[language] for name, texts in PLACEHOLDERS.items()}
    if section.articles and all(article.brief for article in section.articles):
        return [f"- [{gap['headline']}]({gap['address']}) {gap['comment']}"]
    opening, closing = MARKS[language]
    return [
        f"## {gap['headline']}",
        f"> {opening}{gap['excerpt']}{closing}",
        f"[{CALL_TO_ACTION[language]}]({gap['address']})",
    ]


def _section(section: Section, language: str) -> Iterator[str]:
    if section.title:
        yield f"# {heading(section.title)}"
    if section.introduction:
        yield blocks(section.introduction)
    briefs = [_brief(article, language) for article in section.articles if article.brief]
    if briefs:
        yield "\n".join(briefs)
    for article in section.articles:
        if not article.brief:
            yield from _article(article, language)


def _article(article: Article, language: str) -> Iterator[str]:
    keys = keys_of(article, language)
    yield "\n".join([f"## {heading(article.headline)}", *keys])
    if article.image:
        yield picture(article.image.source, article.image.alt)
    if article.blocks:
        yield blocks(article.blocks)
    if article.link:
        yield hyperlink(article.link.words, article.link.url)
    if article.related:
        yield _related(article.related, language)


def _brief(article: Article, language: str) -> str:
    assert article.link
    first, *others = article.blocks or (Paragraph(()),)
    parts = [hyperlink(article.headline, article.link.url)]
    if isinstance(first, Paragraph):
        parts[0] += " " + blocks([replace(first, children=(Text("— "), *first.children))])
    else:
        others = [first, *others]
    parts += [blocks(others)] if others else []
    parts += [_related(article.related, language)] if article.related else []
    lines = "\n\n".join(part.rstrip(" —") for part in parts).split("\n")
    return "\n".join(
        ("- " if not n else "  " if line else "") + line for n, line in enumerate(lines)
    )


def keys_of(article: Article, language: str) -> Iterator[str]:
    """The lines right under a headline, in an issue in that language."""
    if article.source:
        yield f"{ARTICLE_KEYS['source'][language]} : {heading(article.source)}"
    if article.language != language:
        yield f"{ARTICLE_KEYS['language'][language]} : {article.language}"


def _related(links: tuple[Link, ...], language: str) -> str:
    lines = (f"- {hyperlink(link.words, link.url)} {heading(link.note)}".rstrip() for link in links)
    return "\n".join([f"{READ_ALSO[language][0]} :", *lines])
