"""Two futures: what the shortcut objective buys, on a task that takes a quarter of a minute.

A clip walks on four points of a circle, one step to the left or to the right at each frame: every frame has two equally
likely successors, opposite to each other. A network that has learnt from data alone answers pure noise with their mean,
where no future is; one that has learnt shortcuts lands on one of the two in a single step. Each arm gets the time of the
other. `python -m refaudio.benchmarks.two_futures` prints all figures, those of the oracles too, and the machine;
`--write FILE` keeps them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from refaudio.benchmarks.oracles_rollout import sampler_errors
from refaudio.benchmarks.oracles_shortcut import objective_errors
from refaudio.dynamics import Grid, LevelEmbedding, denoise, shortcut_loss

GRID = Grid(64)
FLOW = 0.4  # the share of rows that learn from data, in the arm with shortcuts
STEPS = {True: 600, False: 960}  # three network calls a step, two of them without gradient, against one
ROWS, FRAMES, POINTS = 64, 4, 4
NEAR = 0.5  # of a future: a quarter of the way between the two


class Network(nn.Module):
    """z (B, T, 2), its label and the point before it, as (B, T, 4) -> data (B, T, 2)."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.label = LevelEmbedding(GRID, 32)
        layers = [nn.Linear(2 + 32 + POINTS, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 2))

    def forward(self, z: Tensor, index: Tensor, exponent: Tensor, before: Tensor) -> Tensor:
        answer: Tensor = self.layers(torch.cat([z, self.label(index, exponent), before], dim=-1))
        return answer


def place(point: Tensor) -> Tensor:
    """Points (B, T) -> where they are on the circle (B, T, 2)."""
    angle = point * (2 * math.pi / POINTS)
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def clips(rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Where each frame is (B, T, 2), and the point (B, T) before it."""
    turns = torch.randint(2, (rows, FRAMES), generator=generator) * 2 - 1
    point = (torch.randint(POINTS, (rows, 1), generator=generator) + turns.cumsum(1)) % POINTS
    return place(point), (point - turns) % POINTS


def told(point: Tensor) -> Tensor:
    """A point as the network is told of it."""
    return nn.functional.one_hot(point, POINTS).float() * 1.5


def train(seed: int, shortcuts: bool) -> Network:
    """A network that has learnt with the bootstrap, or from data alone for as long."""
    torch.manual_seed(seed)
    generator, network = torch.Generator().manual_seed(seed), Network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS[shortcuts])
    for _ in range(STEPS[shortcuts]):
        data, before = clips(ROWS, generator)
        levels = GRID.sample(ROWS, FRAMES, generator, flow=FLOW if shortcuts else 1.0)
        noise = torch.randn(data.shape, generator=generator)
        losses = shortcut_loss(network, data, noise, levels, [told(before)])
        optimizer.zero_grad()
        (losses.flow + losses.bootstrap).backward()
        optimizer.step()
        schedule.step()
    return network


class Figures(NamedTuple):
    """Which share of samples lands on a future, in one step and in 64, and how far the two are apart (RMS)."""

    one_step: float
    many_steps: float
    apart: float


def judge(network: Network) -> Figures:
    """Samples in one step and in 64, from the same noise, for the same points."""
    generator = torch.Generator().manual_seed(99)
    _, before = clips(256, generator)
    noise = torch.randn((*before.shape, 2), generator=generator)
    one, many = (denoise(network, noise, steps, GRID, [told(before)]) for steps in (1, GRID.k_max))
    futures = torch.stack([place((before + turn) % POINTS) for turn in (-1, 1)])
    landed = [
        float(((made - futures).norm(dim=-1).amin(0) < NEAR).to(torch.float64).mean()) for made in (one, many)
    ]
    return Figures(*landed, float((one - many).square().mean().sqrt()))


def figures(seed: int) -> dict[str, dict[str, float]]:
    """Both arms of one seed, with the CPU time that each took to train."""
    found = {}
    for shortcuts in (True, False):
        started = time.process_time()
        network = train(seed, shortcuts)
        seconds = time.process_time() - started
        found["with" if shortcuts else "without"] = {**judge(network)._asdict(), "seconds": round(seconds, 1)}
    return found


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.benchmarks.two_futures", description=__doc__)
    parser.add_argument("--write", metavar="FILE", help="write the figures as JSON too")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    found = {
        "machine": machine(),
        "objective": objective_errors(),
        "sampler": sampler_errors(),
        "two futures": {f"seed {seed}": figures(seed) for seed in range(3)},
    }
    text = json.dumps(found, indent=2)
    print(text)
    if options.write:
        Path(options.write).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
