"""What a codec language model is built of: published numbers under their names, and every convention spelt out.

>>> CodecLMConfig.dia_1_6b_0626().codebooks
9
>>> CodecLMConfig.dia_1_6b().cross_rotary, CodecLMConfig.dia_1_6b_0626().cross_rotary
(True, False)
"""

from dataclasses import dataclass, replace

from ..errors import integer, positive
from .patterns import check_delays, pattern


@dataclass(frozen=True)
class Stack:
    """One transformer: heads query heads read kv_heads key heads, head_dim features each; the MLP is hidden wide.

    Heads need not fill the width: Dia's text encoder has 16 heads of 128 at width 1024.
    """

    layers: int
    width: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int

    def __post_init__(self) -> None:
        for name in ("layers", "width", "hidden"):
            integer(name, getattr(self, name), least=1)
        check_heads("", self.heads, self.kv_heads, self.head_dim)


@dataclass(frozen=True)
class CodecLMConfig:
    """A text encoder, a decoder over delayed rows (B, R, K), and what a checkpoint means by its numbers.

    scale: what every attention multiplies its logits with. Dia's weights want 1, not head_dim ** -0.5.
    cross_rotary: whether cross-attention turns queries by row and keys by text position: a property of a checkpoint.
    guidance: "s" is Dia's cond + s (cond - uncond), neutral at 0; "w" is uncond + w (cond - uncond), neutral at 1.
    """

    encoder: Stack
    decoder: Stack
    cross_heads: int
    cross_kv_heads: int
    cross_head_dim: int
    delays: tuple[int, ...]
    scale: float = 1.0
    cross_rotary: bool = False
    guidance: str = "s"
    vocabulary: int = 1028
    eos: int = 1024
    pad: int = 1025
    bos: int = 1026
    text_vocabulary: int = 256
    max_text: int = 1024
    max_rows: int = 3072
    eps: float = 1e-5
    base: float = 10_000.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "delays", check_delays(self.delays))
        check_heads("cross_", self.cross_heads, self.cross_kv_heads, self.cross_head_dim)
        for name in ("scale", "eps", "base"):
            positive(name, getattr(self, name))
        for name in ("vocabulary", "text_vocabulary", "max_text", "max_rows"):
            integer(name, getattr(self, name), least=1)
        for name in ("eos", "pad", "bos"):
            integer(name, getattr(self, name), least=0, most=self.vocabulary - 1)
        if self.guidance not in ("s", "w"):
            raise ValueError(f"guidance={self.guidance!r} must be 's' or 'w'")

    @property
    def codebooks(self) -> int:
        """K: one delay each."""
        return len(self.delays)

    @classmethod
    def dia_1_6b_0626(cls) -> "CodecLMConfig":
        """nari-labs/Dia-1.6B-0626: 1 611 160 576 parameters."""
        return cls(
            encoder=Stack(layers=12, width=1024, hidden=4096, heads=16, kv_heads=16, head_dim=128),
            decoder=Stack(layers=18, width=2048, hidden=8192, heads=16, kv_heads=4, head_dim=128),
            cross_heads=16,
            cross_kv_heads=16,
            cross_head_dim=128,
            delays=pattern("dia"),
        )

    @classmethod
    def dia_1_6b(cls) -> "CodecLMConfig":
        """nari-labs/Dia-1.6B, the first checkpoint: its code also rotates cross-attention."""
        return replace(cls.dia_1_6b_0626(), cross_rotary=True)

    @classmethod
    def dia_stereo(cls) -> "CodecLMConfig":
        """18 codebooks, left then right, with Dia's delays twice: the stereo fork of document D0, at first."""
        return replace(cls.dia_1_6b_0626(), delays=pattern("dia-stereo"))

    @classmethod
    def dia_stereo_ramp(cls) -> "CodecLMConfig":
        """18 codebooks with the delays 0..8 twice, and guidance as the stereo fork came to write it."""
        return replace(cls.dia_1_6b_0626(), delays=pattern("dia-stereo-ramp"), guidance="w")

    @classmethod
    def hundred_million(cls) -> "CodecLMConfig":
        """Dia's proportions at 102 M parameters: what parity and benchmarks run on."""
        return replace(
            cls.dia_1_6b_0626(),
            encoder=Stack(layers=4, width=384, hidden=1536, heads=6, kv_heads=6, head_dim=64),
            decoder=Stack(layers=8, width=768, hidden=2816, heads=12, kv_heads=3, head_dim=64),
            cross_heads=12,
            cross_kv_heads=12,
            cross_head_dim=64,
        )

    @classmethod
    def tiny(cls, delays: tuple[int, ...] = (0, 2, 3)) -> "CodecLMConfig":
        """Small enough for a test, with no two sizes alike that could be mistaken for each other."""
        return cls(
            encoder=Stack(layers=1, width=12, hidden=20, heads=2, kv_heads=2, head_dim=8),
            decoder=Stack(layers=2, width=24, hidden=28, heads=6, kv_heads=2, head_dim=4),
            cross_heads=3,
            cross_kv_heads=3,
            cross_head_dim=6,
            delays=delays,
            max_text=64,
            max_rows=64,
        )


def check_heads(which: str, heads: int, kv_heads: int, head_dim: int) -> None:
    """Query heads share key heads evenly, and features turn in pairs."""
    integer(f"{which}heads", heads, least=1)
    if heads % integer(f"{which}kv_heads", kv_heads, least=1):
        raise ValueError(f"{which}heads={heads} must be a multiple of {which}kv_heads={kv_heads}")
    if integer(f"{which}head_dim", head_dim, least=2) % 2:
        raise ValueError(f"{which}head_dim={head_dim} must be even: features turn in pairs")
