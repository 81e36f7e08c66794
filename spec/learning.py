"""What the kit trains: a network whose logits are leaves, batches made of plain data, and ranks in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor, Tensor]
Reduce = Callable[[Tensor], Tensor]
T = TypeVar("T")

UNUSED = 1  # ids after the special ones: Dia has 1024 codes, EOS, PAD, BOS, and one that means nothing


@dataclass(frozen=True)
class Ids:
    """The special ids, which follow the codes 0..codes-1."""

    codes: int

    @property
    def eos(self) -> int:
        return self.codes

    @property
    def pad(self) -> int:
        return self.codes + 1

    @property
    def bos(self) -> int:
        return self.codes + 2

    @property
    def size(self) -> int:
        return self.codes + 3 + UNUSED

    def in_order(self) -> tuple[int, int, int]:
        """(bos, pad, eos), as `delay` takes them."""
        return self.bos, self.pad, self.eos


ENTRIES = 65521  # a prime: steps along any axis visit different entries


@lru_cache(maxsize=1)
def _table() -> Tensor:
    """Arbitrary numbers, the same in every process."""
    return torch.randn(ENTRIES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@dataclass(eq=False)
class Leaves:
    """A network whose logits are leaves: network(rows (B, R, K), text (B, S)) -> logits (B, R, K, V), gradients kept by item.

    The logits of a cell are arbitrary and depend on the text of the item, the number of the row, and what that row
    holds: whoever feeds another row, another text or another position gets other logits. A text of zeros, an empty
    one and None are all no text.
    """

    size: int
    dtype: torch.dtype = torch.float32
    calls: list[tuple[list[tuple[int, ...]], Tensor]] = field(default_factory=list)

    def __call__(self, rows: Tensor, text: Tensor | None = None) -> Tensor:
        leaf = self.logits(rows, text).requires_grad_()
        self.calls.append((_texts(text, len(rows)), leaf))
        return leaf.clone()  # what code writes into its logits must not hit a leaf

    def logits(self, rows: Tensor, text: Tensor | None) -> Tensor:
        """The logits of these rows, without a record."""
        batch, count, codebooks = rows.shape
        spread = [pow(31, k + 1, ENTRIES) for k in range(codebooks)]
        item = [_number(words) for words in _texts(text, batch)]
        cell = ((rows.cpu() + 1) * torch.tensor(spread)).sum(-1) + torch.tensor(item)[:, None]
        cell = cell + 8191 * torch.arange(count)
        each = 10007 * torch.arange(codebooks)[:, None] + 101 * torch.arange(self.size)
        return _table()[(cell[..., None, None] + each) % ENTRIES].to(rows.device, self.dtype)

    def gradient(self, rows: Tensor, text: Tensor) -> Tensor:
        """What arrived at the logits of these items, over all calls: (B, R, K, V), zeros where nothing did."""
        arrived = torch.zeros((*rows.shape, self.size), dtype=self.dtype)
        for texts, leaf in self.calls:
            for item, words in enumerate(_texts(text, len(rows))):
                if words in texts and leaf.grad is not None:
                    kept = leaf.grad[texts.index(words), : rows.shape[1]].cpu()
                    arrived[item, : len(kept)] += kept
        return arrived

    def train(self, mode: bool = True) -> Leaves:
        return self

    def eval(self) -> Leaves:
        return self

    def parameters(self) -> list[Tensor]:
        return []


def _texts(text: Tensor | None, batch: int) -> list[tuple[int, ...]]:
    if text is None:
        return [()] * batch
    return [tuple(id for id in words if id) for words in text.tolist()]


def _number(words: tuple[int, ...]) -> int:
    return sum((id + 1) * pow(257, place + 1, ENTRIES) for place, id in enumerate(words)) % ENTRIES


def text_of(first: int, batch: int) -> Tensor:
    """The texts of a batch (B, 2), each its own: 1 + first, 1 + first + 1, ..."""
    number = torch.arange(batch) + first
    return torch.stack([1 + number % 127, 128 + number // 127], dim=1)


def rows_of(codes: Sequence[Tensor], ids: Ids, extra: int = 0) -> Tensor:
    """Clips of codes (T, K) -> rows (B, 1 + max(T) + extra, K): BOS, the codes, and PAD, without delays."""
    longest = max(map(len, codes)) + extra
    rows = torch.full((len(codes), 1 + longest, codes[0].shape[1]), ids.pad)
    rows[:, 0] = ids.bos
    for item, clip in enumerate(codes):
        rows[item, 1 : 1 + len(clip)] = clip
    return rows


def random_codes(seed: int, frames: Sequence[int], codebooks: int, codes: int) -> list[Tensor]:
    """One clip (T, K) of random codes for each number of frames."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(codes, (count, codebooks), generator=generator) for count in frames]


def batch_of(
    seed: int, frames: Sequence[int], codebooks: int, ids: Ids, first: int = 0, extra: int = 0
) -> Batch:
    """text (B, S), rows (B, R, K) and how many rows of each item are real (B,): clips of codes alone."""
    rows = rows_of(random_codes(seed + first, frames, codebooks, ids.codes), ids, extra)
    return text_of(seed % 100 * 128 + first, len(frames)), rows, 1 + torch.tensor(list(frames))


def alone(tensor: Tensor) -> Tensor:
    """The sum over ranks where there is one."""
    return tensor.clone()


def on_ranks(world: int, run: Callable[[int, Reduce], T]) -> list[T]:
    """Call run(rank, reduce) once a rank, with a reduce that sums over all ranks, in one process and one thread.

    A rank cannot wait for those that come after it; so the round is repeated, each time with what every rank said in
    the round before, until all say the same again. Sums that depend on earlier sums take a round more each.
    """
    said: list[list[Tensor]] = [[] for _ in range(world)]
    for _ in range(8):
        heard: list[list[Tensor]] = [[] for _ in range(world)]
        results = [run(rank, _reduce(said, heard[rank])) for rank in range(world)]
        if all(len(a) == len(b) and all(map(torch.equal, a, b)) for a, b in zip(said, heard, strict=True)):
            return results
        said = heard
    raise ValueError("ranks must agree on how often, and on what, they sum: after 8 rounds they still do not")


def _reduce(said: list[list[Tensor]], heard: list[Tensor]) -> Reduce:
    def reduce(tensor: Tensor) -> Tensor:
        number = len(heard)
        heard.append(tensor.detach().clone())
        parts = [words[number] for words in said if number < len(words)]
        fits = len(parts) == len(said) and all(part.shape == tensor.shape for part in parts)
        return torch.stack(parts).sum(0) if fits else tensor.detach() * len(said)

    return reduce


def train(
    impl: Any,
    size: int,
    batches: Sequence[Batch],
    accumulation: int,
    weights: Sequence[float],
    ids: Ids,
    unconditional: float = 0.0,
    reduce: Reduce = alone,
) -> tuple[Leaves, float]:
    """One optimizer step of an implementation: the network with what arrived at it, and the loss that was reported."""
    network = Leaves(size)
    handed = [tuple(part.clone() for part in batch) for batch in batches]
    with torch.enable_grad():
        loss = impl.step(network, handed, accumulation, list(weights), ids.in_order(), unconditional, reduce)
    return network, float(loss.detach() if isinstance(loss, Tensor) else loss)


def arrived(network: Leaves, batches: Sequence[Batch]) -> Tensor:
    """The gradients of all items at the logits that predict rows 1.., one after the other, flat."""
    return torch.cat([network.gradient(rows[:, :-1], text).flatten() for text, rows, _ in batches])
