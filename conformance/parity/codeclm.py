"""The codec language model beside transformers' Dia, on the same random weights of gain 1."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from refaudio.codeclm.checkpoint import from_state
from refaudio.codeclm.config import CodecLMConfig
from refaudio.codeclm.config_files import as_transformers
from refaudio.codeclm.guidance import guide
from refaudio.codeclm.layers import CrossAttention, SelfAttention
from refaudio.codeclm.model import CodecLM
from refaudio.codeclm.text import encode_text, null_text, pad_texts
from refaudio.spec.budget import EPS, FACTOR, budget, error

from .row import Row

TITLE = "Dia, the language model"
SCALE = 3.0  # of guidance, in Dia's convention
TEXTS = {
    "equal texts": ["[S1] the same length.", "[S2] as long as that."],
    "unequal texts": [
        "[S1] Hello there, how do you do? [S2] Very well!",
        "[S1] Hello there, how do you do? [S2] So well!",
    ],
}
ROWS = 40
MUTABLE = ("tiny, 12 codebooks", replace(CodecLMConfig.tiny(), delays=(*range(12),)))
SIZES = {
    "tiny": CodecLMConfig.tiny(),
    MUTABLE[0]: MUTABLE[1],
    "102 M": CodecLMConfig.hundred_million(),
}


def peers() -> str:
    import transformers

    return f"transformers {transformers.__version__}"


def rows() -> Iterator[Row]:
    for size, config in SIZES.items():
        torch.manual_seed(0)
        theirs = peer(config)
        ours = from_state(dict(theirs.state_dict()), config)
        for kind, texts in TEXTS.items():
            yield from forward(f"{size}, {kind}", ours, theirs, texts)
        yield from prompts(size, ours, theirs)
        yield from steps(size, ours)
        if (size, config) == MUTABLE:
            yield from mutations(ours, theirs)
            yield from compiled(size, ours)


def peer(config: CodecLMConfig) -> Any:
    """transformers' Dia of these sizes: weights of gain 1, queries smaller by sqrt(head_dim), as its scale of 1 wants them."""
    from transformers import DiaConfig, DiaForConditionalGeneration

    model = DiaForConditionalGeneration(DiaConfig(**as_transformers(config))).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator)
            if weight.ndim == 1:
                drawn = 1 + 0.1 * drawn
            elif "embed" not in name:
                drawn *= weight.shape[1] ** -0.5
            if "q_proj" in name:
                side = config.decoder if "decoder" in name else config.encoder
                drawn *= (config.cross_head_dim if "cross" in name else side.head_dim) ** -0.5
            weight.copy_(drawn)
    return model


def asked(config: CodecLMConfig, texts: list[str], count: int = ROWS) -> tuple[Tensor, Tensor, Tensor]:
    """Texts and random rows that start with BOS."""
    text, mask = pad_texts([encode_text(each) for each in texts])
    generator = torch.Generator().manual_seed(1)
    made = torch.randint(1024, (len(texts), count, config.codebooks), generator=generator)
    made[:, 0] = config.bos
    return text, mask, made


@torch.no_grad()
def guided(ours: CodecLM, text: Tensor, mask: Tensor, made: Tensor) -> Tensor:
    """Our logits (B, R, K, V), guided."""
    return guide(ours(text, mask, made), ours(*null_text(len(text)), made), SCALE, "s")


@torch.no_grad()
def guided_peer(theirs: Any, text: Tensor, mask: Tensor, made: Tensor) -> Tensor:
    """Theirs, as their generation does it: the null text is zeros of the text's length under its mask."""
    batch, count, codebooks = made.shape
    got = theirs(
        input_ids=torch.cat([text, torch.zeros_like(text)]),
        attention_mask=torch.cat([mask, mask]).long(),
        decoder_input_ids=torch.cat([made, made]),
    )
    logits = got.logits.view(2 * batch, codebooks, count, -1).transpose(1, 2)
    cond, uncond = logits.chunk(2)
    result: Tensor = cond + SCALE * (cond - uncond)
    return result


@torch.no_grad()
def forward(what: str, ours: CodecLM, theirs: Any, texts: list[str]) -> Iterator[Row]:
    """The encoder, and the guided logits, in float32 and in float64."""
    text, mask, made = asked(ours.config, texts)
    exact = copy.deepcopy(ours).double()
    wide = copy.deepcopy(theirs).double()

    memory = exact.encode(text, mask)[0][mask]
    got, want = (
        ours.encode(text, mask)[0][mask],
        theirs.model.encoder(text, mask.long()).last_hidden_state[mask],
    )
    share = float(mask.float().mean())
    left = "" if bool(mask.all()) else f"{int((~mask).sum())} padding positions, which nothing reads"
    yield Row(f"encoder, {what}", error(got, want), budget(memory, want, "network").allowed, share, left)

    reference = guided(exact, text, mask, made)
    plain = guided_peer(theirs, text, mask, made)
    allowed = budget(reference, plain, "network").allowed
    yield Row(f"guided logits, {what}", error(guided(ours, text, mask, made), plain), allowed)
    # Their norms and softmax are float32 in a float64 model too, so ours is the reference here.
    in_64 = error(guided_peer(wide, text, mask, made), reference)
    yield Row(f"guided logits in float64, {what}", in_64, FACTOR["network"] * EPS[torch.float32])


@torch.no_grad()
def prompts(size: str, ours: CodecLM, theirs: Any) -> Iterator[Row]:
    """Prompts of unequal length: ours in one batch, padded at the end; theirs one by one."""
    text, mask, made = asked(ours.config, TEXTS["equal texts"])
    lengths = [ROWS, ROWS - 3]
    made[1, lengths[1] :] = ours.config.pad
    batch, exact = guided(ours, text, mask, made), guided(copy.deepcopy(ours).double(), text, mask, made)
    alone = [
        guided_peer(theirs, text[b : b + 1], mask[b : b + 1], made[b : b + 1, :count])[0]
        for b, count in enumerate(lengths)
    ]

    def real(logits: Tensor) -> Tensor:
        return torch.cat([logits[b, :count] for b, count in enumerate(lengths)])

    allowed = budget(real(exact), torch.cat(alone), "network").allowed
    share = sum(lengths) / (len(lengths) * ROWS)
    left = f"{len(lengths) * ROWS - sum(lengths)} rows after the end of the shorter prompt"
    yield Row(
        f"guided logits, {size}, unequal prompts", error(real(batch), torch.cat(alone)), allowed, share, left
    )


@torch.no_grad()
def steps(size: str, ours: CodecLM, count: int = 12) -> Iterator[Row]:
    """A prefill of p rows and single steps, for every p, against the whole: the worst of them."""
    text, mask, made = asked(ours.config, TEXTS["unequal texts"], count)
    exact, whole = copy.deepcopy(ours).double()(text, mask, made), ours(text, mask, made)
    worst = max(error(in_steps(ours, ours.advance, text, mask, made, p), whole) for p in range(count + 1))
    allowed = budget(exact, whole, "network").allowed
    yield Row(f"steps after a prefill of 0 to {count} rows, against the whole, {size}", worst, allowed)


def in_steps(
    ours: CodecLM, advance: Callable[..., Tensor], text: Tensor, mask: Tensor, made: Tensor, prefill: int
) -> Tensor:
    """The logits of a prefill and single steps."""
    cache = ours.begin(text, mask, made.shape[1])
    cuts = [prefill] * (prefill > 0) + [1] * (made.shape[1] - prefill)
    return torch.cat([advance(cache, part) for part in torch.split(made, cuts, dim=1)], dim=1)


@torch.no_grad()
def compiled(size: str, ours: CodecLM) -> Iterator[Row]:
    """torch.compile, as one graph, of the whole and of a step."""
    text, mask, made = asked(ours.config, TEXTS["unequal texts"], 12)
    exact, whole = copy.deepcopy(ours).double()(text, mask, made), ours(text, mask, made)
    allowed = budget(exact, whole, "network").allowed
    got = torch.compile(ours.forward, fullgraph=True)(text, mask, made)
    yield Row(f"compiled, the whole, {size}", error(got, whole), allowed)
    step = torch.compile(ours.advance_unchecked, fullgraph=True)

    def advance(cache: Any, part: Tensor) -> Tensor:
        logits: Tensor = step(cache, part, made.shape[1])
        return logits

    got = in_steps(ours, advance, text, mask, made, 4)
    yield Row(f"compiled, a prefill of 4 and 8 steps, {size}", error(got, whole), allowed)


@torch.no_grad()
def mutations(ours: CodecLM, theirs: Any) -> Iterator[Row]:
    """Each structural mistake by itself, against the peer."""
    text, mask, made = asked(ours.config, TEXTS["unequal texts"])
    plain = guided_peer(theirs, text, mask, made)
    reference = guided(copy.deepcopy(ours).double(), text, mask, made)
    allowed = budget(reference, plain, "network").allowed
    for what, mutate in MUTATIONS.items():
        wrong = mutate(copy.deepcopy(ours))
        yield Row(what, error(guided(wrong, text, mask, made), plain), allowed, mutation=True)


def _swap(
    name: str, sizes: Callable[[CodecLMConfig], list[int]], order: list[int]
) -> Callable[[CodecLM], CodecLM]:
    """The parts of the fused weights of this name in another order."""

    def mutate(model: CodecLM) -> CodecLM:
        for key, weight in model.named_parameters():
            if name in key:
                parts = torch.split(weight, sizes(model.config))
                weight.copy_(torch.cat([parts[i] for i in order]))
        return model

    return mutate


def _queries(config: CodecLMConfig) -> list[int]:
    return [config.encoder.heads * config.encoder.head_dim] * 3


def _heads(model: CodecLM) -> CodecLM:
    """Features of heads in place of heads of features, in the values of the text encoder."""
    config = model.config.encoder
    for layer in model.encoder.layers:
        values = layer.get_parameter("attention.qkv.weight")[-config.heads * config.head_dim :]
        values.copy_(values.reshape(config.heads, config.head_dim, -1).transpose(0, 1).flatten(0, 1))
    return model


def _text_order(model: CodecLM) -> CodecLM:
    """Tables sorted as text: 0, 1, 10, 11, 2."""
    config = model.config
    tables = model.decoder.embedding.weight.reshape(config.codebooks, config.vocabulary, -1)
    order = sorted(range(config.codebooks), key=str)
    model.decoder.embedding.weight.copy_(tables[order].flatten(0, 1))
    return model


def _rotated(model: CodecLM) -> CodecLM:
    """Cross-attention rotated, as in the first release."""
    model.config = replace(model.config, cross_rotary=True)
    return model


def _textbook(model: CodecLM) -> CodecLM:
    """1 / sqrt(head_dim) in place of 1."""
    for module in model.modules():
        if isinstance(module, (SelfAttention, CrossAttention)):
            module.scale = module.head_dim**-0.5
    return model


MUTATIONS: dict[str, Callable[[CodecLM], CodecLM]] = {
    "q and k exchanged in the encoder": _swap("encoder.layers.0.attention.qkv", _queries, [1, 0, 2]),
    "gate and up exchanged": _swap(
        "decoder.layers.0.mlp.gate_up", lambda config: [config.decoder.hidden] * 2, [1, 0]
    ),
    "cross-attention rotated": _rotated,
    "heads and features exchanged": _heads,
    "tables in the order of text": _text_order,
    "the textbook's attention scale": _textbook,
}
