"""What a law cannot see from inside one process: seeds mean the same in every one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from refaudio import seeds

SHOW = """
import random, numpy, torch
from refaudio import seeds
seeds.seed_all(2**70 - 1, 3)
print(random.random(), numpy.random.random(), torch.rand(1).item(), seeds.noise(-5, 2, (2, 2)).tolist())
"""


def shown(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_another_process_draws_the_same() -> None:
    assert shown("1") == shown("2") != ""


def _demo_that_fails() -> None:
    with seeds.preserved():
        seeds.seed_all(2, 0)
        raise KeyError("demo")


def test_preserved_gives_the_global_generators_back_after_an_exception() -> None:
    seeds.seed_all(1, 0)
    want = random.random(), np.random.random(), torch.rand(1).item()
    seeds.seed_all(1, 0)
    with pytest.raises(KeyError):
        _demo_that_fails()
    assert (random.random(), np.random.random(), torch.rand(1).item()) == want
