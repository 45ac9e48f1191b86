"""docs/configuration.md and the settings say the same."""

from dataclasses import fields
from pathlib import Path

import pytest

from flashback.config import (
    Config,
    LinksConfig,
    NewsletterConfig,
    RelayConfig,
    SendingConfig,
    StoreConfig,
)

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("newsletter", NewsletterConfig),
        ("links", LinksConfig),
        ("relay", RelayConfig),
        ("sending", SendingConfig),
        ("store", StoreConfig),
    ],
)
def test_every_key_is_documented(table: str, kind: type) -> None:
    """Each key of each table stands in its section, and each section is a table."""
    section = PAGE.split(f"## [{table}]")[1].split("\n## ")[0]
    missing = [f.name for f in fields(kind) if f"`{f.name}`" not in section]
    assert not missing
    assert table in {f.name for f in fields(Config)}
