"""The wheel and the sdist: what travels, and that it works without the checkout."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from fixtures.newsletters import ROOT

#: The only list of people that may travel: invented ones, for the demonstration.
SAMPLE = {"flashback/_data/subscribers/sample.csv", "subscribers/sample.csv"}
FORBIDDEN = (".db", ".db-wal", ".db-shm", ".sqlite", ".sqlite3", ".key", ".csv", ".jsonl", ".env")


def sources() -> list[str]:
    """The files of the checkout that are not made by a command; of an sdist, all it brought."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout.decode().split("\0")  # fmt: skip
        return [name for name in listed if name and (ROOT / name).is_file()]
    made = {".venv", "__pycache__", "out", "demo-workspace"}
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(file) for file in files if not made & set(file.parts)]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist, built from a checkout that holds what must not travel."""
    checkout = tmp_path_factory.mktemp("checkout") / "flashback"
    for name in sources():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    for name in ("subscribers/subscribers.db", "subscribers/subscribers.db-wal",
                 "subscribers/real.csv", "subscribers/signing.key", "issues/35/left.db",
                 "subscribers/deliveries.jsonl", "src/flashback/subscribers.db",
                 "templates/email/readers.db", "src/flashback/people.csv"):  # fmt: skip
        (checkout / name).write_text("nadia@example.org")
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(checkout)],
        check=True, capture_output=True,
    )  # fmt: skip
    return out


def contents(packages: Path) -> dict[str, list[str]]:
    """Names in each package, without the sdist's top folder."""
    (wheel,) = packages.glob("*.whl")
    (sdist,) = packages.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive, tarfile.open(sdist) as tarball:
        inner = [name.partition("/")[2] for name in tarball.getnames()]
        return {"wheel": archive.namelist(), "sdist": inner}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_no_reader_travels(packages: Path, kind: str) -> None:
    """No database, key or list of people is in a package, whatever lies in the checkout."""
    names = contents(packages)[kind]
    assert len(names) > 50
    assert not [n for n in names if n.endswith(FORBIDDEN) and n not in SAMPLE]


@pytest.mark.slow
def test_templates_and_catalogue_travel(packages: Path) -> None:
    """The wheel carries the templates, the example, the migrations and the French words."""
    names = contents(packages)["wheel"]
    for end in (
        "_data/templates/email/issue.mjml.j2", "_data/issues/35/ar.md", "py.typed",
        "locale/fr/LC_MESSAGES/flashback.mo",
    ):  # fmt: skip
        assert any(name.endswith(end) for name in names), end
    assert any("migrations" in name for name in names)


@pytest.mark.slow
def test_the_sdist_can_be_tested(packages: Path) -> None:
    """All that ``make test`` opens is there: what the Makefile names, and what pyproject names."""
    names = set(contents(packages)["sdist"])
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:tools|tests)/[\w/-]+(?:\.py)?|constraints\.txt", makefile))
    assert {"constraints.txt", "tools/make-environment", "tools/install-servers"} <= named
    wanted = {
        *(name for name in named if (ROOT / name).is_file()),
        *("Makefile", "pyproject.toml", "README.md", ".ci/run", "tests/conftest.py"),
        *("flashback.toml", "issues/35/fr.md", "subscribers/README.md", "subscribers/sample.csv"),
    }
    assert wanted <= names, wanted - names
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for path in included["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]:
        assert (ROOT / path.removeprefix("/")).exists(), path


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(packages: Path, tmp_path: Path) -> None:
    """Installed without the checkout, the whole demonstration runs."""
    (wheel,) = packages.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    # The same versions as everywhere, by their hashes; then the wheel alone.
    for what in (
        [
            "--no-deps",  # the constraints name every package; pip check below
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--no-binary",
            "dkimpy",
            "-r",
            str(ROOT / "constraints.txt"),
        ],
        ["--no-deps", str(wheel)],
    ):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True, cwd=tmp_path)
    subprocess.run([python, "-m", "pip", "check"], check=True, cwd=tmp_path, capture_output=True)
    done = subprocess.run(
        [environment / "bin" / "flashback", "demo"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "LANGUAGE": "en", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "(60 messages)" in done.stdout
    assert len(list((tmp_path / "demo-workspace" / "out").iterdir())) == 9
    # What lies in the wheel beside code: findings, data, templates of the archive.
    for words in (
        ["check", "35", "--explain", "css-unsupported"], ["theme", "check"],
        ["archive", "--all", "--pdf", "-o", "public"],
    ):  # fmt: skip
        subprocess.run(
            [environment / "bin" / "flashback", *words], cwd=tmp_path / "demo-workspace",
            env={"PATH": os.environ["PATH"], "LANGUAGE": "en", "HOME": str(tmp_path)},
            check=True, capture_output=True,
        )  # fmt: skip
    public = tmp_path / "demo-workspace" / "public"
    assert {path.suffix for path in public.rglob("*")} >= {".html", ".css", ".js", ".xml", ".pdf"}
