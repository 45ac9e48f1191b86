"""Pin every package the project and its tests use: versions and hashes, into constraints.txt."""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
with tempfile.TemporaryDirectory() as folder:
    development = Path(folder) / "development.in"
    development.write_text("\n".join(project["dependency-groups"]["dev"]), encoding="utf-8")
    subprocess.run(  # noqa: S603
        [
            sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes",
            "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
            "--all-extras", "--strip-extras", "--allow-unsafe", "--upgrade",
            "--output-file", "constraints.txt",
            "pyproject.toml", str(development),
        ],
        check=True,
    )  # fmt: skip
