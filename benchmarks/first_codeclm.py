"""Dia's language model, guided: prefill and one step, beside transformers on the same weights; and on a GPU, if there is one.

Guidance is two rows a clip: its text, and nothing. Every step is timed at the same place, row PROMPT of its cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from refaudio.benchmarks.interleave import interleave
from refaudio.codeclm.cache import Cache
from refaudio.codeclm.checkpoint import cast, from_state
from refaudio.codeclm.config import CodecLMConfig
from refaudio.codeclm.config_files import as_transformers
from refaudio.codeclm.guidance import guide
from refaudio.codeclm.initialise import initialise
from refaudio.codeclm.model import CodecLM
from refaudio.codeclm.text import encode_text, pad_texts

TEXT = "[S1] This is how long a line of dialogue may be, more or less. [S2] And here is an answer of that length, too."
PROMPT = 200
CAPACITY = 512
SCALE = 3.0
Row = dict[str, object]


def rows() -> Iterator[Row]:
    """On the CPU beside transformers, then Dia's own size on a GPU."""
    yield from beside_transformers(CodecLMConfig.hundred_million(), "102 M, float32")
    yield from on_a_gpu()


@dataclass(frozen=True)
class Asked:
    """A guided pair: the text and nothing, a prompt, and the row after it."""

    text: Tensor
    mask: Tensor
    prompt: Tensor
    row: Tensor


def asked(config: CodecLMConfig, device: str = "cpu") -> Asked:
    text, _ = pad_texts([encode_text(TEXT, config.max_text)])
    text = torch.cat([text, torch.zeros_like(text)]).to(device)
    mask = text != 0
    mask[1, 0] = True
    generator = torch.Generator().manual_seed(0)
    made = torch.randint(1024, (1, PROMPT + 1, config.codebooks), generator=generator)
    made[:, 0] = config.bos
    pair = made.expand(2, -1, -1).contiguous().to(device)
    return Asked(text, mask, pair[:, :PROMPT].contiguous(), pair[:, PROMPT:].contiguous())


@torch.no_grad()
def beside_transformers(config: CodecLMConfig, size: str) -> Iterator[Row]:
    import transformers
    from transformers import DiaConfig, DiaForConditionalGeneration

    theirs = DiaForConditionalGeneration(DiaConfig(**as_transformers(config))).eval()
    ours = from_state(dict(theirs.state_dict()), config)
    them = f"transformers {transformers.__version__}"
    inputs = asked(config)
    for work, us, peer, rounds in (
        (f"prefill of {PROMPT} rows, guided, {size}", prefill(ours, inputs), peer_prefill(theirs, inputs), 6),
        (f"one step at row {PROMPT}, guided, {size}", step(ours, inputs), peer_step(theirs, inputs), 25),
    ):
        far = float((us() - peer()).abs().max())
        if far > 1e-2:
            raise RuntimeError(f"{work}: the two differ by {far:.3g}; they are not doing the same work")
        best = interleave({"refaudio": us, "control": us, them: peer}, rounds=rounds)
        control = best["control"] / best["refaudio"]
        for arm in ("refaudio", them):
            ratio = best[arm] / best["refaudio"]
            yield {
                "workload": work,
                "implementation": arm,
                "seconds": best[arm],
                "ratio": ratio,
                "control": control,
            }


def prefill(model: CodecLM, inputs: Asked) -> Callable[[], Tensor]:
    """Text and prompt to the guided logits of the first new row."""

    @torch.no_grad()
    def call() -> Tensor:
        cache = model.begin(inputs.text, inputs.mask, CAPACITY)
        return _guided(model.advance(cache, inputs.prompt))

    return call


def step(model: CodecLM, inputs: Asked) -> Callable[[], Tensor]:
    """One row, at the same place each time."""
    cache = filled(model, inputs)

    @torch.no_grad()
    def call() -> Tensor:
        back(cache)
        return _guided(model.advance(cache, inputs.row))

    return call


@torch.no_grad()
def filled(model: CodecLM, inputs: Asked) -> Cache:
    cache = model.begin(inputs.text, inputs.mask, CAPACITY)
    model.advance(cache, inputs.prompt)
    return cache


def back(cache: Cache) -> None:
    """To the end of the prompt."""
    cache.length = PROMPT
    cache.position.fill_(PROMPT)


def _guided(logits: Tensor) -> Tensor:
    cond, uncond = logits[:, -1].chunk(2)
    return guide(cond, uncond, SCALE, "s")


def peer_prefill(model: Any, inputs: Asked) -> Callable[[], Tensor]:
    """The same, through transformers' own forward and cache; its null text is as long as the text, as in its generation."""

    @torch.no_grad()
    def call() -> Tensor:
        return _peer_guided(_begun(model, inputs), inputs)

    return call


def peer_step(model: Any, inputs: Asked) -> Callable[[], Tensor]:
    with torch.no_grad():
        begun = _begun(model, inputs)
    cache, memory = begun.past_key_values, (begun.encoder_last_hidden_state,)
    both = inputs.mask[:1].expand(2, -1).long()

    @torch.no_grad()
    def call() -> Tensor:
        got = model(
            attention_mask=both,
            encoder_outputs=memory,
            decoder_input_ids=inputs.row,
            past_key_values=cache,
            use_cache=True,
        )
        cache.self_attention_cache.crop(-1)
        return _peer_guided(got, inputs)

    return call


def _begun(model: Any, inputs: Asked) -> Any:
    mask = inputs.mask[:1].expand(2, -1).long()
    return model(input_ids=inputs.text, attention_mask=mask, decoder_input_ids=inputs.prompt, use_cache=True)


def _peer_guided(got: Any, inputs: Asked) -> Tensor:
    cond, uncond = got.logits.unflatten(0, (2, -1))[:, :, -1].unsqueeze(1)
    made: Tensor = cond + SCALE * (cond - uncond)
    return made


@torch.no_grad()
def on_a_gpu() -> Iterator[Row]:
    """Dia's own size in bfloat16: eager, and compiled into a CUDA graph, against the bandwidth that a copy reaches here."""
    work = f"one step at row {PROMPT}, guided, Dia-1.6B, bfloat16"
    if not torch.cuda.is_available():
        yield {"workload": work, "implementation": "refaudio", "unclaimed": "no CUDA"}
        return
    config = CodecLMConfig.dia_1_6b_0626()
    with torch.device("meta"):
        model = CodecLM(config)
    model = model.to_empty(device="cuda")
    initialise(model, torch.Generator("cuda").manual_seed(0))
    model = cast(model, torch.bfloat16).eval().requires_grad_(False)
    inputs = asked(config, "cuda")
    cache = filled(model, inputs)
    slots = cache.slots(1)
    moved = touched(model, cache, slots)
    roof = bandwidth()

    def eager() -> Tensor:
        back(cache)
        return _guided(model.advance_unchecked(cache, inputs.row, slots))

    graph = captured(eager)
    for arm, call in (("refaudio", eager), ("refaudio, CUDA graph", graph.replay)):
        best = interleave({"arm": call}, rounds=30, block=2e-2, wait=torch.cuda.synchronize)["arm"]
        yield {
            "workload": work,
            "implementation": arm,
            "seconds": best,
            "bytes": moved,
            "roof_bytes_per_second": roof,
            "share_of_roof": moved / best / roof,
        }


def captured(call: Callable[[], object]) -> Any:
    """A call as a CUDA graph, warm."""
    side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph


def touched(model: CodecLM, cache: Cache, slots: int) -> int:
    """The bytes that a step has to read: its weights once, and the keys and values of rows and of the text."""
    unread = {"encoder", "decoder.embedding"}
    weights = sum(
        weight.nbytes
        for name, weight in model.named_parameters()
        if not any(name.startswith(part) for part in unread) and ".kv." not in name
    )
    rows = sum(k[:, :, :slots].numel() * k.element_size() * 2 for k, _ in cache.rows)
    return weights + rows + sum(k.nbytes + v.nbytes for k, v in cache.text)


def bandwidth(size: int = 2**31) -> float:
    """Bytes a second that a copy reads and writes."""
    source = torch.empty(size, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    best = interleave(
        {"copy": lambda: target.copy_(source)}, rounds=20, block=2e-2, wait=torch.cuda.synchronize
    )
    return 2 * size / best["copy"]
