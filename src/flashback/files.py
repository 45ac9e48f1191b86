"""Writing files whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from flashback.errors import FlashbackError
from flashback.sentences import tr


@contextlib.contextmanager
def writing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when the block ends well.

    Readers see the old file or the new one, never a part. Raises FlashbackError when the disk is
    full, read-only, or not ours.
    """
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)  # noqa: PTH101  # mkstemp answers a string
            os.replace(temporary, path)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all. Raises FlashbackError."""
    with writing(path, mode=mode) as file:
        file.write(content)


def make_folder(path: Path, *, mode: int = 0o755) -> None:
    """Make a folder and those above it. Raises FlashbackError."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> FlashbackError:
    """The sentence for a file or folder that the system does not let us write."""
    return FlashbackError(
        tr("{path} cannot be written: {reason}.", path=path, reason=error.strerror or error),
        hint=tr("Check that the disk is not full or read-only, and that the folder is yours."),
    )
