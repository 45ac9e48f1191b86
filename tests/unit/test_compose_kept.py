"""Compiled templates are kept for the next process, and only what is surely ours is believed."""

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from compose_samples import composed, issue

from flashback import files, resources
from flashback.compose import Theme, kept, load_theme
from flashback.compose.environment import Compiled, compiled
from flashback.compose.files import ThemeFile
from flashback.errors import FlashbackError, TemplateError
from flashback.resources import example_settings, templates
from flashback.workspace import Workspace

SHIPPED = templates("email")
FOOTER = "partials/footer.mjml.j2"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "home" / ".cache" / "flashback"


def loaded(cache: Path, overrides: Path | None = None) -> Theme:
    return load_theme(templates=SHIPPED, overrides=overrides, cache=cache)


def only(cache: Path) -> Path:
    """The one file that is kept."""
    (path,) = cache.iterdir()
    return path


def was_believed(cache: Path, overrides: Path | None = None) -> bool:
    """Whether a theme is loaded without compiling anything; it is a sound one either way."""
    compilations = []

    def counted(texts: Mapping[str, ThemeFile]) -> Mapping[str, Compiled]:
        compilations.append(len(texts))
        return compiled(texts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "compiled", counted)
        theme = loaded(cache, overrides)
    assert composed(issue(), theme).html.endswith("</html>")
    return not compilations


def test_the_second_time_nothing_is_compiled(cache: Path) -> None:
    """And the edition is the same to the octet."""
    fresh = composed(issue(), load_theme(templates=SHIPPED))
    assert composed(issue(), loaded(cache)) == fresh
    assert was_believed(cache)
    assert composed(issue(), loaded(cache)) == fresh


def test_only_we_can_read_and_write_what_is_kept(cache: Path) -> None:
    """The folder is for us alone, and so is the file."""
    loaded(cache)
    assert [path.stat().st_mode & 0o777 for path in (cache, only(cache))] == [0o700, 0o600]


def test_a_changed_template_counts_at_once(cache: Path, tmp_path: Path) -> None:
    """It is compiled, its file takes the place of the older one, and then it is kept."""
    own = tmp_path / "own"
    shutil.copytree(SHIPPED, own)
    assert not was_believed(cache, own)
    footer = own / FOOTER
    footer.write_text(footer.read_text("utf-8").replace("<p class", "<p>MINE</p><p class"), "utf-8")
    assert "MINE" in composed(issue(), loaded(cache, own)).html
    assert was_believed(cache, own)
    assert only(cache).is_file()


def test_every_theme_has_its_file(cache: Path, tmp_path: Path) -> None:
    """Two newsletters do not take turns in one place."""
    own = tmp_path / "own"
    shutil.copytree(SHIPPED, own)
    loaded(cache)
    loaded(cache, own)
    assert was_believed(cache)
    assert was_believed(cache, own)


def test_what_templates_ask_for_is_kept_too(cache: Path, tmp_path: Path) -> None:
    """A word that is missing is found missing, with its line, whoever compiled the template."""
    own = tmp_path / "own"
    (own / "partials").mkdir(parents=True)
    (own / FOOTER).write_text("<mj-text>\n{{ words.nonsense }}</mj-text>", "utf-8")
    for _ in range(2):
        with pytest.raises(TemplateError, match=r"footer\.mjml\.j2:2: “nonsense”"):
            loaded(cache, own)
    assert only(cache).is_file()


def test_errors_name_the_same_line(cache: Path, tmp_path: Path) -> None:
    """Kept code knows where it came from."""
    own = tmp_path / "own"
    (own / "partials").mkdir(parents=True)
    (own / FOOTER).write_text("<mj-text>\n{{ nobody.knows }}</mj-text>", "utf-8")
    for _ in range(2):
        with pytest.raises(TemplateError, match=r"footer\.mjml\.j2:2: 'nobody' is undefined"):
            composed(issue(), loaded(cache, own))


@pytest.mark.parametrize("compiler", range(len(kept._COMPILERS)))
def test_another_compiler_makes_other_code(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: int
) -> None:
    """After an update of Jinja2, or of ourselves, nothing old is run."""
    loaded(cache)
    paths = list(kept._COMPILERS)
    paths[compiler] = Path(shutil.copy(paths[compiler], tmp_path))
    monkeypatch.setattr(kept, "_COMPILERS", tuple(paths))
    assert not was_believed(cache)
    assert was_believed(cache)
    os.utime(paths[compiler], ns=(0, 0))
    assert not was_believed(cache)


def test_a_compiler_without_a_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From within an archive nothing is kept."""
    monkeypatch.setattr(kept, "_COMPILERS", (Path("app.zip/jinja2/compiler.py"),))
    assert not was_believed(cache)
    assert not cache.exists()


@pytest.mark.parametrize("place", [0, 31, 32, 33, 5_000, -1])
def test_one_wrong_octet_is_noticed(cache: Path, place: int) -> None:
    """A damaged file is never run, and a sound one takes its place."""
    loaded(cache)
    octets = bytearray(only(cache).read_bytes())
    octets[place] ^= 1
    only(cache).write_bytes(octets)
    assert not was_believed(cache)
    assert was_believed(cache)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 20_000])
def test_half_a_file_is_noticed(cache: Path, length: int) -> None:
    """The beginning of a file is not a file."""
    loaded(cache)
    only(cache).write_bytes(only(cache).read_bytes()[:length])
    assert not was_believed(cache)
    assert was_believed(cache)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_is_not_believed(cache: Path, mode: int) -> None:
    """Whoever could have written it could have us run it."""
    loaded(cache)
    only(cache).chmod(mode)
    assert not was_believed(cache)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_is_not_believed(cache: Path, mode: int) -> None:
    """Whatever lies there may have been put there; nothing of ours is added."""
    loaded(cache)
    before = only(cache).stat()
    cache.chmod(mode)
    assert not was_believed(cache)
    assert only(cache).stat().st_ino == before.st_ino


def test_what_belongs_to_somebody_else_is_not_believed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anything left in their home: sudo keeps HOME as it was."""
    loaded(cache)
    before = only(cache).stat()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert not was_believed(cache)
    assert only(cache).stat().st_ino == before.st_ino
    shutil.rmtree(cache.parent)
    assert not was_believed(cache)
    assert not cache.parent.exists()


def test_a_link_is_not_followed(cache: Path, tmp_path: Path) -> None:
    """A name that leads elsewhere is replaced by a file."""
    loaded(cache)
    elsewhere = only(cache).rename(tmp_path / "elsewhere")
    path = cache / kept._name(loaded(cache).files)
    path.unlink()
    path.symlink_to(elsewhere)
    assert not was_believed(cache)
    assert not path.is_symlink()


def test_no_place_to_keep_anything(tmp_path: Path) -> None:
    """A name below a file, a folder where the file should be: all is compiled, nobody is told."""
    (tmp_path / "file").write_text("")
    assert not was_believed(tmp_path / "file" / "flashback")
    folder = tmp_path / "flashback"
    (folder / kept._name(loaded(tmp_path / "other").files)).mkdir(parents=True)
    assert not was_believed(folder)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Full, read-only or closed to us: all is compiled, nobody is told."""

    def refuse(path: Path, _content: bytes, *, mode: int) -> None:
        raise files.cannot_write(path, OSError(number, os.strerror(number)))

    monkeypatch.setattr(files, "write", refuse)
    assert not was_believed(cache)
    assert list(cache.iterdir()) == []


def test_private_files(tmp_path: Path) -> None:
    """What was written is read; who writes into somebody else's folder is told why not."""
    files.write_private(tmp_path / "ours" / "a", b"octets")
    assert files.read_private(tmp_path / "ours" / "a") == b"octets"
    (tmp_path / "ours").chmod(0o777)
    with pytest.raises(PermissionError):
        files.read_private(tmp_path / "ours" / "a")
    with pytest.raises(FlashbackError, match="a cannot be written: Operation not permitted"):
        files.write_private(tmp_path / "ours" / "a", b"more")


def test_the_place_is_the_system_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG Base Directory Specification has it; a relative path counts as none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert resources.cache() == tmp_path / "elsewhere" / "flashback"
    for nothing in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", nothing)
        assert resources.cache() == tmp_path / ".cache" / "flashback"


def test_a_workspace_uses_that_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All commands that typeset find there what another one compiled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Workspace.at(example_settings().parent).theme.words
    assert was_believed(tmp_path / "flashback", example_settings().parent / "templates" / "email")


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such users have their templates compiled."""

    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    assert resources.cache() is None
