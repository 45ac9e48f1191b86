"""Issue to Edition: typeset, rendered, compiled and inlined, once per language.

Pure but for the pictures beside the issue: the same issue and theme give the same digest, in any
process. Nothing of a reader passes through here; slots stand where readers differ.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from lxml import etree
from markupsafe import Markup

from flashback.compose import theme as names
from flashback.compose.environment import line_in_template, rendered
from flashback.compose.inline import inline_styles, slim
from flashback.compose.mjml import MjmlError, compile_mjml
from flashback.compose.phrases import Phrase
from flashback.compose.pictures import Shown, load_pictures
from flashback.compose.theme import Theme
from flashback.compose.typography import clean, disarm
from flashback.compose.view import Desk, View, view_of
from flashback.config import LinksConfig, NewsletterConfig
from flashback.errors import IssueError, TemplateError
from flashback.model import Edition, InlineImage, Issue, Slot
from flashback.sentences import tr

_CSS_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK_LINES: Final = re.compile(r"\n{4,}")


def compose(
    issue: Issue,
    theme: Theme,
    *,
    newsletter: NewsletterConfig,
    links: LinksConfig,
    languages: tuple[str, ...],
    folder: Path | None = None,
) -> Edition:
    """Typeset an issue in its language.

    ``languages`` are all editions of the issue; links to them need ``links.archive``. Pictures
    are files below ``folder``, by default the folder of the issue's file. Raises TemplateError
    when the theme is at fault, IssueError when the issue is.
    """
    _refuse_unspoken(issue, theme)
    pictures = load_pictures(issue, folder or Path(issue.file).parent)
    desk = Desk(issue=issue, words=theme.words, pictures=pictures, widest=_widest(theme))
    view = view_of(desk, newsletter=newsletter, links=links, languages=languages)
    edition = _edition(view, issue, theme, pictures)
    _check_slots(edition, theme)
    return edition


def typeset(
    issue: Issue,
    theme: Theme,
    *,
    newsletter: NewsletterConfig,
    links: LinksConfig,
    languages: tuple[str, ...],
) -> tuple[View, tuple[InlineImage, ...]]:
    """The same issue for a page on the web: its parts, typeset, and the pictures that are files.

    A picture is shown under its ``filename``, beside the page. Raises as ``compose`` does.
    """
    _refuse_unspoken(issue, theme)
    loaded = load_pictures(issue, Path(issue.file).parent)
    pictures = {
        source: replace(shown, url=shown.file.filename) if shown.file else shown
        for source, shown in loaded.items()
    }
    desk = Desk(issue=issue, words=theme.words, pictures=pictures, widest=_widest(theme))
    view = view_of(desk, newsletter=newsletter, links=links, languages=languages)
    files = {shown.file for shown in pictures.values() if shown.file}
    return view, tuple(sorted(files, key=lambda image: image.content_id))


def _widest(theme: Theme) -> int:
    """The width of a picture that fills a column, in pixels."""
    layout = theme.tokens["layout"]
    return int(layout["width"]) - 2 * int(layout["gutter"])


def _refuse_unspoken(issue: Issue, theme: Theme) -> None:
    if issue.language not in theme.words:
        raise IssueError(
            tr(
                "{file}: there is no edition in “{language}”.",
                file=issue.file,
                language=issue.language,
            ),
            hint=tr("Known languages: {list}.", list=", ".join(theme.words)),
        )


def _edition(view: View, issue: Issue, theme: Theme, pictures: Mapping[str, Shown]) -> Edition:
    files = {shown.file for shown in pictures.values() if shown.file}
    return Edition(
        issue_number=issue.number,
        issue_date=issue.date,
        language=issue.language,
        title=view.title.words,
        subject=disarm(clean(issue.subject)),
        preheader=view.preheader.words,
        html=_html(view, theme),
        text=_text(view, theme),
        publisher=view.publisher.words,
        archive_url=view.archive_url,
        images=tuple(sorted(files, key=lambda image: image.content_id)),
    )


def _context(view: View, theme: Theme) -> dict[str, object]:
    return {
        "issue": view,
        "words": theme.words[view.language],
        "tokens": theme.tokens,
        "rtl": view.direction == "rtl",
        "unsubscribe_url": Slot.UNSUBSCRIBE_URL.mark,
        # A reader's address is written from left to right in every language.
        "reader_address": Phrase(Slot.READER_ADDRESS.mark, view.language),
    }


def _style(name: str, theme: Theme, context: Mapping[str, object]) -> str:
    css = rendered(theme.environment, name, theme.files, context)
    # Gmail drops style sheets with comments in the wrong place; nobody reads them there anyway.
    lines = (line.strip() for line in _CSS_COMMENT.sub("", css).split("\n"))
    return "\n".join(filter(None, lines))


def _html(view: View, theme: Theme) -> str:
    context = _context(view, theme)
    styles = [Markup(_style(name, theme, context)) for name in theme.head_styles]  # noqa: S704
    context["styles"] = styles
    source = rendered(theme.environment, names.HTML, theme.files, context)
    try:
        html = compile_mjml(source)
    except MjmlError as error:
        place = str(theme.files[names.HTML].path)
        if error.line:
            at = (error.line, error.column)
            file, line = line_in_template(names.HTML, theme.files, context, at)
            place = f"{file.path}:{line}"
        raise TemplateError(
            tr("{place}: {reason}", place=place, reason=error.reason),
            hint=tr("A template is well-formed XML: each tag is closed, each & is &amp;."),
        ) from error
    return slim(inline_styles(html, _style(names.INLINE, theme, context)))


def _text(view: View, theme: Theme) -> str:
    text = rendered(theme.environment, names.TEXT, theme.files, _context(view, theme))
    lines = "\n".join(line.rstrip(" \t") for line in text.strip().split("\n"))
    return _BLANK_LINES.sub("\n\n\n", lines) + "\n"


def _check_slots(edition: Edition, theme: Theme) -> None:
    """Nothing leaves without a visible way out, in either part."""
    try:
        _ = edition.slots
    except ValueError as error:
        raise TemplateError(
            tr("A template has a slot that nobody knows: {reason}.", reason=error),
            hint=tr("Known slots: {list}.", list=", ".join(slot.mark for slot in Slot)),
        ) from error
    mark = Slot.UNSUBSCRIBE_URL.mark
    root = etree.fromstring(edition.html.encode(), etree.HTMLParser(encoding="utf-8"))
    ways_out = (a for a in root.iter("a") if a.get("href") == mark)
    visible = any(a.xpath("normalize-space()") for a in ways_out)
    for present, name in ((visible, names.HTML), (mark in edition.text, names.TEXT)):
        if not present:
            raise TemplateError(
                tr("{file}: there is no visible unsubscribe link.", file=theme.files[name].path),
                hint=tr(
                    'Write in the footer: <a href="{mark}">…</a>', mark="{{ unsubscribe_url }}"
                ),
            )
