"""The bind toolkit: reaching code that was not written to be imported, and leaving nothing behind."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from refaudio.conformance import bind
from refaudio.conformance.bind import intercept, load_file, stub_imports


@pytest.fixture(autouse=True)
def modules_as_before() -> Iterator[None]:
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def test_a_stub_stands_in_for_a_module_that_is_missing() -> None:
    stub_imports("missing_kernels")
    from missing_kernels import FlashAttention  # type: ignore[import-not-found]

    class Mine(FlashAttention):  # type: ignore[misc]
        pass

    assert isinstance(Mine(), FlashAttention)
    assert sys.modules["missing_kernels"].FlashAttention is FlashAttention


def test_a_stub_answers_those_who_look_before_they_import() -> None:
    """transformers and others probe with find_spec, which raises ValueError for a module without a __spec__."""
    stub_imports("missing_kernels.ops")
    assert importlib.util.find_spec("missing_kernels") is not None
    assert importlib.util.find_spec("missing_kernels.ops") is not None
    assert importlib.util.find_spec("missing_kernels.other") is None
    assert not hasattr(sys.modules["missing_kernels"], "__version__")


def test_a_nested_stub_is_reached_in_every_way() -> None:
    stub_imports("missing_kernels.ops.fused", "missing_kernels.ops.other")
    import missing_kernels.ops.fused as fused  # type: ignore[import-not-found]
    from missing_kernels import ops

    assert ops.fused is fused
    assert ops.other is sys.modules["missing_kernels.ops.other"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("missing_kernels.ops.third")


def package(folder: Path, init: str, **modules: str) -> Path:
    """A package `upstream` in a folder that Python searches."""
    (folder / "upstream").mkdir()
    for name, text in {"__init__": init, **modules}.items():
        (folder / "upstream" / f"{name}.py").write_text(text)
    return folder / "upstream"


def test_a_module_that_can_be_imported_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "SHIFT = 3")
    monkeypatch.syspath_prepend(tmp_path)
    stub_imports("upstream")
    assert sys.modules["upstream"].SHIFT == 3


def test_real_modules_are_left_alone() -> None:
    stub_imports("json", "json.decoder", "json.missing")
    assert sys.modules["json"] is json
    assert json.loads("[1]") == [1]
    assert sys.modules["json.decoder"].JSONDecoder is json.JSONDecoder
    assert isinstance(sys.modules["json.missing"], bind._Stub)
    del json.missing  # type: ignore[attr-defined]


def test_one_file_of_a_package_loads_without_its_init(tmp_path: Path) -> None:
    upstream = package(tmp_path, "raise RuntimeError('the world')", delay="SHIFT = 3")
    module = load_file(upstream / "delay.py")
    assert (module.SHIFT, sys.modules["delay"]) == (3, module)
    assert load_file(str(upstream / "delay.py"), "theirs").__name__ == "theirs"


@pytest.mark.parametrize("init", ["", "raise RuntimeError('the world')"], ids=["light", "heavy"])
def test_a_file_with_neighbours_loads_under_its_dotted_name(
    init: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = package(tmp_path, init, delay="from .sizes import SHIFT", sizes="SHIFT = 3")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_file(upstream / "delay.py", "upstream.delay").SHIFT == 3


@pytest.mark.parametrize(
    "name", [None, "broken_file", "json"], ids=["by its stem", "by a name", "by a taken name"]
)
def test_a_file_that_fails_leaves_the_modules_as_they_were(name: str | None, tmp_path: Path) -> None:
    file = tmp_path / "broken_file.py"
    file.write_text("raise SystemExit('not a module')")
    before = dict(sys.modules)
    with pytest.raises(SystemExit):
        load_file(file, name)
    assert sys.modules == before


@pytest.mark.parametrize("path", ["nowhere.py", ".", "notes.txt"])
def test_what_is_no_python_file_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("SHIFT = 3")
    with pytest.raises(FileNotFoundError, match=r"path=.* must be a python file"):
        load_file(tmp_path / path)


def trainer() -> ModuleType:
    """A train.py whose main() ends in the call that matters."""
    module: Any = ModuleType("train")

    def run(model: str, rate: float = 1e-4, *devices: int, freeze: bool = False, **rest: object) -> None:
        raise AssertionError("the training has begun")

    module.run = run
    return module


CALLS: dict[str, tuple[Callable[[Any], object], dict[str, object]]] = {
    "by position": (lambda train: train.run("dia", 0.1), {"model": "dia", "rate": 0.1}),
    "by name": (lambda train: train.run(rate=0.1, model="dia"), {"model": "dia", "rate": 0.1}),
    "with defaults, which were not passed": (lambda train: train.run("dia"), {"model": "dia"}),
    "with more": (
        lambda train: train.run("dia", 0.1, 2, 3, freeze=True, seed=1),
        {"model": "dia", "rate": 0.1, "devices": (2, 3), "freeze": True, "rest": {"seed": 1}},
    ),
}


@pytest.mark.parametrize(("call", "arguments"), CALLS.values(), ids=CALLS)
def test_a_call_is_caught_with_its_arguments_by_name(
    call: Callable[[Any], object], arguments: dict[str, object]
) -> None:
    train = trainer()
    original = train.run
    assert intercept(train, "run")(lambda: call(train)) == arguments
    assert train.run is original


def test_a_main_that_swallows_exceptions_is_still_caught() -> None:
    train = trainer()

    def main() -> None:
        try:
            train.run("dia")
        except Exception:
            raise AssertionError("swallowed") from None

    assert intercept(train, "run")(main) == {"model": "dia"}


def test_a_main_that_fails_first_fails_and_restores() -> None:
    train = trainer()
    original = train.run

    def main() -> None:
        raise KeyError("config")

    with pytest.raises(KeyError, match="config"):
        intercept(train, "run")(main)
    assert train.run is original


def test_a_main_that_never_calls_is_an_error() -> None:
    train = trainer()
    original = train.run
    with pytest.raises(RuntimeError, match=r"ended without calling train\.run"):
        intercept(train, "run")(lambda: None)
    assert train.run is original


def test_only_the_first_of_two_calls_is_caught() -> None:
    train = trainer()
    calls = []

    def main() -> None:
        for model in "dia", "moshi":
            calls.append(model)
            train.run(model)

    assert intercept(train, "run")(main) == {"model": "dia"}
    assert calls == ["dia"]
