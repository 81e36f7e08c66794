"""What an import does not load: someone who uses one function of the library does not pay for the kit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KIT = {"hypothesis", "pytest", "packaging", "refaudio.spec", "refaudio.conformance"}
OPTIONAL = {"transformers", "diffusers", "matplotlib", "jsonschema"}
STEPS = ["refaudio", "refaudio.cli", "refaudio.audio", "refaudio.codeclm", "refaudio.seeds"]


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules that are there after each import, one after the other in a fresh interpreter."""
    code = "".join(f"import {step}\nprint(*sys.modules)\n" for step in STEPS)
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {step: set(line.split()) for step, line in zip(STEPS, ran.stdout.splitlines(), strict=True)}


@pytest.mark.parametrize("step", STEPS)
def test_the_library_loads_neither_the_kit_nor_what_is_optional(
    step: str, loaded: dict[str, set[str]]
) -> None:
    assert step in loaded[step]
    assert not (KIT | OPTIONAL) & loaded[step]


@pytest.mark.parametrize("step", ["refaudio", "refaudio.cli"])
def test_the_front_answers_before_torch_is_loaded(step: str, loaded: dict[str, set[str]]) -> None:
    assert not {"torch", "numpy"} & loaded[step]
