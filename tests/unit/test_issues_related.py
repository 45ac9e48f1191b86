"""« Lire aussi » as people write it, and keys that are none."""

import pytest

from flashback.issues import Reading, parse

HEADER = "---\ntitre : F\nnuméro : 35\ndate : 2011-09-02\nobjet : O\n---\n"
SOUND = "## T\n\nTexte.\n\n[Lire](https://example.org/a)\n\n"
X, Y = "[X](https://example.org/x)", "[Y](https://example.org/y)"


def read(body: str) -> Reading:
    return parse(HEADER + SOUND + body, file="x.md", language="fr", folder=None)


@pytest.mark.parametrize(
    ("line", "notes"),
    [
        (f"Lire aussi : « {X} », Le Matin, et « {Y} » (Elle)", ("Le Matin", "(Elle)")),
        (f"Lire aussi : {X} et aussi {Y}", ("", "")),
        (f"Lire aussi : {X} ainsi que {Y}", ("", "")),
        (f"Lire aussi : {X}, puis {Y}", ("", "")),
        (f"Lire aussi : {X} plus {Y}", ("", "")),
        (f"Lire aussi : {X} cinq de plus, {Y}", ("cinq de plus", "")),
        (f"Read also: {X} and also {Y}", ("", "")),
        (f"Lire aussi – {X} & {Y}", ("", "")),
        (f"Lire aussi → {X} & {Y}", ("", "")),
        (f"اقرؤوا أيضا : {X} و{Y}", ("", "")),
    ],
)  # fmt: skip
def test_marks_and_joints_are_no_notes(line: str, notes: tuple[str, str]) -> None:
    """What opens, closes or joins goes; words stay."""
    reading = read(line)
    assert reading.findings == ()
    assert reading.issue
    related = reading.issue.articles[0].related
    assert [(link.words, link.note) for link in related] == list(zip("XY", notes, strict=True))


@pytest.mark.parametrize(
    ("line", "odd"),
    [
        ("Ressource : un texte", False),
        ("Langues : fr, ar", False),
        ("Langage : un texte", False),
        ("Sources : Le Matin", True),
        ("suorce : Le Matin", True),
        ("sourxe : Le Matin", True),
        ("langues : ar", True),
    ],
)
def test_only_a_slip_of_one_letter_is_an_odd_key(line: str, odd: bool) -> None:  # noqa: FBT001
    """Prose with a colon is prose."""
    assert [finding.code for finding in read(line).findings] == ["article-key-odd"] * odd


def test_a_second_link_is_not_told_to_say_read_also_twice() -> None:
    """The phrase inside the brackets comes out of them."""
    (finding,) = read("[Lire aussi : X](https://example.org/x)").findings
    assert finding.code == "link-second"
    assert "Lire aussi : [X](https://example.org/x)" in str(finding.remedy)
