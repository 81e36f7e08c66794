"""The library's dynamics beyond the laws: what its errors say, what it calls, and what it costs."""

from __future__ import annotations

import doctest
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from refaudio import dynamics
from refaudio.dynamics import Grid, LevelEmbedding, Levels, add_noise, bootstrap_target, ramp, shortcut_loss
from refaudio.dynamics import grid as grids

GRID = Grid(8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_examples_run() -> None:
    assert doctest.testmod(grids).failed == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Grid(48), "k_max=48 must be a power of two: 32 or 64"),
        (lambda: Grid(0), "k_max=0 must be at least 1"),
        (lambda: Grid(2**25), "k_max=33554432 must be at most"),
        (lambda: GRID.plan(3), "steps=3 must be a power of two: 2 or 4"),
        (lambda: GRID.plan(16), "steps=16 must be at most 8"),
        (lambda: GRID.index(torch.tensor([0.0, 0.3])), "tau=0.3 must be a multiple of 1/8, from 0 to 0.875"),
        (lambda: GRID.index(torch.tensor(1.0)), "tau=1 must be"),
        (lambda: GRID.index(torch.tensor(float("nan"))), "tau=nan must be"),
        (lambda: GRID.exponent(torch.tensor(0.375)), "d=0.375 must be a power of two times 1/8"),
        (lambda: GRID.exponent(torch.tensor(2.0)), "d=2 must be"),
        (lambda: GRID.nearest(1.5), "signal=1.5 must be between 0 and 1"),
        (lambda: labels([[1]], [[1]]), "index=1 must be a multiple of the step"),
        (lambda: labels([[8]], [[0]]), "index=8 must be from 0 to 7"),
        (lambda: labels([[0]], [[4]]), "exponent=4 must be from 0 to 3"),
        (lambda: GRID.check(torch.zeros(1, 2).int(), torch.zeros(1, 1).int()), "must be that of index"),
        (lambda: labels([[0]], [[1]], flow_rows=1), "flow_rows=1 must count rows of exponent 0"),
        (lambda: GRID.sample(2, 2, seeded(), flow=1.5), "flow=1.5 must be between 0 and 1"),
        (lambda: Grid(1).sample(2, 2, seeded(), flow=0.5), "flow=0.5 must be 1 where k_max=1"),
        (lambda: LevelEmbedding(GRID, 1), "features=1 must be at least 2"),
        (lambda: loss(torch.zeros(1, 1, 2), labels([[0], [0]], [[0], [0]])), r"levels=\(2, 1\) must be"),
        (lambda: loss(torch.zeros(0, 1, 2), labels([[0]], [[0]])), "with a frame at least"),
        (lambda: loss(torch.zeros(1, 1, 2), labels([[0]], [[0]]), [torch.zeros(2)]), r"len\(inputs\[0\]\)=2"),
        (lambda: add_noise(torch.zeros(2, 3, 1), torch.zeros(2, 3, 1), torch.zeros(3)), r"tau.shape=\(3,\)"),
        (lambda: add_noise(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), torch.tensor(1.5)), "must lie in"),
    ],
)
def test_refusals_name_the_value_and_the_rule(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def labels(index: list[list[int]], exponent: list[list[int]], flow_rows: int = 0) -> Levels:
    return Levels(GRID, torch.tensor(index), torch.tensor(exponent), flow_rows)


class Calls(nn.Module):
    """A network that counts its calls, and what they held."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))
        self.seen: list[tuple[int, bool, bool]] = []

    def forward(self, z: Tensor, index: Tensor, exponent: Tensor, action: Tensor | None = None) -> Tensor:
        self.seen.append((len(z), torch.is_grad_enabled(), self.training))
        if action is not None:
            assert len(action) == len(z)
            z = z + action.reshape(-1, *[1] * (z.ndim - 1))
        return self.weight * z + (index + 3 * exponent).reshape(*index.shape, *[1] * (z.ndim - 2))


def loss(data: Tensor, levels: Levels, inputs: list[Tensor] | None = None) -> dynamics.Losses:
    return shortcut_loss(Calls(), data, torch.zeros_like(data), levels, inputs or [])


@pytest.mark.parametrize("shape", [(5,), (2, 3, 7), (1, 1, 1)])
def test_three_calls_whatever_the_shape(shape: tuple[int, ...]) -> None:
    network, levels = Calls(), GRID.sample(8, 3, seeded())
    data = torch.randn((8, 3, *shape), generator=seeded())
    losses = shortcut_loss(network, data, torch.zeros_like(data), levels, [torch.arange(8.0), None][:1])
    rest = 8 - levels.flow_rows
    assert network.seen == [(rest, False, False), (rest, False, False), (8, True, True)]
    assert network.training
    (losses.flow + losses.bootstrap).backward()
    assert network.weight.grad is not None
    assert bool(network.weight.grad != 0)


def test_flow_rows_alone_need_no_teacher() -> None:
    network, levels = Calls(), GRID.sample(4, 2, seeded(), flow=1.0)
    data = torch.randn((4, 2, 3), generator=seeded())
    losses = shortcut_loss(network, data, torch.zeros_like(data), levels)
    assert ([call[0] for call in network.seen], float(losses.bootstrap.detach())) == ([4], 0.0)


def test_another_teacher_answers_where_one_is_given() -> None:
    network, teacher, levels = Calls(), Calls(), GRID.sample(8, 2, seeded())
    data = torch.randn((8, 2, 3), generator=seeded())
    shortcut_loss(network, data, torch.zeros_like(data), levels, teacher=teacher)
    assert (len(network.seen), len(teacher.seen)) == (1, 2)


def test_micro_batches_average_to_the_batch() -> None:
    levels, data = (
        GRID.sample(8, 3, seeded()),
        torch.randn((8, 3, 2), generator=seeded(), dtype=torch.float64),
    )
    noise, network = torch.randn(data.shape, generator=seeded(1), dtype=torch.float64), Calls()
    whole = shortcut_loss(network, data, noise, levels)
    parts = [
        shortcut_loss(
            network, data[half], noise[half], Levels(GRID, levels.index[half], levels.exponent[half])
        )
        for half in (slice(0, 4), slice(4, 8))
    ]
    for branch in (0, 1):
        mean = sum(float(part[branch].detach()) for part in parts) / 2
        assert float(whole[branch].detach()) == pytest.approx(mean, rel=1e-12)


def test_a_share_is_met_on_average_in_whole_rows() -> None:
    generator = seeded()
    rows = [GRID.sample(3, 1, generator, flow=0.5).flow_rows for _ in range(400)]
    assert set(rows) == {1, 2}
    assert sum(rows) / 400 == pytest.approx(1.5, abs=0.1)


def test_labels_move_between_devices_unchanged() -> None:
    levels = GRID.sample(4, 2, seeded())
    moved = levels.to("cpu")
    assert (moved.flow_rows, moved.grid) == (levels.flow_rows, levels.grid)
    assert torch.equal(moved.index, levels.index)
    assert len(levels.bootstrapped().index) == 4 - levels.flow_rows


def test_the_target_is_the_second_half_step_alone_on_the_last_point_only() -> None:
    levels = labels([[4, 0, 0]], [[2, 3, 1]])

    def network(z: Tensor, index: Tensor, exponent: Tensor) -> Tensor:
        return index.double()[..., None].expand_as(z)  # the first half step answers i, the second i + half

    target = bootstrap_target(network, torch.zeros((1, 3, 1), dtype=torch.float64), levels)
    assert target.flatten().tolist() == pytest.approx([6.0, 4.0, 4 / 7])


def test_half_precision_comes_back_in_float32() -> None:
    data = torch.randn((8, 2, 3), generator=seeded()).to(torch.bfloat16)
    losses = shortcut_loss(Calls(), data, torch.zeros_like(data), GRID.sample(8, 2, seeded()))
    assert {part.dtype for part in losses} == {torch.float32}
    assert float(ramp(torch.tensor(1.0))) == 1.0


def test_an_embedding_has_a_row_for_every_label() -> None:
    embedding = LevelEmbedding(GRID, 10)
    assert (len(embedding.level.weight), len(embedding.step.weight)) == (8, 4)
    assert embedding(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3, dtype=torch.int64)).shape == (
        2,
        3,
        10,
    )
