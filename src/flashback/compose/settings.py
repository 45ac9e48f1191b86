"""What staff set without touching a template: tokens.toml (the look) and words/*.toml (the words).

A workspace's file holds only the keys it changes. A key that nothing knows is refused with the
nearest known one, for a typing error would otherwise change nothing and say nothing.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from flashback.compose.files import ThemeFile
from flashback.compose.words import PLURALS, Word, Words
from flashback.errors import TemplateError
from flashback.sentences import Sentence, tr

Tokens = Mapping[str, Mapping[str, str | int]]

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
#: A quotation mark in an inlined style would change the quotes of the attribute around it.
_FONTS: Final = re.compile(r"[A-Za-z0-9 ,-]+")
_ADDRESS: Final = re.compile(r"(https://[!#-;=?-~]+)?")
_PIXELS: Final = range(1, 2001)
_CALENDAR: Final = {"months": 12, "weekdays": 7}


def read_tokens(shipped: ThemeFile, own: ThemeFile | None, used: Collection[str]) -> Tokens:
    """The look, checked: colours are #rrggbb, sizes are pixels. Raises TemplateError."""
    tokens = {table: dict(values) for table, values in shipped.tree().items()}
    for table, values in (own.tree() if own else {}).items():
        assert own is not None
        if table not in tokens:
            raise _unknown(own, table, tokens)
        if not isinstance(values, dict):
            raise _wrong(own, table, tr("a table, [{where}]", where=table))
        for key, value in values.items():
            if key not in tokens[table] and f"{table}.{key}" not in used:
                raise _unknown(own, f"{table}.{key}", [f"{table}.{k}" for k in tokens[table]])
            tokens[table][key] = value
    file = own or shipped
    for table, values in tokens.items():
        for key, value in values.items():
            _check_token(file, table, key, value)
    return MappingProxyType({table: MappingProxyType(v) for table, v in tokens.items()})


def _check_token(file: ThemeFile, table: str, key: str, value: object) -> None:
    place = f"{table}.{key}"
    if table in {"light", "dark"}:
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise _wrong(file, place, tr('a colour like "#0e4a3b"'))
    elif table == "fonts":
        if not isinstance(value, str) or not _FONTS.fullmatch(value):
            raise _wrong(file, place, tr("names of fonts, with commas and without quotes"))
    elif key == "url":
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            raise _wrong(file, place, tr("an https address, or empty"))
    elif isinstance(value, bool) or not isinstance(value, int) or value not in _PIXELS:
        raise _wrong(file, place, tr("a whole number above zero"))


def read_words(
    language: str, shipped: ThemeFile, own: ThemeFile | None, used: Collection[str]
) -> Words:
    """One language's catalogue, checked. Raises TemplateError naming the key."""
    tree, known = shipped.tree(), shipped.tree()
    for key, value in (own.tree() if own else {}).items():
        assert own is not None
        if key not in known and key not in used:
            raise _unknown(own, key, known)
        tree[key] = value
    file = own or shipped
    calendar = {key: _names(tree.pop(key, None), key, n, file) for key, n in _CALENDAR.items()}
    entries = {key: _word(value, key, language, file) for key, value in tree.items()}
    for key in set(entries) & set(known):
        _check_fields(entries[key], _word(known[key], key, language, shipped), key, file)
    return Words(language, MappingProxyType(entries), **calendar)


def _word(value: object, key: str, language: str, file: ThemeFile) -> Word:
    forms: dict[str, Any] = value if isinstance(value, dict) else {"other": value}
    wanted = PLURALS[language][0] if isinstance(value, dict) else ("other",)
    for category in wanted:
        if not isinstance(forms.get(category), str):
            place = f"{key}.{category}" if isinstance(value, dict) else key
            raise _wrong(file, place, tr("a text between double quotes"))
    for category in forms:
        if category not in wanted:
            raise _unknown(file, f"{key}.{category}", [f"{key}.{c}" for c in wanted])
    word = Word(MappingProxyType(forms), language)
    try:
        _ = word.fields
    except ValueError as error:
        raise _wrong(file, key, tr("a text whose braces come in pairs")) from error
    return word


def _check_fields(word: Word, model: Word, key: str, file: ThemeFile) -> None:
    if word.is_plural != model.is_plural:
        wanted = tr("a table of plural forms") if model.is_plural else tr("one text")
        raise _wrong(file, key, wanted)
    for name in sorted(word.fields - model.fields):
        raise _unknown(file, f"{key}: {{{name}}}", [f"{key}: {{{f}}}" for f in model.fields])


def _names(value: object, key: str, number: int, file: ThemeFile) -> tuple[str, ...]:
    if isinstance(value, list) and len(value) == number:
        names = tuple(name for name in value if isinstance(name, str))
        if len(names) == number:
            return names
    raise _wrong(file, key, tr("a list of {number} texts", number=number))


def _unknown(file: ThemeFile, key: str, known: Collection[str]) -> TemplateError:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = (
        tr("Did you mean “{near}”?", near=near[0])
        if near
        else tr("Known there: {list}.", list=", ".join(known) or "-")
    )
    return TemplateError(
        tr("{file}: no template uses “{key}”.", file=file.path, key=key), hint=hint
    )


def _wrong(file: ThemeFile, place: str, wanted: Sentence) -> TemplateError:
    return TemplateError(
        tr("{file}: {place} must be {wanted}.", file=file.path, place=place, wanted=wanted),
        hint=tr("docs/theme.md says what can be written there."),
    )
