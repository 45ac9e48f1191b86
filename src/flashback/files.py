"""Writing files whole or not at all, and so that a power cut does not undo it."""

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from flashback.errors import FlashbackError
from flashback.sentences import tr

#: What file systems answer that cannot, or need not, make a folder durable.
_NO_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES})


@contextlib.contextmanager
def writing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when the block ends well.

    Readers see the old file or the new one, never a part. Raises FlashbackError when the disk is
    full, read-only, or not ours.
    """
    try:
        with _unnamed(path, mode) as (file, temporary):
            yield file
            _sync(file)
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all. Raises FlashbackError."""
    with writing(path, mode=mode) as file:
        file.write(content)


def write_all(contents: Mapping[Path, bytes], *, mode: int = 0o644) -> None:
    """Write several files: each is whole on the disk before the first takes its name.

    So a disk that fills up leaves none of them. Raises FlashbackError.
    """
    path = Path()
    try:
        with contextlib.ExitStack() as stack:
            ready = []
            for path, content in contents.items():
                file, temporary = stack.enter_context(_unnamed(path, mode))
                file.write(content)
                _sync(file)
                ready.append((temporary, path))
            for temporary, path in ready:
                temporary.replace(path)
        for folder in {path.parent for path in contents}:
            _sync_folder(folder)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Make a new folder with these files in it, by name: all of it or nothing.

    Raises FlashbackError, also when the folder is there and not empty.
    """
    make_folder(folder.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, content in contents.items():
                with (temporary / name).open("xb") as file:
                    file.write(content)
                    _sync(file)
            temporary.chmod(0o755)
            _sync_folder(temporary)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync_folder(folder.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def make_folder(path: Path, *, mode: int = 0o755) -> None:
    """Make a folder and those above it. Raises FlashbackError."""
    try:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        for folder in missing:
            _sync_folder(folder.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def read_private(path: Path) -> bytes:
    """What is in a file that nobody else can have written. Raises OSError."""
    _demand_ours(path.parent.stat(), alone=True)
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        _demand_ours(os.fstat(handle), alone=True)
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Write a file for ``read_private``, in a folder that is made where it is missing.

    Nothing is made in a folder of somebody else, such as the home of who called sudo. Raises
    FlashbackError.
    """
    try:
        above = next(folder for folder in path.parents if folder.exists())
        _demand_ours(above.stat(), alone=above == path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    make_folder(path.parent, mode=0o700)
    write(path, content, mode=0o600)


def _demand_ours(found: os.stat_result, *, alone: bool) -> None:
    """Raise PermissionError for what is another's, or what others may write as well."""
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.geteuid() or (alone and others):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def cannot_write(path: Path, error: OSError) -> FlashbackError:
    """The sentence for a file or folder that the system does not let us write."""
    return FlashbackError(
        tr("{path} cannot be written: {reason}.", path=path, reason=error.strerror or error),
        hint=tr("Check that the disk is not full or read-only, and that the folder is yours."),
    )


@contextlib.contextmanager
def _unnamed(path: Path, mode: int) -> Iterator[tuple[BinaryIO, Path]]:
    """A file beside the path, gone at the end of the block unless it took the path's name."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            yield file, temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: without this a power cut may undo a rename."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
