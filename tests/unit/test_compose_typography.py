"""Typography: only spaces and kinds of apostrophes change; doing it twice changes nothing."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from flashback.compose.phrases import phrase
from flashback.compose.typography import clean, disarm, isolate, markup, typeset
from flashback.model.edition import SLOT_PATTERN

N = "\u00a0"
#: What typography looks at, so that Hypothesis meets its rules often.
FRENCH = st.text(
    alphabet="aéL1230 '’«»:;!?%°nN€\u00a0\u202f\u2009/.h-tps@wm()…_FB\ufffcج\u2068\u2069",
    max_size=40,
)
KINDS = str.maketrans({"’": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " "})


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Afrique : Six", f"Afrique{N}: Six"),
        ("quoi ? oui ! bon ;", f"quoi{N}? oui{N}! bon{N};"),
        ("12 % et 12%", f"12{N}% et 12%"),
        ("« mot »", f"«{N}mot{N}»"),
        ("«mot»", f"«{N}mot{N}»"),
        ("Royaume.» (…) «», «", f"Royaume.{N}» (…) «{N}», «"),
        ("« a\u2003»", f"«{N}a\u2003»"),
        ("«https://example.org/»", f"«{N}https://example.org/{N}»"),
        ("Royaume:", "Royaume:"),
        ("14:30", "14:30"),
        ("n° 35, N° 36", f"n°{N}35, N°{N}36"),
        ("90 millions d'euros", f"90{N}millions d’euros"),
        ("1 234 567 dirhams", f"1{N}234{N}567{N}dirhams"),
        ("le 15 septembre", f"le 15{N}septembre"),
        ("20 photos", "20 photos"),
        ("l'INDH n'a qu'un", "l’INDH n’a qu’un"),
        ("les 'trois' amis'", "les 'trois' amis'"),
        ("l'\"ami\", qu'« Oufouq »", f'l’"ami", qu’«{N}Oufouq{N}»'),
        ("l'(…), D'1 million, d'“a”", f"l’(…), D’1{N}million, d’“a”"),
        ("amis' (…) '12", "amis' (…) '12"),
        ("5 °C, 100 m², 3 m, 2 km², 3 mots", f"5{N}°C, 100{N}m², 3{N}m, 2{N}km², 3 mots"),
        ("p. 12, pp. 3 et 4, top. 5", f"p.{N}12, pp.{N}3 et 4, top. 5"),
        ("M. Dupont et Mme Élu, S.M. le Roi", f"M.{N}Dupont et Mme{N}Élu, S.M. le Roi"),
        ("MM. A, Mlle B, Mmes C, la Mme b", f"MM.{N}A, Mlle{N}B, Mmes{N}C, la Mme b"),
        ("5 h 30, 5h 30, 5 h à", f"5{N}h{N}30, 5h{N}30, 5{N}h à"),
        ("mot\u202f!", f"mot{N}!"),
        ("https://example.org/l'a?x=1 : ici", f"https://example.org/l'a?x=1{N}: ici"),
        ("www.example.org/d'or", "www.example.org/d'or"),
        ("d'o'neil@example.org", "d’o'neil@example.org"),
    ],
)
def test_french(typed: str, printed: str) -> None:
    """No-break spaces where French wants them, added in quotation marks only; addresses stay."""
    assert typeset(typed, "fr") == printed
    assert typeset(printed, "fr-MA") == printed


def test_english_and_others() -> None:
    """English gets apostrophes only; a language without rules is left alone."""
    assert typeset("Africa's : 12 %", "en") == "Africa’s : 12 %"
    assert typeset("l'altra : via", "it") == "l'altra : via"


@given(FRENCH)
@settings(max_examples=300, deadline=None)
@example("\u2009\u202f: «  »")
def test_typeset_is_idempotent_and_keeps_every_character(text: str) -> None:
    """The same characters but for their kind and for spaces in quotation marks; and stable."""
    once = typeset(text, "fr")
    assert once.translate(KINDS).replace(" ", "") == text.translate(KINDS).replace(" ", "")
    added = sum(text.count(mark) for mark in "«»")
    assert len(text) <= len(once) <= len(text) + added
    assert not re.search(r"«(?!\s|$)|(?<![\s«])(?<!^)»", once)
    assert typeset(once, "fr") == once


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("يشكّل Oufouq 2015، مخطط", "يشكّل <Oufouq 2015>، مخطط"),
        ("أطلقته Al Amana Microfinance، بداية", "أطلقته <Al Amana Microfinance>، بداية"),
        ("منتصف النهار (12:00 GMT).", "منتصف النهار (<12:00 GMT>)."),
        ("5 ans de l’INDH : Les couacs", "<5 ans de l’INDH : Les couacs>"),
        ("قدره 1,7 مليون درهم و12%", "قدره <1,7> مليون درهم و12%"),
        ("منح 7 000 000 درهم", "منح <7 000 000> درهم"),
        (f"1{N}234{N}567 درهماً", f"<1{N}234{N}567> درهماً"),
        ("هاتف: 05 37 00 00 00، +212 5-37.11", "هاتف: <05 37 00 00 00>، <+212 5-37.11>"),
        ("سنة 2011: 1 234، 35", "سنة 2011: <1 234>، 35"),
        ("لغة C++ و C# و12+", "لغة <C++> و <C#> و12+"),
        ("REM (Réseau) قال", "<REM> (<Réseau>) قال"),
        ("انظر https://example.org/a?b=c الآن", "انظر https://example.org/a?b=c الآن"),
        ("CGAP https://example.org/", "<CGAP> https://example.org/"),
        ("إلى __FB_READER_ADDRESS__.", "إلى <__FB_READER_ADDRESS__>."),
    ],
)
def test_latin_runs_in_arabic(typed: str, printed: str) -> None:
    """Latin runs and numbers of several groups are isolated whole; brackets and addresses not."""
    assert isolate(typed, "ar") == printed.replace("<", "\u2068").replace(">", "\u2069")
    if "https:" not in typed:
        spans = printed.replace("<", '<span dir="ltr">').replace(">", "</span>")
        spans = spans.replace('"ltr"</span>', '"ltr">')
        assert markup(typed, "ar") == spans


def test_isolates_only_where_needed() -> None:
    """A language written from left to right needs none."""
    assert isolate("Al Amana", "fr") == "Al Amana"
    assert markup("Al <Amana>", "fr") == "Al &lt;Amana&gt;"


@given(st.text(alphabet="ab12 ,.:+#()جد«»/@\u2066\u2067\u2068\u2069_FB<&", max_size=30))
@settings(max_examples=300, deadline=None)
def test_isolate_is_idempotent(text: str) -> None:
    """What is isolated is not isolated again, however strange the text."""
    once = isolate(text, "ar")
    assert isolate(once, "ar") == once
    assert re.sub("[\u2066-\u2069]", "", once) == re.sub("[\u2066-\u2069]", "", text)


@given(st.text(max_size=40), st.sampled_from(["fr", "ar", "en"]))
@settings(max_examples=200, deadline=None)
def test_markup_is_well_formed_and_says_the_same(text: str, language: str) -> None:
    """Any text becomes XML whose characters are the text's own."""
    words = phrase(text, language)
    element = etree.fromstring(f"<p>{words.__html__()}</p>")
    assert "".join(str(part) for part in element.itertext()) == words.words
    assert not {node.tag for node in element.iter()} - {"p", "span"}


def test_omissions_are_marked() -> None:
    """(…) and [...] get a class of their own."""
    assert markup("« (…) oui [...] »", "fr") == (
        '« <span class="gap">(…)</span> oui <span class="gap">[...]</span> »'
    )


def test_clean_drops_what_no_mail_may_hold() -> None:
    """Control characters go, runs of spaces become one, no-break spaces stay."""
    assert clean(" a\x00\x1b\x80\ud800\uffff \r\n\t b\u00a0\u2028c\x85d ") == "a b\u00a0 c d"


@given(st.text(alphabet="_FBA1\u2060", max_size=30))
@settings(max_examples=300, deadline=None)
@example("__FB_UNSUBSCRIBE_URL__")
@example("___FB_A__FB_B__")
def test_no_text_makes_a_slot(text: str) -> None:
    """What looks like a slot is broken by an invisible character, once."""
    safe = disarm(text)
    assert not SLOT_PATTERN.search(safe)
    assert disarm(safe) == safe
    assert safe.replace("\u2060", "") == text.replace("\u2060", "")
