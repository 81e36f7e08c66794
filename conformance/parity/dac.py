"""DAC here, over either library and from either layout, against both libraries themselves, on the same weights.

Where codes differ, the two entries are compared by how near they are to what is coded: as near, within what the dtype can
tell, is a tie, and counted; anything else is an error. After the first code of a frame that differs, the further
codebooks code another rest: they are left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from refaudio.codec import DAC, DACConfig
from refaudio.codec.dac_layout import table
from refaudio.weights.files import State

from ...spec.budget import EPS, FACTOR, budget, error
from ..bind import stub_imports
from .row import Row

TITLE = "DAC"
TINY = DACConfig(encoder_dim=8, decoder_dim=96, codebooks=12)
FULL = DACConfig.dac_44khz()
TIE = 64.0  # units in the last place by which two cosines may differ and still be a tie


def peers() -> str:
    """The two libraries and their versions; ImportError or OSError where one is missing."""
    from importlib.metadata import version

    stub_imports("argbind", "ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard")
    import dac.model  # noqa: F401
    import transformers  # noqa: F401

    names = ("transformers", "descript-audio-codec")
    return ", ".join(f"{name} {version(name)}" for name in names)


def rows() -> Iterator[Row]:
    """Everything that is compared."""
    yield from _compared("tiny", TINY, frames=40)
    yield from _mutations(TINY)
    yield from _compared("full size", FULL, frames=12)


def _descript(config: DACConfig) -> Any:
    """descript's own network with gains of 1, frequencies of its snakes between 1/2 and 2, and a moderate level."""
    from dac.model import DAC as Network

    torch.manual_seed(0)
    network = Network(
        encoder_dim=config.encoder_dim,
        encoder_rates=list(config.strides),
        decoder_dim=config.decoder_dim,
        decoder_rates=list(reversed(config.strides)),
        n_codebooks=config.codebooks,
        sample_rate=config.rate,
    ).eval()
    for module in network.modules():
        if hasattr(module, "weight_v"):
            transposed = isinstance(module, nn.ConvTranspose1d)
            summed = 2 * len(module.weight_v) if transposed else module.weight_v[0].numel()
            nn.init.normal_(module.weight_v)
            gain = torch.rand(module.weight_g.shape) + 0.5
            module.weight_g.data.copy_(gain * (module.weight_v[0].numel() / summed) ** 0.5)
            nn.init.uniform_(module.bias, -0.1, 0.1)
        if hasattr(module, "alpha"):
            nn.init.uniform_(module.alpha, 0.5, 2.0)
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
    with torch.no_grad():  # as loud as music: under a tanh that is saturated, errors are not seen
        last = network.decoder.model[-2]
        codes = torch.randint(0, config.size, (1, config.codebooks, 4))
        loud = torch.atanh(
            network.decode(network.quantizer.from_codes(codes)[0]).double().clamp(-1 + 1e-7, 1 - 1e-7)
        )
        last.weight_g.mul_(0.3 / float(loud.square().mean().sqrt()))
    return network.requires_grad_(False)


def _transformers(codec: DAC, folder: Path) -> Any:
    """transformers' own network, read by transformers from what it wrote."""
    from transformers import DacModel

    codec.network.save_pretrained(folder)
    return DacModel.from_pretrained(folder).eval()


def _compared(size: str, config: DACConfig, frames: int) -> Iterator[Row]:
    theirs = _descript(config)
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(0, config.size, (2, frames, config.codebooks), generator=generator)
    audio = 0.3 * torch.randn(2, frames * config.hop - 7, generator=generator)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "weights.pth")
        torch.save(
            {"state_dict": theirs.state_dict(), "metadata": {"kwargs": {"sample_rate": config.rate}}}, file
        )
        ours = {
            "over transformers": DAC.load(file),
            "over descript": DAC.load(file, backend="descript"),
            "over descript, weight norm kept": DAC.load(file, backend="descript", keep_weight_norm=True),
        }
        other = _transformers(ours["over transformers"], Path(folder))
        again = DAC.load(folder)
    ours["over transformers, from its own layout"] = again
    # float32 first: going to float64 and back would keep the digits, and coming from it would not
    plain = _decoded(theirs, codes), _decoded(other, codes)
    coded = {name: codec.encode(audio, config.rate) for name, codec in ours.items()}
    heard = {name: codec.decode(codes) for name, codec in ours.items()}
    # In float64 a kernel that was folded in float32 is another one than g * v / |v|: each has a reference of its own.
    folded = _descript(config)
    folded.load_state_dict(theirs.state_dict())
    for module in folded.modules():
        if hasattr(module, "weight_g"):
            nn.utils.remove_weight_norm(module)
    for network in theirs, folded, other:
        network.double()
    exact, exact_kept = _decoded(folded, codes), _decoded(theirs, codes)
    allowed = budget(exact, plain[0], "network").allowed
    yield Row(
        f"{size}: decode of transformers against descript, float64",
        error(_decoded(other, codes), exact),
        _double(allowed),
    )
    for name, audio32 in heard.items():
        yield Row(f"{size}: decode {name}, float32", error(audio32, exact), allowed)
    for name, codes32 in coded.items():
        yield _ties(f"{size}: codes {name}, float32", folded, audio, codes32)
    for name, codec in ours.items():
        codec.network.double()
        network, wanted = (theirs, exact_kept) if "kept" in name else (folded, exact)
        yield Row(f"{size}: decode {name}, float64", error(codec.decode(codes), wanted), _double(allowed))
        yield _ties(
            f"{size}: codes {name}, float64",
            network,
            audio.double(),
            codec.encode(audio.double(), config.rate),
        )
    chunk = max(4, frames // 3)
    yield Row(
        f"{size}: decode in chunks of {chunk}, float64",
        error(again.decode(codes, chunk=chunk), again.decode(codes)),
        _double(allowed),
    )
    whole, pieces = (again.encode(audio.double(), config.rate, chunk=each) for each in (None, chunk))
    yield Row(f"{size}: codes in chunks of {chunk}, float64", float((whole != pieces).sum()), 0.5)


def _double(allowed: float) -> float:
    """What float64 may be apart: as many of its units as float32 earns of its own."""
    return allowed * EPS[torch.float64] / EPS[torch.float32]


def _decoded(network: Any, codes: Tensor) -> Tensor:
    """What a library itself decodes: codes (C, T, K) -> (C, N)."""
    latents = network.quantizer.from_codes(codes.transpose(1, 2))[0]
    audio: Tensor = network.decoder(latents)[:, 0]
    return audio


def _ties(what: str, network: Any, audio: Tensor, codes: Tensor) -> Row:
    """How far beyond a tie the worst of our codes (C, T, K) is; descript's own in float64 are the reference."""
    planes = network.preprocess(audio[:, None].double(), network.sample_rate)
    _, want, latents, _, _ = network.encode(planes)
    want, unit = want.transpose(1, 2), EPS[audio.dtype]
    differ = codes != want
    before = differ.long().cumsum(-1) - differ.long()  # how many codes of the frame differed earlier
    first = differ & (before == 0)
    worst = 0.0
    for c, t, k in first.nonzero().tolist():
        rest = nn.functional.normalize(
            latents.reshape(len(latents), -1, network.codebook_dim, latents.shape[2])[c, k, :, t], dim=0
        )
        book = nn.functional.normalize(network.quantizer.quantizers[k].codebook.weight, dim=1)
        gap = float(rest @ (book[want[c, t, k]] - book[codes[c, t, k]]))
        worst = max(worst, gap)
    left = int((before > 0).sum())
    told = (
        f"{int(first.sum())} near-ties in {want.numel()} codes, and {left} codes after them"
        if left or first.any()
        else ""
    )
    return Row(what, worst, TIE * FACTOR["network"] * unit, 1 - left / want.numel(), told)


def _mutations(config: DACConfig) -> Iterator[Row]:
    """Mistakes in reading a checkpoint: each has to be far beyond the budget."""
    theirs = _descript(config)
    codes = torch.randint(
        0, config.size, (1, 20, config.codebooks), generator=torch.Generator().manual_seed(2)
    )
    plain = _decoded(theirs, codes)
    state = theirs.state_dict()
    exact = _decoded(theirs.double(), codes)
    allowed = budget(exact, plain, "network").allowed
    right, problems = table(config).to_ours(_folded(state))
    if problems:
        raise ValueError(problems[0])
    numbers = sorted(map(str, range(config.codebooks)))
    blocks = range(len(config.strides))
    mistakes: dict[str, State] = {
        "codebooks in the order of their names as text": {
            **right,
            **{
                f"quantizer.quantizers.{k}.{part}": right[f"quantizer.quantizers.{name}.{part}"]
                for k, name in enumerate(numbers)
                for part in ("codebook.weight", "out_proj.weight", "out_proj.bias")
            },
        },
        "weight norm of transposed kernels over their outputs": table(config).to_ours(
            _folded(state, by_output=True)
        )[0],
        "weight norm left out, v taken for the kernel": table(config).to_ours(_folded(state, gains=False))[0],
        "the two snakes of a unit swapped": {
            **right,
            **{
                f"decoder.block.{i}.res_unit1.snake{a}.alpha": right[
                    f"decoder.block.{i}.res_unit1.snake{b}.alpha"
                ]
                for i in blocks
                for a, b in ((1, 2), (2, 1))
            },
        },
        "transposed kernels flipped in time": {
            name: tensor.flip(2) if "conv_t1.weight" in name else tensor for name, tensor in right.items()
        },
    }
    codec = DAC(replace(config))
    for name, wrong in mistakes.items():
        codec.fill({key: tensor.float() for key, tensor in wrong.items()})
        yield Row(name, error(codec.decode(codes), exact), allowed, mutation=True)


def _folded(state: State, *, by_output: bool = False, gains: bool = True) -> State:
    """Weight norm folded by hand, right or wrong."""
    made = {name: tensor for name, tensor in state.items() if not name.endswith(("weight_g", "weight_v"))}
    for name, v in state.items():
        if not name.endswith("weight_v"):
            continue
        g, transposed = state[name.removesuffix("v") + "g"], "decoder" in name and ".block.1.weight_v" in name
        size = v.flatten(1).norm(dim=1).view(-1, 1, 1)
        if by_output and transposed and v.shape[2] % 2 == 0:
            size = v.transpose(0, 1).flatten(1).norm(dim=1).view(1, -1, 1)
        made[name.removesuffix("_v")] = g * v / size if gains else v
    return made
