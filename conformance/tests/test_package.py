"""The package as a whole: how it is imported, what it depends on, what its pages promise, and that its examples run."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

from refaudio.codeclm.delay import delay

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
README = (ROOT / "README.md").read_text()


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, at the root of the checkout."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_spec_refuses_to_be_a_second_copy() -> None:
    ran = python("import spec")
    assert ran.returncode == 1
    assert "a second copy would register every law twice" in ran.stderr


def test_pytest_may_import_the_kit_by_path() -> None:
    """pytest imports conformance/ and benchmarks/ as packages of their own on its way to a test below."""
    ran = python("import sys, conformance, benchmarks\nprint('refaudio' in sys.modules)")
    assert ran.stdout.strip() == "False", ran.stderr


def modules_with_examples() -> list[str]:
    """The dotted names of all modules whose docstrings hold an example, in a wheel's spelling: refaudio.spec.draw."""
    names = []
    for folder in "refaudio", "spec", "conformance", "benchmarks":
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in file.parts and ">>> " in file.read_text():
                name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                names.append(name if folder == "refaudio" else f"refaudio.{name}")
    return names


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_run(name: str) -> None:
    """By name, never by path: pytest's own doctest run would import a second copy of the spec."""
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted, f"{name} shows an example that doctest does not see"
    assert not result.failed


def test_every_room_is_type_checked_in_the_tests() -> None:
    addopts = " ".join(PROJECT["tool"]["pytest"]["ini_options"]["addopts"])
    hooked = re.findall(r"refaudio\.\w+", addopts)
    rooms = {path.stem for path in (ROOT / "refaudio").iterdir() if path.suffix in ("", ".py")}
    rooms -= {"__init__", "__main__", "__pycache__", "cli"}  # no tensors there
    rooms -= {"seeds"}  # beartype draws from the very generator that seeds leave alone
    rooms -= {"losses"}  # its tests hand over what the types forbid, to see it refused
    assert hooked == sorted(f"refaudio.{room}" for room in rooms)


def test_a_wrong_shape_is_caught_in_the_tests() -> None:
    """The import hook is on: a flat tensor, where codes are (B, T, K), does not reach the body."""
    with pytest.raises(TypeCheckError):
        delay(torch.zeros(3, dtype=torch.int64), [0], bos=1, pad=2)


def imports(*folders: str) -> set[str]:
    """What the modules of these folders import from elsewhere, at any depth, as distributions spell it."""
    found = set()
    for file in (file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        if not {"tests", "peers", "findings", "examples", "parity"}.intersection(file.parts):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
    spelt = {"dac": "descript-audio-codec"}
    return {
        spelt.get(name, name.replace("_", "-")) for name in found - sys.stdlib_module_names - {"refaudio"}
    }


def declared(extra: str | None = None) -> set[str]:
    """The names of the requirements of the package or of an extra."""
    lines = EXTRAS[extra] if extra else PROJECT["project"]["dependencies"]
    return {re.split(r"[^\w-]", line)[0] for line in lines} - {"refaudio"}


def test_what_is_declared_is_what_is_imported() -> None:
    assert imports("refaudio") == declared().union(*map(declared, ("dac", "models", "plot")))
    kit = imports("spec", "conformance") - {"pytest"}  # `suite` runs inside somebody's pytest
    assert kit - declared() == declared("check")


@pytest.mark.parametrize(
    ("pins", "extras"),
    [("constraints.txt", ("check", "test", "bench")), ("constraints-peers.txt", ("check", "bench", "peers"))],
)
def test_every_dependency_is_pinned(pins: str, extras: tuple[str, ...]) -> None:
    pinned = re.findall(r"^([\w-]+)==", (ROOT / pins).read_text(), flags=re.MULTILINE)
    unpinned = declared().union(*map(declared, extras)) - set(pinned)
    assert unpinned - {"tomli"} == set()  # tomli is for a Python that CI does not run on


def test_the_readme_is_one_page_and_its_first_screen_runs() -> None:
    lines = README.splitlines()
    assert len(lines) < 120
    commands = [line for line in lines[:24] if line.startswith("python -m ")]
    assert re.findall(r'^timed "(.*)"$', (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE) == commands
    assert len(commands) == 2


@pytest.mark.parametrize(
    "path", sorted((ROOT / "conformance" / "results").glob("*.json")), ids=lambda p: p.stem
)
def test_the_readme_counts_as_the_reports_do(path: Path) -> None:
    report = json.loads(path.read_text())
    name, counts = report["implementation"], report["summary"]
    broken = sum(counts[status] for status in ("fail", "error", "xfail", "xpass"))
    assert (
        f"| {name['name']} {name['version']} | {counts['pass']} | {broken} | {counts['unclaimed']} |"
        in README
    )


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
