"""All files of the archive, by name: pages, indexes, search, feeds, style.

A page lies where ``links.archive`` says; indexes lie at the root, one set for each language.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from flashback.archive import feeds
from flashback.archive.environment import environment_of, made
from flashback.archive.places import Places, file_of, way
from flashback.archive.sheets import Entry, Sheet, digest_of
from flashback.archive.words import Words, read_words
from flashback.model import direction_of

#: The pages beside the first; each has a template of its name.
_INDEXES: Final = ("index", "sections", "outlets", "search")
_SCRIPT: Final = "archive.js"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletter:
    """What the pages say of the letter itself."""

    name: str
    publisher: str
    taglines: Mapping[str, str]  #: by language
    tokens: Mapping[str, Mapping[str, Any]]  #: the theme's colours and fonts


@dataclass(frozen=True, slots=True)
class Found:
    """An article and the edition it stands in."""

    sheet: Sheet
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class _Press:
    """What all pages are made with."""

    environment: jinja2.Environment
    places: Places
    newsletter: Newsletter
    words: Mapping[str, Words]
    languages: tuple[str, ...]
    assets: Mapping[
        str, str
    ]  #: names of the style sheet and the script, with their content's digest
    names: Mapping[str, str]  #: of the letter, by language
    pdf: bool

    def page(self, template: str, path: str, language: str, **context: Any) -> str:
        """One page; ``link`` makes relative links from it."""
        names = {code: self.words[code]["language_name"] for code in self.languages}
        standing = {
            "newsletter": self.newsletter,
            "name": self.names[language],
            "language": language,
            "direction": direction_of(language),
            "words": self.words[language],
            "languages": self.languages,
            "names": names,
            "places": self.places,
            "assets": self.assets,
            "path": path,
            "link": lambda to: way(path, to),
            "tagline": self.newsletter.taglines.get(language, ""),
        }
        return made(self.environment, template, standing | context)


def site(
    sheets: Iterable[Sheet],
    places: Places,
    newsletter: Newsletter,
    *,
    templates: Sequence[Path],
    pdf: bool = False,
) -> Mapping[str, bytes]:
    """Every file of the archive by its name; ``templates`` are folders, the first one wins.

    With ``pdf`` each page names the PDF file that will lie beside it.
    """
    ordered = sorted(sheets, key=lambda sheet: (sheet.date, _natural(sheet.number)), reverse=True)
    environment = environment_of(templates)
    style = made(environment, "style.css.j2", {"tokens": newsletter.tokens}).encode()
    script = _source(environment, _SCRIPT).encode()
    used = {sheet.language for sheet in ordered}
    languages = tuple(
        dict.fromkeys([*([places.main] if places.main in used else []), *sorted(used)])
    )
    press = _Press(
        environment=environment,
        places=places if places.main in used else _with_main(places, languages),
        newsletter=newsletter,
        words={language: read_words(language, templates) for language in languages},
        languages=languages,
        assets={
            "style": f"style.css?{digest_of(style)}",
            "script": f"{_SCRIPT}?{digest_of(script)}",
        },
        names={language: _newest(ordered, language).title for language in languages},
        pdf=pdf,
    )
    files = {"style.css": style, _SCRIPT: script}
    bodies = _pages(ordered, press, files)
    indexes = []
    for language in languages:
        own = [sheet for sheet in ordered if sheet.language == language]
        indexes += _indexes(own, press, files)
        name = press.places.index("feed", language).replace(".html", ".xml")
        files[name] = feeds.feed(
            own, bodies, press.places, author=newsletter.publisher or newsletter.name
        )
    files["sitemap.xml"] = feeds.sitemap(ordered, indexes, press.places)
    return files


def pdf_file(places: Places, sheet: Sheet) -> str:
    """The name of an edition's PDF file, beside its page."""
    return _folder(file_of(places.page(sheet.number, sheet.language))) + _pdf_name(sheet)


def _pdf_name(sheet: Sheet) -> str:
    return f"{sheet.number}.{sheet.language}.pdf"


def _folder(file: str) -> str:
    """The folder of a file, with its slash; empty at the root."""
    return file.removesuffix(file.rpartition("/")[2])


def _newest(sheets: Sequence[Sheet], language: str) -> Sheet:
    return next(sheet for sheet in sheets if sheet.language == language)


def _with_main(places: Places, languages: Sequence[str]) -> Places:
    return Places(root=places.root, pattern=places.pattern, main=languages[0])


def _pages(sheets: Sequence[Sheet], press: _Press, files: dict[str, bytes]) -> dict[str, str]:
    """Write a page for each sheet; answer what stands on it, by its path."""
    bodies = {}
    by_language: dict[str, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        by_language[sheet.language].append(sheet)
    for own in by_language.values():
        for n, sheet in enumerate(own):
            path = press.places.page(sheet.number, sheet.language)
            others = [s for s in sheets if s.number == sheet.number and s is not sheet]
            context = {"issue": sheet.view, "words": sheet.words}
            body = made(press.environment, "body.html.j2", context)
            bodies[path] = body
            page = press.page(
                "issue.html.j2",
                path,
                sheet.language,
                sheet=sheet,
                body=Markup(body),  # noqa: S704  # made by the template above, escaped there
                newer=own[n - 1] if n else None,
                older=own[n + 1] if n + 1 < len(own) else None,
                others=others,
                pdf=_pdf_name(sheet) if press.pdf else "",
            )
            file = file_of(path)
            files[file] = page.encode()
            files.update({_folder(file) + p.name: p.content for p in sheet.pictures})
    return bodies


def _indexes(sheets: Sequence[Sheet], press: _Press, files: dict[str, bytes]) -> list[str]:
    language = sheets[0].language
    found = [Found(sheet, entry) for sheet in sheets for entry in sheet.entries]
    context = {
        "sheets": sheets,
        "years": _by_year(sheets),
        "sections": _by_name((item.entry.section, item) for item in found),
        "outlets": _by_name((item.entry.outlet, item) for item in found),
    }
    search = _search(found, press.places)
    search_name = f"search.{language}.js"
    files[search_name] = search
    paths = []
    for name in _INDEXES:
        path = press.places.index(name, language)
        page = press.page(
            f"{name}.html.j2",
            path,
            language,
            current=name,
            search=f"{search_name}?{digest_of(search)}",
            **context,
        )
        files[file_of(path)] = page.encode()
        paths.append(path)
    return paths


def _by_year(sheets: Iterable[Sheet]) -> dict[int, list[Sheet]]:
    years: dict[int, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        years[sheet.date.year].append(sheet)
    return dict(years)


def _by_name(pairs: Iterable[tuple[str, Found]]) -> dict[str, list[Found]]:
    """Groups by name, whatever the case of its letters; the most frequent group first."""
    names: dict[str, str] = {}
    groups: dict[str, list[Found]] = defaultdict(list)
    for name, item in pairs:
        if name:
            key = " ".join(name.casefold().split())
            names.setdefault(key, name)
            groups[key].append(item)
    ordered = sorted(groups, key=lambda key: (-len(groups[key]), key))
    return {names[key]: groups[key] for key in ordered}


def _search(found: Iterable[Found], places: Places) -> bytes:
    """The articles as a script that the page loads; that works from a folder as well."""
    rows = [
        [
            places.page(item.sheet.number, item.sheet.language) + f"#a{item.entry.number}",
            f"{item.sheet.label} · {item.sheet.date_words}",
            item.entry.headline,
            item.entry.section,
            item.entry.source,
            item.entry.excerpt,
            item.entry.language,
        ]
        for item in found
    ]
    data = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return f"window.articles = {data};\n".encode()


def _source(environment: jinja2.Environment, name: str) -> str:
    loader = environment.loader
    if loader is None:  # pragma: no cover  # it was given above
        raise jinja2.TemplateNotFound(name)
    return loader.get_source(environment, name)[0]


def _natural(number: str) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, number.partition("-")[0]))
    return (int(digits) if digits else -1, number)
