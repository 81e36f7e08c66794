"""Delay patterns: how many rows each codebook waits, and the patterns that were published."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import LONGEST, integer, listed, unknown


@dataclass(frozen=True)
class Pattern:
    """The delays of one published model, a codebook each, and where they were published."""

    delays: tuple[int, ...]
    source: str


_DIA = (0, 8, 9, 10, 11, 12, 13, 14, 15)

PATTERNS = {
    "dia": Pattern(_DIA, "nari-labs/dia, dia/config.py: the coarse code runs 8 rows ahead"),
    "dia-stereo": Pattern(_DIA * 2, "a stereo fork of Dia (document D0), first version: L0..L8, then R0..R8"),
    "dia-stereo-ramp": Pattern((*range(9),) * 2, "the same fork, later version: L0..L8, then R0..R8"),
    "moshi": Pattern(
        (0, *(0, *(1,) * 7) * 2),
        "kyutai-labs/moshi, loaders.py, the 7B dialogue model: text, 8 codebooks spoken, 8 heard",
    ),
    "musicgen": Pattern((0, 1, 2, 3), "facebookresearch/audiocraft, musicgen_lm.yaml: EnCodec, 50 Hz, mono"),
    "musicgen-dac": Pattern((*range(9),), "facebookresearch/audiocraft, docs/MUSICGEN.md: DAC at 44.1 kHz"),
    "musicgen-stereo": Pattern(
        (0, 0, 1, 1, 2, 2, 3, 3),
        "facebookresearch/audiocraft, docs/MUSICGEN.md: interleaved, 1_L 1_R 2_L 2_R ...",
    ),
}


def pattern(name: str, codebooks: int | None = None) -> tuple[int, ...]:
    """The delays of a published pattern; `parallel` has none and asks how many codebooks.

    >>> pattern("dia")
    (0, 8, 9, 10, 11, 12, 13, 14, 15)
    >>> pattern("parallel", codebooks=4)
    (0, 0, 0, 0)
    >>> pattern("musicgem")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: name='musicgem' must be one of dia, ..., parallel: did you mean 'musicgen'?
    """
    if isinstance(name, str) and name == "parallel":
        return (0,) * integer("codebooks", codebooks, least=1)
    if not isinstance(name, str) or name not in PATTERNS:
        raise unknown("name", name, [*PATTERNS, "parallel"])
    delays = PATTERNS[name].delays
    return delays if codebooks is None else check_delays(delays, codebooks)


def check_delays(delays: Iterable[int], codebooks: int | None = None) -> tuple[int, ...]:
    """delays as a tuple of Python ints, one per codebook, none negative; ValueError when they are not that.

    A list that does not fit is refused, never tiled or cut: an 18-codebook model with 9 delays fails here
    and not as a reshape error inside its loss (document D0, item 5).
    """
    checked = tuple(
        [integer(f"delays[{k}]", d, least=0, most=LONGEST) for k, d in enumerate(listed("delays", delays))]
    )
    if not checked:
        raise ValueError("delays=[] must have one entry per codebook, at least one")
    if codebooks is not None and len(checked) != integer("codebooks", codebooks, least=1):
        raise ValueError(
            f"delays={list(checked)} must have one entry per codebook: got {len(checked)} for {codebooks}"
        )
    return checked
