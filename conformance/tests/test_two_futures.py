"""What the shortcut objective buys: samples in one step that land where many steps do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import refaudio.benchmarks.two_futures as toy

RESULTS = Path(toy.__file__).parent / "results" / "dynamics.json"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def hold(found: dict[str, dict[str, float]]) -> None:
    with_, without = found["with"], found["without"]
    assert with_["one_step"] >= 0.6
    assert without["one_step"] <= 0.1
    assert with_["apart"] <= without["apart"] / 2
    assert min(with_["many_steps"], without["many_steps"]) > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_one_step_lands_on_a_future_where_shortcuts_were_learnt(seed: int) -> None:
    hold(toy.figures(seed))


@pytest.mark.skipif(not RESULTS.is_file(), reason="a wheel has no results")
def test_the_committed_figures_say_so_too() -> None:
    found = json.loads(RESULTS.read_text())
    assert set(found["machine"]) == {"processor", "cores", "system", "python", "torch"}
    assert max(found["objective"]["bootstrap loss of the exact shortcut"].values()) < 1e-10
    assert max(found["objective"]["largest relative error against equation 7"].values()) < 1e-10
    assert max(found["sampler"]["exact shortcut"].values()) < 1e-6
    for seed in range(3):
        hold(found["two futures"][f"seed {seed}"])
