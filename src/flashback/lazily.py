"""The door of a room whose modules are loaded when something of theirs is asked for (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def door(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """What ``__getattr__`` is in a package; ``homes`` tells in which module each name lives.

    No module there may have the name of something that lives in one: once it is loaded, the
    module would stand in its place.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, found)  # asked once
        return found

    return load
