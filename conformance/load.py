"""Load an adapter by its name: a module, an object in it, or the command line of a program."""

from __future__ import annotations

import importlib
import sys
import traceback
from types import ModuleType

from .adapter import Adapter
from .command import PREFIX, load_command
from .declared import public, read
from .usage import UsageError, did_you_mean


def load(adapter: str | Adapter | object) -> Adapter:
    """An adapter from "pkg.module", "pkg.module:obj", "command:...", a module, or any object with functions."""
    if isinstance(adapter, Adapter):
        return adapter
    if isinstance(adapter, str) and adapter.startswith(PREFIX):
        return load_command(adapter)
    if isinstance(adapter, str):
        return read(adapter, _imported(adapter))
    return read(getattr(adapter, "__name__", type(adapter).__name__), adapter)


def _imported(name: str) -> object:
    if name.endswith(".py") or "/" in name:
        dotted = name.removesuffix(".py").replace("/", ".").strip(".")
        raise UsageError(f"adapter {name!r} must be a module, not a path: refaudio check {dotted}")
    module_name, _, attribute = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # an adapter in the folder where one stands, as `python -m` would find it
    module = _import(module_name)
    target: object = module
    for part in filter(None, attribute.split(".")):
        if not hasattr(target, part):
            raise UsageError(f"{module_name} has no {part!r}{did_you_mean(part, public(target))}")
        target = getattr(target, part)
    return target


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        wanted = missing.name or str(missing)
        if name == wanted or name.startswith(f"{wanted}."):
            raise UsageError(
                f"no adapter {name!r}: no module {wanted!r} here; run from the folder that holds it, or install it"
            ) from missing
        raise UsageError(
            f"adapter {name!r} imports {wanted!r}, which is not installed: pip install it, or, if the laws do not "
            f"need it, put refaudio.conformance.bind.stub_imports({wanted!r}) at the top of the adapter"
        ) from missing
    except (Exception, SystemExit) as raised:
        frame = traceback.extract_tb(raised.__traceback__)[-1]
        message = " ".join(f"{type(raised).__name__}: {raised}".split())
        raise UsageError(
            f"adapter {name!r} raised on import: {message} ({frame.filename}:{frame.lineno}); try: python -c 'import {name}'"
        ) from raised
