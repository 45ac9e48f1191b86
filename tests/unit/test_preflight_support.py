"""What mail programs do not show: the shipped theme is fine, additions are told."""

from dataclasses import replace

import pytest
from compose_samples import composed, issue, theme

from flashback.preflight.support import lacking, remarks


def test_the_data_says_what_everybody_knows() -> None:
    """Gmail shows no SVG, Outlook on Windows no rounded corners and no flexible boxes."""
    known = lacking()
    assert "Gmail" in known["image:svg"]
    assert known["css:border-radius"] == ["Outlook (Windows)"]
    assert "Outlook (Windows)" in known["display:flex"]
    assert "css:color" not in known
    assert "css:padding" not in known


def test_the_shipped_theme_has_nothing_to_tell() -> None:
    """Its ornaments fall back well."""
    assert list(remarks(composed(issue(), theme()))) == []


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        ('<div style="display: flex; gap: 4px">x</div>', "display: flex"),
        ("<style>.x{clip-path:circle(1px)}</style>", "clip-path"),
        ("<style>@import 'x.css';</style>", "@import"),
        ("<video></video>", "<video>"),
        ("<style>/* display:grid */ .x{color:red}</style>", ""),
        ("<p>position: fixed; display: grid</p>", ""),
    ],
)
def test_what_a_template_adds_is_told(addition: str, told: str) -> None:
    """Properties, rules and elements are named with the programs; words and comments are not."""
    edition = composed(issue(), theme())
    changed = replace(edition, html=edition.html.replace("</body>", f"{addition}</body>"))
    found = [str(remark.sentence) for remark in remarks(changed)]
    assert len(found) == bool(told)
    assert not told or told in found[0]


@pytest.mark.parametrize(
    ("source", "code"),
    [("https://a.example/x.svg", "image-unsupported"),
     ("https://a.example/x.webp?y", "image-unsupported"),
     ("https://a.example/x.png", ""), ("https://a.example/svg", ""), ("cid:a.svg@x", "")],
)  # fmt: skip
def test_pictures_of_a_kind_that_is_not_shown(source: str, code: str) -> None:
    """SVG and WebP are warned of; PNG and what names no kind are not."""
    edition = composed(issue(), theme())
    image = f'<img src="{source}" alt="">'
    changed = replace(edition, html=edition.html.replace("</body>", f"{image}</body>"))
    assert [remark.code for remark in remarks(changed)] == ([code] if code else [])
