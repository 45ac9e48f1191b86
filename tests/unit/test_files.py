"""Files are written whole or not at all, and stay after a power cut."""

import errno
import os
from pathlib import Path

import pytest

from flashback import files, founding
from flashback.errors import FlashbackError


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A disk that is full once ``left`` files are durable on it; folders are always durable."""
    room = {"left": 10**6}
    real = os.fsync

    def fsync(handle: int) -> None:
        if not Path(f"/proc/self/fd/{handle}").is_dir():
            if not room["left"]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            room["left"] -= 1
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return room


@pytest.fixture
def made_durable(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, set[str]]]:
    """Each folder that is made durable, with the names it held then."""
    seen = []
    real = os.fsync

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").resolve()
        if path.is_dir():
            seen.append((path, {entry.name for entry in path.iterdir()}))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_a_name_is_durable_once_it_is_taken(
    tmp_path: Path, made_durable: list[tuple[Path, set[str]]]
) -> None:
    """The folder is written out after the rename, for each way of writing."""
    files.write(tmp_path / "a", b"a")
    assert made_durable.pop() == (tmp_path, {"a"})
    files.write_all({tmp_path / "b": b"b", tmp_path / "c": b"c"})
    assert made_durable.pop() == (tmp_path, {"a", "b", "c"})
    files.write_folder(tmp_path / "d", {"e": b"e"})
    assert made_durable.pop() == (tmp_path, {"a", "b", "c", "d"})
    assert "e" in made_durable.pop()[1]


def test_a_new_key_is_durable(tmp_path: Path, made_durable: list[tuple[Path, set[str]]]) -> None:
    """Right after ``init`` the key is there, and every folder on the way to it."""
    founding.found(tmp_path / "new" / "letter", "")
    assert (tmp_path, {"new"}) in made_durable
    assert (tmp_path / "new", {"letter"}) in made_durable
    assert any(f == tmp_path / "new" / "letter" and "subscribers" in n for f, n in made_durable)
    assert (tmp_path / "new" / "letter" / "subscribers", {"signing.key"}) in made_durable


def test_several_files_or_none(tmp_path: Path, full_after: dict[str, int]) -> None:
    """A disk that fills up at the last file leaves what was there before."""
    (tmp_path / "a").write_bytes(b"old")
    full_after["left"] = 1
    with pytest.raises(FlashbackError, match=r"b cannot be written: No space left"):
        files.write_all({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}
    full_after["left"] = 2
    files.write_all({tmp_path / "a": b"new", tmp_path / "b": b"more"}, mode=0o600)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "b").read_bytes() == b"more"
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_a_folder_or_nothing(tmp_path: Path, full_after: dict[str, int]) -> None:
    """A disk that fills up at the last file leaves no folder; later it works."""
    full_after["left"] = 1
    texts = {"fr.md": b"fr", "ar.md": b"ar"}
    with pytest.raises(FlashbackError, match="36 cannot be written: No space left"):
        files.write_folder(tmp_path / "36", texts)
    assert list(tmp_path.iterdir()) == []
    full_after["left"] = 2
    files.write_folder(tmp_path / "36", texts)
    assert {p.name: p.read_bytes() for p in (tmp_path / "36").iterdir()} == texts
    assert (tmp_path / "36").stat().st_mode & 0o777 == 0o755


def test_a_folder_is_never_written_over(tmp_path: Path) -> None:
    """What stands there already stays as it is."""
    (tmp_path / "36").mkdir()
    (tmp_path / "36" / "fr.md").write_text("my work")
    with pytest.raises(FlashbackError, match="36 cannot be written"):
        files.write_folder(tmp_path / "36", {"fr.md": b""})
    assert (tmp_path / "36" / "fr.md").read_text() == "my work"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """Whatever goes wrong while writing, readers see the old file."""
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def broken() -> None:
        with files.writing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_made_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, *, told: bool
) -> None:
    """Some file systems need not: no trouble. A disk that fails is told."""
    real = os.fsync

    def fsync(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").is_dir():
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if told:
        with pytest.raises(FlashbackError, match="a cannot be written"):
            files.write(tmp_path / "a", b"a")
    else:
        files.write(tmp_path / "a", b"a")
    assert (tmp_path / "a").read_bytes() == b"a"


def test_a_place_below_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is named."""
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FlashbackError, match="b cannot be written"):
        files.make_folder(tmp_path / "a" / "b")
    with pytest.raises(FlashbackError, match="nowhere"):
        files.write_all({tmp_path / "nowhere" / "b": b""})
