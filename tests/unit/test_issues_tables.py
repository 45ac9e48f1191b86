"""Tables: read, written back, set for the eye and for plain text; no cell is lost in silence."""

import pytest
from compose_samples import composed, theme

from flashback.issues import parse, written
from flashback.issues.reading import Reading
from flashback.model import Hyperlink, Items, Severity, Table, links_in, plain

HEAD = "---\ntitre: T\nnuméro: 9\ndate: 2011-09-02\nlangue: {language}\nobjet: O\n---\n\n"
TABLE = (
    "| Pays | Taux |\n|:--|--:|\n"
    "| Nord \\| Sud | 4,25 % |\n| Est | [ici](https://press.example/e) |"
)
LINK = "\n\n[Lire](https://press.example/1)\n"


def read(table: str, language: str = "fr") -> Reading:
    """An issue with a table in its article."""
    text = HEAD.format(language=language) + f"## A\n\nAvant.\n\n{table}\n\nAprès." + LINK
    return parse(text, file="9.md", language=language, folder=None)


def table_of(reading: Reading) -> Table:
    """The table of its article."""
    assert reading.issue
    (found,) = (b for b in reading.issue.articles[0].blocks if isinstance(b, Table))
    return found


def test_cells_alignment_and_links_are_read() -> None:
    """A bar behind a backslash is a character; the colons say where columns stand."""
    table = table_of(read(TABLE))
    assert [plain(cell) for cell in table.head] == ["Pays", "Taux"]
    assert [[plain(cell) for cell in row] for row in table.rows] == [
        ["Nord | Sud", "4,25 %"], ["Est", "ici"],
    ]  # fmt: skip
    assert table.aligns == ("left", "right")
    assert [link.target for link in links_in([table])] == ["https://press.example/e"]


def test_a_table_written_is_the_table_read() -> None:
    """The file that is written reads as the same table."""
    reading = read(TABLE)
    assert reading.issue
    again = parse(written(reading.issue), file="9.md", language="fr", folder=None)
    assert table_of(again) == table_of(reading)


@pytest.mark.parametrize(
    ("row", "told"),
    [("| a | b | c |", True), ("| a | b |", False), ("| a |", False), ("| a \\| b | c |", False),
     ("a | b | c", True)],
)  # fmt: skip
def test_a_cell_too_many_is_an_error_at_its_line(row: str, told: bool) -> None:  # noqa: FBT001
    """What Markdown would drop in silence is told; short rows are filled up."""
    reading = read(f"| A | B |\n|---|---|\n{row}")
    found = [f for f in reading.findings if f.code == "table-row-long"]
    assert bool(found) == told
    if told:
        assert found[0].severity is Severity.ERROR
        assert found[0].line == 15
    else:
        assert len(table_of(reading).rows[0]) == 2


def test_bars_alone_make_no_table() -> None:
    """A sentence with bars, and one above dashes, stay sentences."""
    for text in ("Nord | Sud | Est", "Nord | Sud\n---\n"):
        reading = read(text)
        assert reading.issue
        assert not any(isinstance(b, Table) for b in reading.issue.articles[0].blocks)


def test_the_mail_has_a_table_that_screen_readers_know() -> None:
    """Heads of columns with their scope, figures at the right, nothing of the bars left."""
    issue = read(TABLE).issue
    assert issue
    edition = composed(issue, theme())
    assert edition.html.count('<th scope="col"') + edition.html.count('scope="col"') >= 2
    assert "|---" not in edition.html + edition.text
    lines = edition.text.split("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith("Pays"))
    assert lines[at + 1].startswith("----------  ---")
    assert lines[at + 2].rstrip().endswith("4,25\u00a0%")


def test_a_wide_table_becomes_lines_of_text() -> None:
    """What does not fit into 72 columns is told cell by cell, with the column's name."""
    wide = "mot " * 18
    issue = read(
        f"| Pays | Ce qu'on en dit |\n|---|---|\n| Nord | {wide} |\n| Sud | {wide} |"
    ).issue
    assert issue
    text = composed(issue, theme()).text
    assert "Pays\u00a0: Nord\nCe qu’on en dit\u00a0: mot mot" in text
    assert max(len(line) for line in text.split("\n")) <= 72


def test_an_arabic_table_begins_at_the_right() -> None:
    """Columns without colons stand where a line begins."""
    issue = read("| البلد | النسبة |\n|---|---|\n| المغرب | 4,25% |", "ar").issue
    assert issue
    html = composed(issue, theme()).html
    assert "figures rtl" in html
    assert "text-align:right" in html[html.index("figures rtl") :]


def test_a_table_in_a_list_or_a_quotation_is_read_there() -> None:
    """Tables stand wherever blocks do."""
    reading = read("> | A | B |\n> |---|---|\n> | a | b | c |")
    assert any(f.code == "table-row-long" for f in reading.findings)
    reading = read("- point\n\n  | A | B |\n  |---|---|\n  | a | [b](https://press.example/b) |")
    assert reading.issue
    items = [b for b in reading.issue.articles[0].blocks if isinstance(b, Items)]
    assert items
    assert any(isinstance(link, Hyperlink) for link in links_in(items))
