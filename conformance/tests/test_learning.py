"""What the laws of losses are made of: leaves that know their items, and ranks in one process."""

from __future__ import annotations

import pytest
import torch

from refaudio.spec.learning import Ids, Leaves, batch_of, on_ranks, text_of

IDS = Ids(5)
TEXT, ROWS, LENGTHS = batch_of(3, [2, 4], 3, IDS)


def test_a_batch_is_bos_codes_and_padding() -> None:
    assert (ROWS.shape, LENGTHS.tolist()) == ((2, 5, 3), [3, 5])
    assert bool((ROWS[:, 0] == IDS.bos).all() and (ROWS[0, 3:] == IDS.pad).all())
    assert bool((ROWS[0, 1:3] < IDS.codes).all() and (ROWS[1, 1:] < IDS.codes).all())


def test_leaves_depend_on_text_place_and_what_is_fed() -> None:
    network = Leaves(IDS.size)
    plain = network.logits(ROWS, TEXT)
    assert plain.shape == (2, 5, 3, IDS.size)
    assert torch.equal(network.logits(ROWS.flip(0), TEXT.flip(0)), plain.flip(0))
    assert torch.equal(network.logits(ROWS[:, :3], TEXT), plain[:, :3])
    changed = ROWS.clone()
    changed[:, 1, 2] += 1
    for other in (network.logits(ROWS, TEXT + 1), network.logits(changed, TEXT), network.logits(ROWS, None)):
        assert not torch.equal(other, plain)
    assert len(torch.unique(plain)) > plain.numel() * 0.9


@pytest.mark.parametrize(
    "text", [None, torch.zeros(2, 2, dtype=torch.int64), torch.zeros(2, 0, dtype=torch.int64)]
)
def test_no_text_has_many_spellings(text: torch.Tensor | None) -> None:
    assert torch.equal(Leaves(8).logits(ROWS, text), Leaves(8).logits(ROWS, TEXT * 0))


def test_gradients_come_back_by_item_over_all_calls() -> None:
    network = Leaves(IDS.size)
    network(ROWS[1:], TEXT[1:]).sum().backward()
    network(ROWS[:, :2], TEXT).mul_(2).sum().backward()
    arrived = network.gradient(ROWS, TEXT)
    assert arrived[:, :, 0, 0].tolist() == [[2, 2, 0, 0, 0], [3, 3, 1, 1, 1]]
    assert not network.gradient(ROWS, text_of(900, 2)).any()


def test_ranks_hear_each_other_also_of_sums_of_sums() -> None:
    def run(rank: int, reduce: object) -> list[float]:
        total = reduce(torch.tensor(float(rank + 1)))  # type: ignore[operator]
        return [float(total), float(reduce(total * rank))]  # type: ignore[operator]

    assert on_ranks(3, run) == [[6.0, 18.0]] * 3


def test_ranks_that_never_agree_are_an_error() -> None:
    with pytest.raises(ValueError, match="ranks must agree"):
        on_ranks(2, lambda rank, reduce: reduce(torch.rand(())))
