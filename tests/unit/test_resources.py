"""What is told of the installation is what the package says of itself."""

import re
import tomllib
from pathlib import Path

from flashback import resources


def test_extras_are_those_of_the_package() -> None:
    """Whoever is told to install a part is told its real packages, and no extra is forgotten."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)["project"]["optional-dependencies"]
    assert {
        extra: tuple(re.split(r"[<>=]", package)[0] for package in packages)
        for extra, packages in declared.items()
    } == resources.EXTRAS
    assert " -m pip install 'psycopg[binary]'" in resources.installs("postgresql")
