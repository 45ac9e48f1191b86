"""Where templates and examples lie, in a checkout, an editable install and a wheel alike."""

import os
import sys
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
#: In a wheel the data travels inside the package; in a checkout it stands at the top.
#: What each extra brings; a test holds it to pyproject.toml.
EXTRAS: Final = {
    "demo": ("aiosmtpd",),
    "dkim": ("cryptography",),
    "docx": ("mammoth",),
    "otel": ("opentelemetry-exporter-otlp-proto-http", "opentelemetry-sdk"),
    "pdf": ("weasyprint",),
    "postgresql": ("psycopg[binary]",),
}
_ROOTS: Final = (_PACKAGE / "_data", _PACKAGE.parent.parent)


def templates(kind: str) -> Path:
    """The shipped templates: ``email`` or ``web``. Raises FileNotFoundError on a broken install."""
    return _find(Path("templates") / kind)


def example_issue() -> Path:
    """The folder of the example issue, in three languages."""
    return _find(Path("issues") / "35")


def example_settings() -> Path:
    """The settings of the example newsletter."""
    return _find(Path("flashback.toml"))


def example_readers() -> Path:
    """Sixty invented readers, as a CSV file."""
    return _find(Path("subscribers") / "sample.csv")


def findings(language: str) -> Path:
    """What each code of a finding means, as tables of Markdown, in a language of staff."""
    return _find(Path("docs") / ("findings.fr.md" if language == "fr" else "findings.md"))


def installs(extra: str) -> str:
    """The command that adds what an extra brings, to the very environment that runs this.

    By the packages' own names: others have packages called as we are.
    """
    packages = " ".join(f"'{name}'" for name in EXTRAS[extra])
    return f"{sys.executable} -m pip install {packages}"


def cache() -> Path | None:
    """This user's folder for what can be made again; None when the system names no place."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (named if named.is_absolute() else Path.home() / ".cache") / "flashback"
    except RuntimeError:  # a user without a home
        return None


def _find(relative: Path) -> Path:
    for root in _ROOTS:
        if (root / relative).exists():
            return root / relative
    raise FileNotFoundError(relative)
