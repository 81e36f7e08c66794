"""What an adapter needs to reach the code it binds, when that code was not written to be imported."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from ..spec.learning import Leaves
from ..spec.scripts import Constant, EchoCodec, Oracle, Recorder, Table

__all__ = [
    "Constant",
    "EchoCodec",
    "Leaves",
    "Oracle",
    "Recorder",
    "Table",
    "intercept",
    "load_file",
    "stub_imports",
]


def _does_nothing(self: object, *args: object, **named: object) -> None:
    """What a call of something that is missing does."""


def _gives_back(self: object, *args: Any, **named: object) -> Any:
    """What a call of its result does: as a decorator it leaves the function as it is."""
    return args[0] if args else None


class _Stub(ModuleType):
    """A module that is missing here and not needed: any attribute of it is a class, or a decorator, that does nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__spec__ = ModuleSpec(name, loader=None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        body = {"__module__": self.__name__, "__init__": _does_nothing, "__call__": _gives_back}
        value = type(name, (), body)
        setattr(self, name, value)
        return value


def stub_imports(*names: str) -> None:
    """Put empty modules where `names` cannot be imported, so that a package which needs them at the top still loads.

    Their `__spec__` is proper: libraries probe for each other with importlib.util.find_spec, which raises without one.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            _put_stub(name)


def _put_stub(name: str) -> None:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        dotted = ".".join(parts[:end])
        if dotted in sys.modules:
            continue
        sys.modules[dotted] = _Stub(dotted)
        if end > 1:
            setattr(sys.modules[".".join(parts[: end - 1])], parts[end - 1], sys.modules[dotted])


def load_file(path: str | Path, name: str | None = None) -> ModuleType:
    """One module by its path, without the `__init__` of its package, which may drag in the world.

    A module that imports its neighbours relatively needs the dotted `name` it has in its package: the packages above
    it are then empty shells in this process, in which only its neighbours are found.
    """
    path = Path(path)
    name = name or path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"path={str(path)!r} must be a python file")
    before = dict(sys.modules)
    _put_shells(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for added in set(sys.modules) - set(before):
            del sys.modules[added]
        sys.modules.update({key: before[key] for key in (name,) if key in before})
        raise
    return module


def _put_shells(name: str, path: Path) -> None:
    """Packages above a module, without their `__init__`."""
    parents = name.split(".")[:-1]
    for depth in range(len(parents), 0, -1):
        package = ".".join(parents[:depth])
        if package not in sys.modules:
            shell = ModuleType(package)
            shell.__path__ = [str(path.resolve().parents[len(parents) - depth])]
            shell.__spec__ = ModuleSpec(package, loader=None, is_package=True)
            sys.modules[package] = shell


class _Caught(BaseException):
    """Ends a main() at the call that was waited for; no `except Exception` on its way can swallow it."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments


def intercept(module: ModuleType, name: str) -> Callable[[Callable[[], object]], dict[str, Any]]:
    """Catch what a main() was about to call: `intercept(train, "run")(train.main)` returns run's arguments by name."""
    original = getattr(module, name)

    def caught(*args: Any, **kwargs: Any) -> None:
        raise _Caught(dict(inspect.signature(original).bind(*args, **kwargs).arguments))

    def during(main: Callable[[], object]) -> dict[str, Any]:
        setattr(module, name, caught)
        try:
            main()
        except _Caught as stopped:
            return stopped.arguments
        finally:
            setattr(module, name, original)
        raise RuntimeError(f"{main!r} ended without calling {module.__name__}.{name}")

    return during
