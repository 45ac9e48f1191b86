"""Whether a manuscript's words and links are all in the issue that was made of it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from flashback.issues.manuscript_lines import is_header, links_of
from flashback.issues.manuscripts import CONTENTS, LISTED, Given, divided
from flashback.issues.words import ARTICLE_KEYS, READ_ALSO
from flashback.model import Article, Issue, Link, Manuscript, links_in

#: What is said in the issue's own way: "Lire aussi", "Source", "Au sommaire".
_ANNOUNCED: Final = frozenset(
    word
    for phrase in (
        *(phrase for phrases in READ_ALSO.values() for phrase in phrases),
        *ARTICLE_KEYS["source"].values(),
        *CONTENTS,
    )
    for word in phrase.casefold().split()
)
_WORD: Final = re.compile(r"\w+")


def lost(
    manuscript: Manuscript, issue: Issue, given: Given, *, remarked: Iterable[Link] = ()
) -> tuple[str, ...]:
    """Words and links of the document that the issue does not have, title and date aside.

    None, as far as anybody knows; it is looked at each time, for a word lost in silence is worse
    than a rule that failed. Links that are ``remarked`` upon stand in the file, and in no issue.
    """
    remarked = tuple(remarked)
    words = " ".join((issue.words, *(link.words for link in remarked)))
    there = _words(f"{issue.title} {words} {given.title}") | _ANNOUNCED
    links = {link.url for article in issue.articles for link in _all_links(article)}
    links |= {link.url for link in remarked}
    links |= {link.target for link in links_in(issue.introduction)}
    links |= {link.target for s in issue.sections for link in links_in(s.introduction)}
    head, _ = divided(manuscript.lines)
    # A link beside a word parts them: what counts is that the letters are there.
    letters = "".join(_WORD.findall(words.casefold()))
    gone = []
    for line in manuscript.lines:
        if not (line in head and (is_header(line) or line.level == 0)):
            missing = _words(LISTED.sub("", line.text)) - there
            gone += sorted(word for word in missing if word not in letters)
        gone += [link.target for link in links_of(line) if link.target not in links]
    return tuple(dict.fromkeys(gone))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _all_links(article: Article) -> Iterator[Link]:
    yield from (article.link,) if article.link else ()
    yield from article.related
    yield from (Link(words="", url=link.target) for link in links_in(article.blocks))
