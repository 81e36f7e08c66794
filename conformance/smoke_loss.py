"""What the smoke stage asks of losses and steps: are they numbers, and do they follow the declared conventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..spec.conventions import CONVENTIONS
from ..spec.learning import Batch, Ids, Leaves, alone, arrived, batch_of, train
from ..spec.lesson import exact
from ..spec.oracles import label_shares
from .adapter import Adapter
from .run import Bound

WEIGHTS = [1.0, 4.0, 2.0]
CLIPS = ([1, 2], [4, 3, 4])  # two micro-batches of unequal size
CLOSE = 1e-3


def _ids(adapter: Adapter) -> Ids:
    return Ids(adapter.sizes.get("vocabulary", [5])[0])


def _weights(adapter: Adapter) -> list[float]:
    if "weights" in adapter.sizes:
        return list(adapter.sizes["weights"][0])
    return (WEIGHTS * 9)[: adapter.sizes.get("codebooks", [3])[0]]


def _number(got: object) -> str | None:
    if isinstance(got, (int, float)) or (isinstance(got, Tensor) and got.numel() == 1):
        return None
    form = tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__
    return f"must return one number, the loss: got {form}"


def _differs(adapter: Adapter, name: str, got: list[float], wanted: Mapping[str, list[float]]) -> str | None:
    """Which other value of a convention the results look like; what looks like none is left to the laws."""
    declared = adapter.convention(name, "LOSS")
    seen = [value for value in CONVENTIONS[name] if _near(got, wanted[value])]
    if declared is None or not seen or declared in seen:
        return None
    return f"is declared {name} = {declared!r}, but looks like {name} = {seen[0]!r}"


def _near(got: list[float], wanted: list[float]) -> bool:
    return all(abs(a - b) <= CLOSE * abs(b) for a, b in zip(got, wanted, strict=True))


def _token_loss(adapter: Adapter) -> str | None:
    ids, weights = _ids(adapter), _weights(adapter)
    text, rows, _ = batch_of(0, CLIPS[1], len(weights), ids)
    targets, logits = rows[:, 1:], Leaves(ids.size).logits(rows[:, :-1], text)
    mask = targets != ids.pad
    mask[0, :, 0] = False  # the channels have different numbers of labels: the two means differ
    got = adapter.functions["token_loss"](logits.requires_grad_(), targets.clone(), mask.clone(), weights)
    if says := _number(got):
        return says
    if not isinstance(got, Tensor) or not got.requires_grad:
        return "must return a tensor with a gradient: backward is called on it"
    wanted = {
        kind: [float(exact(logits.detach(), targets, label_shares(mask, weights, per_token=per_token))[0])]
        for kind, per_token in zip(CONVENTIONS["LOSS"], (False, True), strict=True)
    }
    return _differs(adapter, "LOSS", [float(got.detach())], wanted)


def _weighted_mean(adapter: Adapter) -> str | None:
    values = torch.arange(6.0).reshape(2, 3)
    got = adapter.functions["weighted_mean"](values, torch.ones(2), torch.ones(2, 3, dtype=torch.bool))
    return _number(got)


def _step(adapter: Adapter) -> str | None:
    ids, weights = _ids(adapter), _weights(adapter)
    batch = batch_of(0, CLIPS[0], len(weights), ids)
    handed = [tuple(part.clone() for part in batch)]
    got = adapter.functions["step"](Leaves(ids.size), handed, 1, weights, ids.in_order(), 0.0, alone)
    return _number(got)


def _accumulation(adapter: Adapter) -> str | None:
    """What becomes of the gradient of each micro-batch when the other one joins it."""
    ids, weights = _ids(adapter), _weights(adapter)
    batches = [batch_of(0, clips, len(weights), ids, first=3 * i) for i, clips in enumerate(CLIPS)]
    joined = _sizes(adapter, batches, weights, ids)
    apart = [size for batch in batches for size in _sizes(adapter, [batch], weights, ids)]
    kept = [size / whole for size, whole in zip(joined, apart, strict=True)]
    counts = [sum(clips) for clips in CLIPS]
    wanted = {"global": [count / sum(counts) for count in counts], "mean of means": [0.5, 0.5]}
    return _differs(adapter, "ACCUMULATION", kept, wanted)


def _sizes(adapter: Adapter, batches: Sequence[Batch], weights: Sequence[float], ids: Ids) -> list[float]:
    """How large the gradient is that arrives at the logits of each batch."""
    network, _ = train(Bound(adapter, ["step"]), ids.size, batches, len(batches), weights, ids)
    return [float(arrived(network, [batch]).abs().sum()) for batch in batches]


def _evaluate(adapter: Adapter) -> str | None:
    ids, weights = _ids(adapter), _weights(adapter)
    handed = [batch_of(0, CLIPS[0], len(weights), ids)]
    return _number(adapter.functions["evaluate"](Leaves(ids.size), handed, weights, ids.in_order(), 0.0))


def _should_stop(adapter: Adapter) -> str | None:
    got = adapter.functions["should_stop"]([1.0, 1.0], 2.0)
    return None if got in (True, False) else f"must return whether to stop: got {type(got).__name__}"


def _collate(adapter: Adapter) -> str | None:
    delays = list(adapter.sizes["delays"][0]) if "delays" in adapter.sizes else [0, 1]
    window = adapter.sizes.get("window", [4])[0]
    clips = [torch.arange(count * len(delays)).reshape(count, -1) for count in (2, 3)]
    got = adapter.functions["collate"](clips, window, delays, 1026, 1025, 1024)
    if not isinstance(got, (tuple, list)) or len(got) != 3 or not all(isinstance(x, Tensor) for x in got):
        return f"must return inputs, targets and mask, three tensors: got {type(got).__name__}"
    shapes = [tuple(x.shape) for x in got]
    if len(set(shapes)) > 1 or len(shapes[0]) != 3 or shapes[0][0] != 2 or shapes[0][2] != len(delays):
        return f"must return three tensors (2, R, {len(delays)}): got {shapes}"
    return None if got[2].dtype == torch.bool else f"must return a bool mask: got {got[2].dtype}"


PROBES: Mapping[str, list[Callable[[Adapter], str | None]]] = {
    "token_loss": [_token_loss],
    "weighted_mean": [_weighted_mean],
    "should_stop": [_should_stop],
    "step": [_step, _accumulation],
    "evaluate": [_evaluate],
    "collate": [_collate],
}
