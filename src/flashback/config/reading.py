"""From TOML to the values of ``tables``: one reader for all of them, led by their types.

Whatever is wrong is named with its file, its place and the way out.
"""

import difflib
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

from flashback.config import checks
from flashback.config.bounds import UpTo
from flashback.config.tables import Config
from flashback.config.wrong import wrong
from flashback.errors import ConfigError
from flashback.sentences import NOTHING, Sentence, tr

FILENAME: Final = "flashback.toml"


def find(start: Path) -> Path:
    """The nearest flashback.toml in a folder or above it. Raises ConfigError."""
    # The folder as it was named comes first: paths that staff read stay short.
    for folder in (start, *start.resolve().parents):
        if (folder / FILENAME).is_file():
            return folder / FILENAME
    raise ConfigError(
        tr("There is no {name} in {folder} or above it.", name=FILENAME, folder=start.resolve()),
        hint=tr("Go to your newsletter's folder, or make one: flashback init FOLDER"),
    )


def load(path: Path) -> Config:
    """Read and check a settings file. Raises ConfigError naming file, key and way out."""
    try:
        tree = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            tr("{file} is not valid TOML: {reason}", file=path, reason=error),
            hint=tr('Texts stand between double quotes: name = "Flash-back"'),
        ) from error
    config: Config = _table(Config, tree, "", path)
    checks.check(config, path)
    return replace(config, folder=path.parent)


def read_text(path: Path) -> str:
    """The text of a settings file. Raises ConfigError when it cannot be read or is not UTF-8."""
    try:
        # A byte-order mark is how some editors of Windows greet the world.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            tr("{file} cannot be read: {reason}", file=path, reason=error.strerror)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            tr("{file} is not UTF-8 text.", file=path),
            hint=tr("Save it again as UTF-8 in your editor."),
        ) from error


def _table(kind: type[Any], tree: object, where: str, path: Path) -> Any:
    if not isinstance(tree, dict):
        raise wrong(path, where, tr("a table, [{where}]", where=where))
    known = {f.name: f for f in _settings(kind)}
    for key in tree:
        if key not in known:
            raise _unknown(path, where, key, known)
    hints = get_type_hints(kind, include_extras=True)
    values = {}
    for name, setting in known.items():
        place = f"{where}.{name}" if where else name
        if name in tree:
            values[name] = _value(hints[name], tree[name], place, path)
        elif _required(setting):
            raise ConfigError(
                tr("{file}: {place} is missing.", file=path, place=place),
                hint=tr("docs/configuration.md says what to write there."),
            )
    return kind(**values)


def _settings(kind: type[Any]) -> Iterator[Field[Any]]:
    return (f for f in fields(kind) if "internal" not in f.metadata)


def _required(setting: Field[Any]) -> bool:
    return setting.default is MISSING and setting.default_factory is MISSING


def _value(hint: Any, value: object, place: str, path: Path) -> object:
    origin = get_origin(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _table(hint, value, place, path)
    if origin is Annotated:
        kind, bounds = get_args(hint)
        return _bounded(kind, bounds, value, place, path)
    if origin is tuple:
        return _list(get_args(hint)[0], value, place, path)
    if origin is not None and origin is not Literal:
        return _mapping(get_args(hint)[1], value, place, path)
    return _plain(hint, value, place, path)


def _plain(hint: Any, value: object, place: str, path: Path) -> object:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise wrong(path, place, tr("one of {list}", list=", ".join(get_args(hint))))
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise wrong(path, place, _KINDS[hint])
    return value


def _bounded(kind: type[float], bounds: UpTo, value: object, place: str, path: Path) -> object:
    number = _plain(kind, value, place, path)
    if not isinstance(number, kind) or not bounds.holds(number):
        raise wrong(path, place, bounds.wanted)
    return number


def _list(hint: Any, value: object, place: str, path: Path) -> object:
    kind, bounds = get_args(hint)
    if not isinstance(value, list) or not all(type(v) is kind and bounds.holds(v) for v in value):
        wanted = tr("a list of whole numbers, each {wanted}", wanted=bounds.wanted)
        raise wrong(path, place, wanted)
    return tuple(value)


def _mapping(hint: Any, value: object, place: str, path: Path) -> Mapping[str, object]:
    """A table with names of its own: texts, numbers or whole tables by name."""
    fits: tuple[type, ...]
    if is_dataclass(hint):
        wanted, fits = tr("a table, [{where}]", where=f"{place}.NAME"), (dict,)
    elif hint is str:
        wanted, fits = tr("a table of texts"), (str,)
    else:
        wanted, fits = tr("a table of numbers"), (int, float)
    if not isinstance(value, dict) or not all(isinstance(v, fits) for v in value.values()):
        raise wrong(path, place, wanted, hint=NOTHING if dict in fits else _dotted(value))
    return types.MappingProxyType(
        {name: _value(hint, item, f"{place}.{name}", path) for name, item in value.items()}
    )


def _dotted(value: object) -> Sentence:
    """The way out for a name with a dot, which TOML takes for a table in a table."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, dict) and inner:
            whole = f'"{name}.{next(iter(inner))}"'
            return tr("A name with a dot stands between quotes: {name} = ...", name=whole)
    return NOTHING


_KINDS: Final[Mapping[type, Sentence]] = {
    str: tr("a text between double quotes"),
    int: tr("a whole number"),
    float: tr("a number"),
    bool: tr("true or false"),
}


def _unknown(path: Path, where: str, key: str, known: Mapping[str, object]) -> ConfigError:
    place = f"{where}.{key}" if where else key
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = (
        tr("Did you mean “{near}”?", near=near[0])
        if near
        else tr("Known there: {list}.", list=", ".join(known))
    )
    return ConfigError(tr("{file}: unknown key {place}.", file=path, place=place), hint=hint)
