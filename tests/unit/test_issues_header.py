"""The header: keys in three languages, values as they stand, numbers and dates."""

import datetime as dt

import pytest

from flashback.issues import Reading, parse
from flashback.issues.dates import iso_date, issue_number, understood
from flashback.issues.words import HEADER_KEYS, is_read_also, language_tag

BODY = "## T\n\nTexte.\n\n[Lire](https://example.org/a)\n"


def read(header: str, language: str = "fr") -> Reading:
    return parse(f"---\n{header}---\n{BODY}", file="x.md", language=language, folder=None)


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_every_key_is_known_in_every_language(language: str) -> None:
    """All seven, padded as one likes."""
    values = {
        "title": "Flash-back",
        "number": "35",
        "date": "2011-09-02",
        "language": language,
        "subject": "Objet : oui",
        "preview": "Aperçu",
        "publisher": "Centre",
    }
    lines = "".join(f"{HEADER_KEYS[name][language]}   : {text}\n" for name, text in values.items())
    reading = read(lines, language="en")
    assert reading.findings == ()
    assert reading.issue
    assert reading.issue.date == dt.date(2011, 9, 2)
    assert {name: getattr(reading.issue, name) for name in values if name != "date"} == {
        name: text for name, text in values.items() if name != "date"
    }


def test_accents_and_case_of_keys_do_not_matter() -> None:
    """`NUMERO` is typed in haste, and vowel signs by the careful."""
    reading = read("TITRE:F\nNumero :35\nDATE: 2011-09-02\nObjet:O\nApercu: A\nediteur : E\n")
    assert reading.findings == ()
    reading = read("عُنوان : ف\nرقم : 35\nتاريخ : 2011-09-02\nلغه : ar\nموضوع : م\n")
    assert reading.findings == ()
    assert reading.issue
    assert (reading.issue.title, reading.issue.language) == ("ف", "ar")


@pytest.mark.parametrize(
    "title",
    ["Afrique : Six banques", "a: b: c", '"Banque" de', "L'UE & Cie #1", "%12 - [Une] !", "no"],
)
def test_a_value_is_everything_behind_the_first_colon(title: str) -> None:
    """Nothing needs quoting, nothing is guessed."""
    issue = read(f"titre : {title}\nnuméro : 010\ndate : 2011-09-02\nobjet : O\n").issue
    assert issue
    assert (issue.title, issue.number) == (title, "010")


def test_arabic_digits_are_digits() -> None:
    """In number and date, with or without the invisible marks around them."""
    issue = read("رقم : \u200f٣٥-٣٦\nتاريخ : ٢٠١١-٠٩-٠٢\nعنوان : ف\n", language="ar").issue
    assert issue
    assert (issue.number, issue.date) == ("35-36", dt.date(2011, 9, 2))


@pytest.mark.parametrize(
    ("language", "subject"),
    [("fr", "F n° 35 : T"), ("en", "F no. 35: T"), ("ar", "F، العدد 35: T")],
)
def test_a_missing_subject_is_made_up_and_told(language: str, subject: str) -> None:
    """From title, number and the first headline."""
    reading = read("title : F\nnumber : 35\ndate : 2011-09-02\n", language)
    assert reading.issue
    assert reading.issue.subject == subject
    assert [finding.code for finding in reading.findings] == ["subject-missing"]


def test_braces_in_a_title_are_only_braces() -> None:
    """A title is not a pattern."""
    issue = read("titre : {x} {0}\nnuméro : 35\ndate : 2011-09-02\n").issue
    assert issue
    assert issue.subject == "{x} {0} n° 35 : T"


@pytest.mark.parametrize("mark", ["---", "-----", " ---  ", "—", "—-", "——"])
def test_what_a_word_processor_makes_of_three_hyphens_closes_a_header(mark: str) -> None:
    """Dashes are accepted for hyphens."""
    text = f"\n{mark}\ntitre : F\nnuméro : 35\n\ndate : 2011-09-02\nobjet : O\n{mark}\n{BODY}"
    assert parse(text, file="x.md", language="fr", folder=None).findings == ()


def test_a_header_without_its_first_line_is_read_all_the_same() -> None:
    """One finding, not one per key."""
    text = f"titre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n\n{BODY}"
    reading = parse(text, file="x.md", language="fr", folder=None)
    assert [finding.code for finding in reading.findings] == ["header-missing"]
    assert reading.issue
    assert reading.issue.title == "F"
    assert len(reading.issue.articles) == 1


@pytest.mark.parametrize("text", ["", "\n\n", "Bonjour.\n", f"\n{BODY}", "{\n  \u200b\x07\n}\n"])
def test_a_file_without_any_header_hears_of_that_alone(text: str) -> None:
    """An empty or wrong file is no list of slips: the header comes first."""
    reading = parse(text, file="x.md", language="fr", folder=None)
    assert [finding.code for finding in reading.findings] == ["header-missing"]
    assert reading.issue is None


def test_an_unclosed_header_does_not_swallow_the_body() -> None:
    """What follows is still read, and its slips are told too."""
    text = f"---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n{BODY}"
    reading = parse(text, file="x.md", language="fr", folder=None)
    assert [finding.code for finding in reading.findings] == ["header-unclosed"]
    assert reading.issue
    assert len(reading.issue.articles) == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [("35", "35"), ("35-36", "35-36"), ("35bis", "35bis"), ("٣٥", "35"), ("HS-1", "HS-1")]
    + [(text, "") for text in ("35/36", "n° 35", "", "../x", "-", "é", "3" * 61)],
)
def test_numbers_can_stand_in_an_address(text: str, number: str) -> None:
    """Digits, letters, single hyphens."""
    assert issue_number(text) == number


@pytest.mark.parametrize(
    "text", ["2011-9-2", "02/09/2011", "2 septembre 2011", "2011-02-30", "20110902", "0000-01-01"]
)
def test_only_iso_dates_count(text: str) -> None:
    """Whatever else is understood, only year-month-day is a date."""
    assert iso_date(text) is None


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("2 septembre 2011", "fr", (2011, 9, 2)),
        ("vendredi 2 SEPTEMBRE 2011", "fr", (2011, 9, 2)),
        ("1er août 2011", "fr", (2011, 8, 1)),
        ("September 2nd, 2011", "en", (2011, 9, 2)),
        ("2 شتنبر 2011", "ar", (2011, 9, 2)),
        ("٢ سبتمبر ٢٠١١", "ar", (2011, 9, 2)),
        ("2/9/2011", "fr", (2011, 9, 2)),
        ("02.09.2011", "ar", (2011, 9, 2)),
        ("2011/9/2", "fr", (2011, 9, 2)),
        ("2011-9-2", "fr", (2011, 9, 2)),
        ("9/13/2011", "en", (2011, 9, 13)),
        ("13/9/2011", "en", (2011, 9, 13)),
        ("9/9/2011", "en", (2011, 9, 9)),
        ("2/9/2011", "en", None),
        ("31/2/2011", "fr", None),
        ("2/9/11", "fr", None),
        ("septembre 2011", "fr", None),
        ("demain", "fr", None),
        ("9" * 100, "fr", None),
    ],
)
def test_dates_as_people_write_them_are_understood(
    text: str, language: str, day: tuple[int, int, int] | None
) -> None:
    """For the remedy only; and not where day and month could be confused."""
    assert understood(text, language) == (dt.date(*day) if day else None)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("fr", "fr"),
        ("FR", "fr"),
        ("ar-ma", "ar-MA"),
        ("zgh-tfng", "zgh-Tfng"),
        ("zgh-tfng-ma", "zgh-Tfng-MA"),
        ("sr-ekavsk", "sr-ekavsk"),
        ("Français", "fr"),
        ("anglais", "en"),
        ("العربية", "ar"),
        ("quatre", ""),
        ("fr-", ""),
        ("fr-123456789", ""),
        ("", ""),
        ("é", ""),
        ("f" * 50, ""),
    ],
)
def test_languages_are_tags_or_names(text: str, tag: str) -> None:
    """BCP 47 in its usual case."""
    assert language_tag(text) == tag


@pytest.mark.parametrize(
    "text",
    [
        "Lire aussi :",
        "lire  AUSSI",
        "À lire aussi\u00a0:",
        "A lire également:",
        "Read also :",
        "اقرأ أيضا :",
        "اقرأ أيضاً:",
        "اقرا ايضا",
        "إقرأ أيضًا :",
        "اُنظُر أيضاً",
    ],
)
def test_read_also_is_recognised_however_it_is_spelt(text: str) -> None:
    """Case, colon, hamza and tanwin are nobody's business."""
    assert is_read_also(text)


def test_ordinary_words_do_not_announce_links() -> None:
    """A sentence that begins alike is a sentence."""
    for text in ("", "Lire", "Lire aussi la suite", "aussi", "Lire aussi " + "x" * 50):
        assert not is_read_also(text)
