"""Pages that an earlier issue has quoted already: a reader who kept it is told nothing new."""

from collections.abc import Iterator, Mapping

from flashback.model import Issue, Quoted, Severity
from flashback.preflight.remark import Remark
from flashback.sentences import tr


def remarks(issue: Issue, quoted: Mapping[str, Quoted]) -> Iterator[Remark]:
    """Every article whose page is among ``quoted``, by the address as the article has it."""
    for article in issue.articles:
        before = quoted.get(article.link.url) if article.link else None
        if before is None:
            continue
        yield Remark(
            severity=Severity.WARNING,
            code="page-quoted-before",
            sentence=tr(
                "Issue {number} names this page already: {file}:{line}, “{headline}”.",
                number=before.number,
                file=before.file,
                line=before.line,
                headline=before.headline,
            ),
            remedy=tr("Quote another page, or leave it when you mean to come back to it."),
            line=article.link.line or article.line if article.link else article.line,
        )
