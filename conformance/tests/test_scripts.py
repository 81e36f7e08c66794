"""The scripted networks and the echo codec: they remember what they were fed, and give mixed-up labels away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from refaudio.spec.scripts import Constant, EchoCodec, Oracle, Recorder, Table
from refaudio.spec.values import same, shown

ROOT = Path(__file__).parents[2]
X = torch.zeros(3, 2)
T = torch.tensor([0.0, 0.5, 1.0])


class Pair(NamedTuple):
    t: Tensor
    d: int


def test_a_recorder_keeps_what_was_fed_not_what_became_of_it() -> None:
    x, t = torch.zeros(2, 3), torch.zeros(2)
    network = Recorder(Constant(7.0))
    assert torch.equal(network(x, t, mask=t), torch.full((2, 3), 7.0))
    x += 1
    t += 1
    (call,) = network.calls
    assert same(
        [call.x, call.labels, call.named], [torch.zeros(2, 3), (torch.zeros(2),), {"mask": torch.zeros(2)}]
    )


@pytest.mark.parametrize("label", [np.zeros(2), [torch.zeros(2)], {"t": torch.zeros(2)}], ids=type)
def test_a_recorder_keeps_labels_of_any_kind(label: Any) -> None:
    network = Recorder(Constant(7.0))
    network(X, label)
    for values in (
        label.values() if isinstance(label, dict) else label if isinstance(label, list) else [label]
    ):
        values += 1
    assert "1.0" not in shown(network.calls[0].labels)


@pytest.mark.parametrize(
    "label", [Pair(torch.zeros(2), 1), (n for n in [1]), torch.Generator(), None, "text"], ids=type
)
def test_a_recorder_hands_on_whatever_it_is_fed(label: object) -> None:
    fed = []
    network = Recorder(Oracle(lambda x, t: fed.append(t) or x))
    network(X, label)
    assert fed[0] is label
    assert len(network.calls) == 1


def test_a_recorder_copies_before_the_network_can_write() -> None:
    network = Recorder(Oracle(lambda x, t: x.add_(t)))
    network(torch.zeros(2), 1.0)
    assert torch.equal(network.calls[0].x, torch.zeros(2))


def test_an_oracle_answers_its_closed_form() -> None:
    oracle = Oracle(lambda x, t, *, scale: scale * x + t)
    assert torch.equal(oracle(torch.ones(2), 3.0, scale=2.0), torch.full((2,), 5.0))


def test_a_table_depends_on_the_labels_of_an_item_alone() -> None:
    table = Table(seed=1)
    whole = table(X, T)
    assert torch.equal(table(X + 5, T), whole)
    assert torch.equal(torch.cat([table(X[i : i + 1], T[i : i + 1]) for i in range(3)]), whole)
    assert torch.equal(table(X, T.flip(0)), whole.flip(0))


MIXED_UP = {
    "between items": (T.roll(1), T),
    "in another order": (T, T.roll(2)),
    "one never given": (T,),
    "one too many": (T, T.roll(1), None),
    "one for all": (T, T.mean()),
}


@pytest.mark.parametrize("labels", MIXED_UP.values(), ids=MIXED_UP)
def test_a_table_gives_mixed_up_labels_away(labels: tuple[object, ...]) -> None:
    assert not same(Table()(X, *labels), Table()(X, T, T.roll(1)))


def test_two_seeds_are_two_tables() -> None:
    assert not same(Table(1)(X, T), Table(2)(X, T))


def test_a_table_is_the_same_in_another_process() -> None:
    code = (
        "import torch; from refaudio.spec.scripts import Table\n"
        "print(Table()(torch.zeros(3, 2), torch.tensor([0.0, 0.5, 1.0]), 'name', b=2, a=1).tolist())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(Table()(X, T, "name", a=1, b=2).tolist())


@pytest.mark.parametrize("shape", [(2, 5, 3), (1, 1, 1), (2, 0, 4)])
def test_the_echo_codec_spells_out_its_codes(shape: tuple[int, int, int]) -> None:
    codes = torch.randint(1024, shape, generator=torch.Generator().manual_seed(0))
    codec = EchoCodec(shape[2])
    audio = codec.decode(codes)
    assert audio.shape == (shape[0], shape[1] * codec.hop)
    assert same(codec.encode(audio), codes)
    assert codec.frames(audio.shape[1]) == shape[1]


def test_the_echo_codec_keeps_ids_that_a_real_one_would_choke_on() -> None:
    codes, codec = torch.tensor([[[1023, 1024], [1026, -1]]]), EchoCodec(2)
    assert same(codec.encode(codec.decode(codes)), codes)
    assert same(codec.was_fed(1), codes)


def test_the_echo_codec_remembers_every_frame_as_it_was_fed() -> None:
    codec, codes = EchoCodec(2), torch.arange(12).reshape(1, 6, 2)
    assert codec.was_fed(3).shape == (3, 0, 2)
    for start, end in (0, 1), (1, 1), (1, 6):
        codec.decode(chunk := codes[:, start:end].clone())
        chunk.zero_()
    assert same(codec.was_fed(1), codes)


@pytest.mark.parametrize("shape", [(4, 2), (1, 5, 3)])
def test_the_echo_codec_refuses_what_is_no_codes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"codes\.shape=.* must be \(B, T, 2\)"):
        EchoCodec(2).decode(torch.zeros(shape, dtype=torch.int64))
