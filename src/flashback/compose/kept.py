"""Compiled templates, kept for the next process: one file for all templates of a theme.

Code from a file is run, so it is believed only when nobody else can have written the file, and
whole: the seal in front covers it, all templates and where they lie, and what compiled them.
Whatever is wrong with file or folder, the templates are compiled as if nothing had been kept.
"""

import hashlib
import marshal
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Final

from jinja2 import bccache, compiler

from flashback.compose import environment
from flashback.compose.environment import Compiled, compiled
from flashback.compose.files import ThemeFile
from flashback.errors import FlashbackError
from flashback.files import read_private, write_private

_SEAL: Final = hashlib.sha256().digest_size
#: What makes code of a template; Python tells by the same marks when a .pyc is too old.
_COMPILERS: Final = (Path(compiler.__file__), Path(environment.__file__))


def compiled_or_kept(files: Mapping[str, ThemeFile], folder: Path | None) -> Mapping[str, Compiled]:
    """All templates compiled: from what ``folder`` keeps of them, or anew and kept there.

    Raises TemplateError when a template does not compile.
    """
    if folder is None:
        return compiled(files)
    try:
        path, key = folder / _name(files), _key(files)
    except OSError:  # what compiles lies in an archive
        return compiled(files)
    found = _kept(path, key)
    if found is None:
        found = compiled(files)
        content = marshal.dumps({name: tuple(template) for name, template in found.items()})
        with suppress(FlashbackError):
            write_private(path, _seal(key, content) + content)
    return found


def _kept(path: Path, key: bytes) -> Mapping[str, Compiled] | None:
    try:
        octets = read_private(path)
    except OSError:
        return None
    seal, content = octets[:_SEAL], octets[_SEAL:]
    if seal != _seal(key, content):
        return None
    templates = marshal.loads(content)  # noqa: S302  # sealed, and written by us alone
    return {name: Compiled(*parts) for name, parts in templates.items()}


def _seal(key: bytes, content: bytes) -> bytes:
    return hashlib.sha256(key + content).digest()


def _key(files: Mapping[str, ThemeFile]) -> bytes:
    """The same as long as compiling gives the same."""
    found = [(path, path.stat()) for path in _COMPILERS]
    compilers = [(str(path), status.st_mtime_ns, status.st_size) for path, status in found]
    texts = [(name, str(file.path), file.text) for name, file in files.items()]
    everything = (MAGIC_NUMBER, bccache.bc_magic, compilers, texts)
    return hashlib.sha256(repr(everything).encode()).digest()


def _name(files: Mapping[str, ThemeFile]) -> str:
    """The same for the same places, so that the file of a changed template is replaced."""
    places = repr([str(file.path) for file in files.values()])
    return f"templates-{hashlib.sha256(places.encode()).hexdigest()[:16]}"
