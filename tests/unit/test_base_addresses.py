"""Text to an address: one normal form, and nothing that could break a header or an envelope."""

import subprocess
import sys

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.addresses import parse, thoroughly
from flashback.errors import AddressError, Exit
from flashback.model import Address

local_parts = st.text("abcXYZ019.+-_'éÉßçÅمرحباﬁΣς漢", min_size=1, max_size=12)
domains = st.sampled_from(
    ["example.org", "Example.COM", "bücher.example", "BÜCHER.example", "xn--bcher-kva.example",
     "مثال.example", "straße.example", "mail.host.internal", "例え。example"]
)  # fmt: skip
candidates = st.builds("{}@{}".format, local_parts, domains)
hostile = st.text(st.characters()) | st.builds(
    "{}@{}".format, st.text(st.characters(), max_size=8), st.text(st.characters(), max_size=12)
)


def parsed(text: str) -> Address | None:
    try:
        return parse(text)
    except AddressError:
        return None


@settings(deadline=None, max_examples=200)
@given(candidates)
def test_parsing_twice_changes_nothing(text: str) -> None:
    """What was parsed once reads as itself."""
    found = parsed(text)
    if found is not None:
        assert parse(found.mailbox) == found


@settings(deadline=None, max_examples=200)
@given(local_parts, domains)
def test_case_does_not_make_another_person(local: str, domain: str) -> None:
    """The key is the same however somebody holds the shift key."""
    # The domain is lowered, not folded: in IDNA 2008 "straße" and "strasse" are two domains.
    found, folded = parsed(f"{local}@{domain}"), parsed(f"{local.casefold()}@{domain.lower()}")
    if found is not None and folded is not None:
        assert found.key == folded.key


@settings(deadline=None, max_examples=300)
@given(hostile)
def test_no_text_upsets_the_parser(text: str) -> None:
    """Any text is an address without controls, or an AddressError that can be printed."""
    try:
        found = parse(text)
    except AddressError as error:
        str(error).encode("utf-8")
    else:
        assert found.mailbox.isprintable()
        assert " " not in found.mailbox
        assert found.domain.isascii()


@pytest.mark.parametrize(
    ("text", "mailbox", "key"),
    [
        ("Anna.Lind@Example.ORG", "Anna.Lind@example.org", "anna.lind@example.org"),
        ("  anna@example.org\r\n", "anna@example.org", "anna@example.org"),
        ("anna@Bücher.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
        ("anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
        ("Zoé@example.org", "Zoé@example.org", "zoé@example.org"),
        ("Zoe\u0301@example.org", "Zoé@example.org", "zoé@example.org"),
        ("مريم@example.org", "مريم@example.org", "مريم@example.org"),
        ("Groß@example.org", "Groß@example.org", "gross@example.org"),
        ("staff@relay.internal", "staff@relay.internal", "staff@relay.internal"),
    ],
)
def test_the_normal_form(text: str, mailbox: str, key: str) -> None:
    """Domain as lower-case A-labels, local part as given in NFC, and a case-folded key."""
    found = parse(text)
    assert (found.mailbox, found.key, str(found)) == (mailbox, key, mailbox)


def test_an_address_knows_its_domain_and_its_reach() -> None:
    """Only a Unicode local part needs SMTPUTF8; a Unicode domain has its A-labels."""
    assert parse("anna@bücher.example").domain == "xn--bcher-kva.example"
    assert parse("anna@bücher.example").is_ascii
    assert not parse("zoé@example.org").is_ascii


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "anna", "@example.org", "anna@", "anna@localhost", "anna@@example.org",
        "anna@[192.0.2.1]", '"anna lind"@example.org', "Anna <anna@example.org>",
        "anna@example.org, ben@example.org", "an na@example.org", "anna..l@example.org",
        "anna@-example.org", f"anna@{'a' * 64}.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """One mailbox at a host with a name, and nothing around it."""
    with pytest.raises(AddressError):
        parse(text)


@pytest.mark.parametrize(
    "control", ["\r\n", "\n", "\r", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028"]
)
@pytest.mark.parametrize(
    "pattern", ["an{}na@example.org", "anna@exam{}ple.org", "anna{}@example.org"]
)
def test_control_characters_are_refused(pattern: str, control: str) -> None:
    """Nothing that could begin another header or another command gets through."""
    with pytest.raises(AddressError):
        parse(pattern.format(control))


def test_the_error_names_the_text_and_the_way_out() -> None:
    """Whoever imports a thousand lines finds the wrong one, and what to write."""
    with pytest.raises(AddressError) as caught:
        parse("anna.example.org")
    assert "“anna.example.org”" in str(caught.value.sentence)
    assert "name@example.org" in str(caught.value.hint)
    assert caught.value.exit_code is Exit.USAGE
    assert caught.value.__cause__ is not None


def test_the_error_is_fit_for_a_terminal() -> None:
    """Broken octets and screen codes become a mark, and a long text is cut."""
    with pytest.raises(AddressError) as caught:
        parse("\x1b[2Jzo\udce9" + "x" * 500)
    sentence = str(caught.value.sentence)
    assert "“�[2Jzo�xxx" in sentence
    assert len(sentence) < 300
    sentence.encode("utf-8")


LETTERS = st.sampled_from(
    [*"abzAZ09._+-@ \u00e9\u0130", "example.org", "xn--", "a" * 63, "a" * 64, ".com", ".x"]
    + [f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES]
)
LIKELY = st.lists(LETTERS, max_size=12).map("".join)
WHOLE = st.tuples(LIKELY, LIKELY).map("@".join) | st.emails() | LIKELY


@given(WHOLE)
def test_the_short_way_is_the_long_way(text: str) -> None:
    """Whatever is taken without the whole grammar, the whole grammar takes, and alike."""
    try:
        expected: object = thoroughly(text.strip())
    except AddressError as error:
        expected = str(error)
    try:
        found: object = parse(text)
    except AddressError as error:
        found = str(error)
    assert found == expected


@pytest.mark.parametrize("name", SPECIAL_USE_DOMAIN_NAMES)
def test_names_that_are_nobodys_go_the_long_way(name: str) -> None:
    """Whatever the grammar says of a special name holds, also for a host below it."""
    for domain in (
        name,
        f"mail.{name}",
        f"Mail.{name.upper()}",
        f"my{name}.example",
        f"{name}.org",
    ):
        try:
            expected: Address | None = thoroughly(f"a@{domain}")
        except AddressError:
            expected = None
        assert parsed(f"a@{domain}") == expected


def test_the_longest_domain() -> None:
    """As long as the DNS takes, and no longer."""
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    for domain in (longest, f"{longest}b"):
        assert parsed(f"a@{domain}") is None  # with it the address is too long
    fits = ".".join(["a" * 63] * 3 + ["b" * 60])
    assert parsed(f"a@{fits}") == thoroughly(f"a@{fits}")


def test_an_ordinary_address_costs_no_grammar() -> None:
    """The library with the grammar is loaded for what is not plain to the letter."""
    look = (
        "import sys; from flashback.addresses import parse; parse('Anna.Lind@Mail-1.Example.org');"
        " print('email_validator' in sys.modules); parse('anna@b\u00fccher.example');"
        " print('email_validator' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]
