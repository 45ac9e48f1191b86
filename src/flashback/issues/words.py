"""The words an editor writes around the content, in French, English and Arabic.

Promises one place for every key, phrase and placeholder, and one way of comparing words that
forgives case, accents, vowel signs and the several spellings of alef. Parses nothing.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

#: What stands before a colon in the header, by field and language.
HEADER_KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "title": {"fr": "titre", "en": "title", "ar": "عنوان"},
    "number": {"fr": "numéro", "en": "number", "ar": "رقم"},
    "date": {"fr": "date", "en": "date", "ar": "تاريخ"},
    "language": {"fr": "langue", "en": "language", "ar": "لغة"},
    "subject": {"fr": "objet", "en": "subject", "ar": "موضوع"},
    "preview": {"fr": "aperçu", "en": "preview", "ar": "معاينة"},
    "publisher": {"fr": "éditeur", "en": "publisher", "ar": "ناشر"},
}

#: What stands before a colon right under a headline.
ARTICLE_KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "source": {"fr": "source", "en": "source", "ar": "المصدر"},
    "language": {"fr": "langue", "en": "language", "ar": "لغة"},
}

#: The words of an article's link when the editor gave none.
CALL_TO_ACTION: Final[Mapping[str, str]] = {
    "fr": "Lire l’article",
    "en": "Read more",
    "ar": "اقرأ المقال",
}

#: The first of each language is the one that remedies show and ``written`` writes.
READ_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "fr": (
        "Lire aussi",
        "Voir aussi",
        "À lire aussi",
        "À voir aussi",
        "Lire également",
        "Voir également",
        "À lire également",
    ),
    "en": ("Read also", "See also", "Also read", "Also see"),
    "ar": (
        "اقرأ أيضا",
        "انظر أيضا",
        "شاهد أيضا",
        "طالع أيضا",
        "اقرأوا أيضا",
        "انظروا أيضا",
        "اقرؤوا أيضا",
    ),
}

#: Joins two related links.
AND: Final = ("et aussi", "et", "ainsi que", "and also", "and", "و")
#: Joins them too, but only behind a comma: « cinq de plus » is a note.
THEN: Final = ("puis", "plus")

#: The subject when the editor gave none.
DEFAULT_SUBJECT: Final[Mapping[str, str]] = {
    "fr": "{title} n° {number} : {headline}",
    "en": "{title} no. {number}: {headline}",
    "ar": "{title}، العدد {number}: {headline}",
}

#: What ``next_issue`` leaves for the editor to fill in.
PLACEHOLDERS: Final[Mapping[str, Mapping[str, str]]] = {
    "subject": {"fr": "…objet du message…", "en": "…subject…", "ar": "…موضوع الرسالة…"},
    "preview": {"fr": "…aperçu du message…", "en": "…preview…", "ar": "…معاينة الرسالة…"},
    "section": {"fr": "…nom de la rubrique…", "en": "…section…", "ar": "…اسم الركن…"},
    "headline": {"fr": "…titre de l’article…", "en": "…headline…", "ar": "…عنوان المقال…"},
    "excerpt": {"fr": "…extrait de l’article…", "en": "…excerpt…", "ar": "…مقتطف من المقال…"},
    "comment": {"fr": "…commentaire…", "en": "…comment…", "ar": "…تعليق…"},
    "address": {"fr": "https://…", "en": "https://…", "ar": "https://…"},
}

_LANGUAGE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "fr": ("français", "French", "الفرنسية", "فرنسية"),
    "ar": ("arabe", "Arabic", "العربية", "عربية"),
    "en": ("anglais", "English", "الإنجليزية", "إنجليزية"),
    "es": ("espagnol", "Spanish", "الإسبانية"),
    "zgh": ("amazighe", "amazigh", "tamazight", "الأمازيغية"),
}

_SAME: Final = str.maketrans({"ـ": "", "ٱ": "ا", "ة": "ه", "’": "'", "\u02bc": "'"})


def folded(text: str) -> str:
    """The same string for the same words: no case, accents, vowel signs, doubled spaces."""
    letters = unicodedata.normalize("NFKD", text).translate(_SAME).casefold()
    kept = "".join(c for c in letters if unicodedata.category(c) not in {"Mn", "Cf"})
    return " ".join(kept.split())


def _by_word(table: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {folded(word): name for name, words in table.items() for word in words.values()}


_HEADER_FIELDS: Final = _by_word(HEADER_KEYS)
_ARTICLE_FIELDS: Final = _by_word(ARTICLE_KEYS) | {
    folded("مصدر"): "source",
    folded("اللغة"): "language",
}
_READ_ALSO: Final = frozenset(folded(p) for phrases in READ_ALSO.values() for p in phrases)
_LANGUAGES: Final = {folded(name): tag for tag, names in _LANGUAGE_NAMES.items() for name in names}

#: Longer than any key; what is longer is a sentence, and comparing it would take time.
LONGEST_KEY: Final = 40
_LIKE: Final = 0.6


def header_field(key: str) -> str | None:
    """The field a header key stands for, in any of the three languages."""
    return _HEADER_FIELDS.get(folded(key)) if len(key) <= LONGEST_KEY else None


def article_field(key: str) -> str | None:
    """The field a key under a headline stands for."""
    return _ARTICLE_FIELDS.get(folded(key)) if len(key) <= LONGEST_KEY else None


def nearest_header_key(key: str, language: str) -> str:
    """The known key most like this one, as it is written in that language; empty when none is."""
    field = _nearest(key, (words[language] for words in HEADER_KEYS.values()), _LIKE)
    field = field or _nearest(key, _HEADER_FIELDS, _LIKE)
    return HEADER_KEYS[_HEADER_FIELDS[field]][language] if field else ""


def nearest_article_key(key: str, language: str) -> str:
    """The key for under a headline that this one is, but for one letter; empty when none is."""
    word = folded(key) if len(key) <= LONGEST_KEY else ""
    field = next((known for known in _ARTICLE_FIELDS if _one_slip(word, known)), "")
    return ARTICLE_KEYS[_ARTICLE_FIELDS[field]][language] if field else ""


def _nearest(key: str, known: Iterable[str], cutoff: float) -> str:
    if len(key) > LONGEST_KEY:
        return ""
    found = difflib.get_close_matches(folded(key), map(folded, known), n=1, cutoff=cutoff)
    return found[0] if found else ""


def _one_slip(word: str, known: str) -> bool:
    """Whether two words are equal but for a letter too many, too few, wrong or out of order."""
    if abs(len(word) - len(known)) > 1:
        return False
    short, long = sorted((word, known), key=len)
    first = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), None)
    if first is None:
        return True
    if len(short) < len(long):
        return short[first:] == long[first + 1 :]
    rest, other = short[first:], long[first:]
    return rest[1:] == other[1:] or (rest[1::-1] == other[:2] and rest[2:] == other[2:])


def is_read_also(text: str) -> bool:
    """Whether these words, with or without a colon, announce related links."""
    return len(text) <= LONGEST_KEY and folded(text).strip(" :–—→-«“") in _READ_ALSO


def language_tag(text: str) -> str:
    """A BCP 47 tag for a tag or a language's name ("français"); empty when it is neither."""
    word = folded(text) if len(text) <= LONGEST_KEY else ""
    if word in _LANGUAGES:
        return _LANGUAGES[word]
    primary, *others = word.split("-")
    # RFC 5646 section 2.1: two or three letters, then subtags of two to eight.
    sound = primary.isascii() and primary.isalpha() and len(primary) in {2, 3}
    sound = sound and all(s.isascii() and s.isalnum() and 2 <= len(s) <= 8 for s in others)  # noqa: PLR2004
    return "-".join([primary, *(_subtag(s) for s in others)]) if sound else ""


def _subtag(text: str) -> str:
    # RFC 5646 section 2.1.1: regions in capitals, scripts capitalised.
    match len(text):
        case 2:
            return text.upper()
        case 4:
            return text.title()
        case _:
            return text
