"""The shape of a DAC and its two checkpoint layouts: descript's own, and the one of transformers.

The layout here is that of transformers without weight norm: 223 tensors. descript's has 301, because each of its 78
convolutions has a weight norm: `refaudio.weights` folds it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..errors import integer
from ..weights.tables import Rule, Table, rule

UNITS = 3  # residual units a block, of dilations 1, 3 and 9
DILATIONS = (1, 3, 9)
RATES = (1, 768_000)


@dataclass(frozen=True)
class DACConfig:
    """What a DAC is made of; `dac_44khz()` is the one that Dia speaks.

    latent_dim None is encoder_dim * 2 ** len(strides), as all published ones but one have it.
    """

    rate: int = 44100
    encoder_dim: int = 64
    strides: tuple[int, ...] = (2, 4, 8, 8)
    decoder_dim: int = 1536
    codebooks: int = 9
    size: int = 1024
    codebook_dim: int = 8
    latent_dim: int | None = field(default=None)

    def __post_init__(self) -> None:
        integer("rate", self.rate, least=RATES[0], most=RATES[1])
        for name in "encoder_dim", "decoder_dim", "codebooks", "size", "codebook_dim":
            integer(name, getattr(self, name), least=1)
        for stride in self.strides:
            integer("stride", stride, least=1)
        if not self.strides or self.decoder_dim % 2 ** len(self.strides):
            raise ValueError(
                f"decoder_dim={self.decoder_dim} must be halved once a stride: strides={self.strides}"
            )

    @classmethod
    def dac_44khz(cls) -> "DACConfig":
        """44.1 kHz at 8 kbit/s: 9 codebooks, 86.13 frames a second, 76.6 M parameters."""
        return cls()

    @classmethod
    def dac_44khz_16kbps(cls) -> "DACConfig":
        """44.1 kHz at 16 kbit/s: 18 codebooks over 128 latent dimensions."""
        return cls(codebooks=18, latent_dim=128)

    @classmethod
    def dac_24khz(cls) -> "DACConfig":
        """24 kHz: 32 codebooks, 75 frames a second."""
        return cls(rate=24000, strides=(2, 4, 5, 8), codebooks=32)

    @classmethod
    def dac_16khz(cls) -> "DACConfig":
        """16 kHz: 12 codebooks, 50 frames a second."""
        return cls(rate=16000, strides=(2, 4, 5, 8), codebooks=12)

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return math.prod(self.strides)

    @property
    def latent(self) -> int:
        """Channels between encoder and decoder."""
        return self.latent_dim or self.encoder_dim * 2 ** len(self.strides)

    def encoder_reach(self) -> tuple[int, int]:
        """Frame t is encoded from samples hop * t + low .. hop * t + high: (-3733, 4244) at 44.1 kHz."""
        low = high = 0
        low, high = low - 1, high + 1  # the last convolution, of 3
        for stride in reversed(self.strides):
            pad = math.ceil(stride / 2)
            low, high = low * stride - pad, high * stride - pad + 2 * stride - 1
            low, high = low - 3 * sum(DILATIONS), high + 3 * sum(DILATIONS)
        return low - 3, high + 3

    def decoder_reach(self) -> tuple[int, int]:
        """The samples of frame t are decoded from frames t + low .. t + high: (-10, 10) at 44.1 kHz."""
        low, high = -3, self.hop - 1 + 3
        for stride in self.strides:
            pad = math.ceil(stride / 2)
            low, high = low - 3 * sum(DILATIONS), high + 3 * sum(DILATIONS)
            low, high = -(-(low + pad - 2 * stride + 1) // stride), (high + pad) // stride
        return low - 3, high + 3

    @property
    def context(self) -> int:
        """Frames to either side that a frame depends on, in either direction: 10 at 44.1 kHz."""
        low, high = self.encoder_reach()
        frames = max(-(low // self.hop), high // self.hop)
        return max(frames, *map(abs, self.decoder_reach()))


def table(config: DACConfig) -> Table:
    """descript's names on the left, those of transformers on the right, weight norm folded."""
    n = len(config.strides)
    rules = _conv("encoder.block.0", "encoder.conv1")
    rules += _snake(f"encoder.block.{n + 1}", "encoder.snake1") + _conv(
        f"encoder.block.{n + 2}", "encoder.conv2"
    )
    for i in range(n):
        theirs, ours = f"encoder.block.{i + 1}.block", f"encoder.block.{i}"
        for unit in range(UNITS):
            rules += _unit(f"{theirs}.{unit}", f"{ours}.res_unit{unit + 1}")
        rules += _snake(f"{theirs}.3", f"{ours}.snake1") + _conv(f"{theirs}.4", f"{ours}.conv1")
    rules += _conv("decoder.model.0", "decoder.conv1")
    rules += _snake(f"decoder.model.{n + 1}", "decoder.snake1") + _conv(
        f"decoder.model.{n + 2}", "decoder.conv2"
    )
    for i in range(n):
        theirs, ours = f"decoder.model.{i + 1}.block", f"decoder.block.{i}"
        rules += _snake(f"{theirs}.0", f"{ours}.snake1") + _conv(f"{theirs}.1", f"{ours}.conv_t1")
        for unit in range(UNITS):
            rules += _unit(f"{theirs}.{unit + 2}", f"{ours}.res_unit{unit + 1}")
    for name in "in_proj.weight", "in_proj.bias", "out_proj.weight", "out_proj.bias", "codebook.weight":
        rules.append(rule(f"quantizer.quantizers.{{k}}.{name}", f"quantizer.quantizers.{{k}}.{name}"))
    return Table(*rules)


def _conv(theirs: str, ours: str) -> list[Rule]:
    return [rule(f"{theirs}.{part}", f"{ours}.{part}") for part in ("weight", "bias")]


def _snake(theirs: str, ours: str) -> list[Rule]:
    return [rule(f"{theirs}.alpha", f"{ours}.alpha")]


def _unit(theirs: str, ours: str) -> list[Rule]:
    first = _snake(f"{theirs}.block.0", f"{ours}.snake1") + _conv(f"{theirs}.block.1", f"{ours}.conv1")
    return first + _snake(f"{theirs}.block.2", f"{ours}.snake2") + _conv(f"{theirs}.block.3", f"{ours}.conv2")


def is_descript(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are descript's, with weight norm or without."""
    return any(name.startswith("decoder.model.") for name in state)


def config_of(state: Mapping[str, Tensor], rate: int) -> DACConfig:
    """The config that tensors in our layout have; only the rate is in none of them.

    A stride is half the kernel of its convolution. ValueError where the tensors are no DAC's.
    """
    blocks = [name for name in state if re.fullmatch(r"encoder\.block\.\d+\.conv1\.weight", name)]
    books = [name for name in state if re.fullmatch(r"quantizer\.quantizers\.\d+\.codebook\.weight", name)]
    needed = (
        "encoder.conv1.weight",
        "decoder.conv1.weight",
        "encoder.conv2.weight",
        "quantizer.quantizers.0.codebook.weight",
        *(f"encoder.block.{i}.conv1.weight" for i in range(max(1, len(blocks)))),
    )
    absent = [name for name in needed if name not in state or state[name].ndim < 2]
    if absent:
        raise ValueError(f"weights must be those of a DAC: they have no {', '.join(absent[:3])}")
    encoder_dim = state["encoder.conv1.weight"].shape[0]
    strides = tuple(state[f"encoder.block.{i}.conv1.weight"].shape[-1] // 2 for i in range(len(blocks)))
    latent = state["encoder.conv2.weight"].shape[0]
    size, dim = state["quantizer.quantizers.0.codebook.weight"].shape
    usual = latent == encoder_dim * 2 ** len(strides)
    return DACConfig(
        rate, encoder_dim, strides, state["decoder.conv1.weight"].shape[0], len(books), size, dim,
        None if usual else latent,
    )  # fmt: skip
