"""LM, its parts: attention and norms against closed forms, published configs, and how a fresh model begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils import deterministic as _deterministic

from . import draw, draw_lm
from .budget import budget
from .delay_use import PATTERNS
from .law import Implementation, expect, expect_that, law
from .lm import make_rows, make_text
from .oracles_lm import attended, normed


@law(
    "LM-006",
    needs="attend",
    effect="a model decoded on another path than it was trained on (a fallback, a grouped kernel) gives noise, or NaN for an empty text",
    origin={
        "codeclm:22": "the scale of 1.0 was restored in one path and forgotten in others",
        "codeclm:24": "softmax over no key at all is NaN",
    },
    witnesses=[
        "closed form in float64",
        "torch's scaled_dot_product_attention, which gives 0 for a query without keys",
    ],
    since="2026.1",
    mutants=["scale-of-the-textbook", "groups-interleaved", "nothing-is-nan", "mask-is-added"],
    draws={
        "batch": draw.batch(),
        "groups": draw.integer(1, 3),
        "shared": draw.integer(1, 3),
        "queries": draw.integer(1, 5),
        "keys": draw.integer(1, 5),
        "scale": draw.choice(1.0, 0.125, 0.3),
        "hidden": draw.choice(0.0, 0.3, 0.8, 1.0),
        "seed": draw.seed(),
    },
    regions={
        "grouped": lambda case: case["shared"] > 1 and case["groups"] > 1,
        "Dia's scale": lambda case: case["scale"] == 1.0,
        "nothing to attend to": lambda case: case["hidden"] == 1.0,
        "queries == keys": lambda case: case["queries"] == case["keys"],
    },
)
def attends_as_defined(
    impl: Implementation,
    batch: int,
    groups: int,
    shared: int,
    queries: int,
    keys: int,
    scale: float,
    hidden: float,
    seed: int,
) -> None:
    """attend: q (B, H, T, D), k, v (B, G, S, D), mask (B, T, S) -> softmax(scale q k) v (B, H, T, D); a query without keys gives 0."""
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(batch, groups * shared, queries, 8, generator=generator)
    k, v = torch.randn(2, batch, groups, keys, 8, generator=generator)
    mask = torch.rand(batch, queries, keys, generator=generator) >= hidden
    exact = attended(q.double(), k.double(), v.double(), mask, scale)
    within = budget(exact, attended(q, k, v, mask, scale), "network")
    expect(impl.attend(q, k, v, mask, scale), exact, "what attention gives", within=within)


@law(
    "LM-007",
    needs="rms_norm",
    effect="half precision turns quiet features into zeros and loud ones into infinities: silence, or NaN after some hundred rows",
    origin={
        "codeclm:25": "float16 overflows in the square of 256; upstream keeps the weights of norms in float32"
    },
    witnesses=[
        "closed form in float64, of the very numbers that were handed over",
        "transformers' DiaRMSNorm takes its statistics in float32",
    ],
    since="2026.1",
    mutants=["norm-in-half-precision", "subtracts-the-mean", "eps-outside-the-root"],
    draws={
        "dtype": draw.choice("float32", "bfloat16", "float16"),
        "size": draw.choice(1.0, 1e-3, 300.0, 10000.0),
        "width": draw.integer(2, 40),
        "seed": draw.seed(),
    },
    regions={
        "loud in float16": lambda case: case["dtype"] == "float16" and case["size"] >= 300,
        "quiet": lambda case: case["size"] < 1,
    },
)
def norms_in_wide_numbers(impl: Implementation, dtype: str, size: float, width: int, seed: int) -> None:
    """rms_norm(x (B, T, D), weight (D), eps) is x / sqrt(mean(x^2) + eps) * weight, in any precision of x, at any level."""
    generator = torch.Generator().manual_seed(seed)
    x = (torch.randn(2, 3, width, generator=generator).clamp(-4, 4) * size).to(getattr(torch, dtype))
    weight = 1 + torch.rand(width, generator=generator)
    exact = normed(x.double(), weight.double(), 1e-5)
    within = budget(exact, normed(x.float(), weight, 1e-5).to(x.dtype), "elementwise")
    expect(impl.rms_norm(x, weight, 1e-5), exact, "the norm", within=within)


_DIA = {
    "delays": PATTERNS["dia"],
    "vocabulary": 1028,
    "special": {"eos": 1024, "pad": 1025, "bos": 1026},
    "text": {"vocabulary": 256, "positions": 1024},
    "rows": 3072,
    "encoder": {"layers": 12, "width": 1024, "hidden": 4096, "heads": 16, "kv_heads": 16, "head_dim": 128},
    "decoder": {"layers": 18, "width": 2048, "hidden": 8192, "heads": 16, "kv_heads": 4, "head_dim": 128},
    "cross": {"heads": 16, "kv_heads": 16, "head_dim": 128},
    "scale": 1.0,
    "eps": 1e-5,
    "rope": 10000.0,
}
CHECKPOINTS = {
    "dia-1.6b": {**_DIA, "cross_rotary": True},
    "dia-1.6b-0626": {**_DIA, "cross_rotary": False},
}


@law(
    "LM-008",
    needs="published",
    effect="published weights load without an error and speak noise: the numbers that no tensor tells are another checkpoint's",
    origin={
        "codeclm:23": "the release of June 2025 removed the rotation from cross-attention, and its weights go with that",
        "codeclm:22": "the scale of 1.0 is written in the code alone, in no config",
    },
    witnesses=[
        "the code that was released with each checkpoint",
        "transformers' defaults, for the second",
    ],
    since="2026.1",
    mutants=["one-rotation-for-both", "textbook-scale-in-the-config"],
    draws={"name": draw.named(*CHECKPOINTS, size="checkpoint")},
    regions=draw_lm.regions("name", *CHECKPOINTS),
)
def knows_published_models(impl: Implementation, name: str) -> None:
    """published(name) tells what a checkpoint's tensors cannot: its scale, rotations, delays and special ids, and its sizes."""
    expect(impl.published(name), CHECKPOINTS[name], "the published config")


@law(
    "LM-009",
    needs="init_projection",
    effect="from scratch, the loss stays where it began for thousands of steps: every layer starts ten to eighty times too small",
    origin={
        "codeclm:29": "xavier_uniform_ on a kernel (in, heads, features) takes heads for inputs and multiplies by features"
    },
    witnesses=[
        "algebra: the variance of a sum over n inputs is n times that of a term",
        "torch's own initialisation of a linear layer of these sizes",
    ],
    since="2026.1",
    cost="model",
    mutants=["fans-of-a-kernel", "variance-for-deviation", "one-head-only"],
    draws={
        "role": draw.choice("queries", "output", "gate and up", "head"),
        "width": draw.choice(256, 512),
        "heads": draw.choice(4, 8),
        "features": draw.choice(64, 128),
        "seed": draw.seed(),
    },
    regions=draw_lm.regions("role", "queries", "output", "gate and up", "head"),
)
def keeps_the_variance(
    impl: Implementation, role: str, width: int, heads: int, features: int, seed: int
) -> None:
    """init_projection(inputs, outputs, seed): a fresh weight whose outputs are as large as its inputs, within 0.3 and 2.5, whatever its axes."""
    inputs, outputs = {
        "queries": ([width], [heads, features]),
        "output": ([heads, features], [width]),
        "gate and up": ([width], [2, 2 * width]),
        "head": ([width], [3, features]),
    }[role]
    weight: Tensor = impl.init_projection(inputs, outputs, seed)
    expect(weight.numel(), math.prod(inputs) * math.prod(outputs), "how many weights")
    gain = float(weight.double().square().mean().sqrt()) * math.sqrt(math.prod(inputs))
    expect_that(0.3 <= gain <= 2.5, "the gain", got=gain, want="between 0.3 and 2.5")


@law(
    "LM-010",
    needs="init_attention",
    effect="training from scratch explodes after some hundred steps, whatever the batch, the learning rate and the warm-up: a month was lost to it",
    origin={
        "codeclm:22": "a fork trained from scratch under the scale of 1.0 with ordinary weights, until it restored the textbook's",
        "codeclm:29": "with a scale of 1.0 queries have to begin smaller by the root of their features",
    },
    witnesses=[
        "algebra: a sum of n products of unit numbers has the deviation sqrt(n)",
        "the textbook scale with ordinary weights passes, and so does the scale of 1 with smaller queries",
    ],
    since="2026.1",
    cost="model",
    mutants=["scale-of-one-with-ordinary-weights"],
    draws={
        "width": draw.choice(64, 256, 2048),
        "heads": draw.choice(1, 2),
        "features": draw.choice(64, 128),
        "seed": draw.seed(),
    },
    regions={
        "Dia's heads": lambda case: case["features"] == 128,
        "Dia's width": lambda case: case["width"] == 2048,
    },
)
def attention_begins_soft(impl: Implementation, width: int, heads: int, features: int, seed: int) -> None:
    """init_attention: fresh kernels q, k (D, H, F) and their scale; for unit inputs the logits scale * q k deviate by 3 at most."""
    q, k, scale = impl.init_attention(width, heads, features, seed)
    x, y = torch.randn(2, 64, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    queries, keys = (torch.einsum("ti,ihf->htf", z, kernel.double()) for z, kernel in ((x, q), (y, k)))
    deviation = float((queries @ keys.mT * scale).std())
    expect_that(deviation <= 3, "the deviation of the logits", got=deviation, want="3 at most, 1 at best")


@law(
    "LM-011",
    needs="init",
    effect="the first step is NaN on some machines and fine on others, or the first thousand steps are spent on unlearning",
    origin={
        "codeclm:29": "a fresh model has to start near a loss of ln V; what nobody fills holds whatever memory held"
    },
    witnesses=[
        "closed form: to know nothing of V ids costs ln V",
        "a fresh transformers' Dia costs that",
    ],
    since="2026.1",
    cost="model",
    mutants=["a-norm-is-left-empty", "loud-head"],
    draws={"seed": draw.seed(), "codebooks": draw_lm.codebooks(1, 2, 3)},
    regions={"one codebook": lambda case: case["codebooks"] == 1},
)
def fresh_models_know_nothing(impl: Implementation, seed: int, codebooks: int) -> None:
    """init(codebooks, seed) gives logits (B, R, K, V) whose loss on random rows is ln V within 5 %, also where fresh memory holds NaN."""
    with _nan_in_fresh_memory():
        network = impl.init(codebooks, seed)
        text, mask = make_text(seed, [5, 3, 1])
        rows = make_rows(seed, 3, 17, codebooks)
        logits: Tensor = network(text, mask, rows[:, :-1])
    told = torch.log_softmax(logits.double(), dim=-1)
    loss = -float(told.gather(-1, rows[:, 1:, :, None]).mean())
    want = math.log(logits.shape[-1])
    expect_that(abs(loss - want) <= 0.05 * want, "the first loss", got=loss, want=f"{want:.3f} within 5 %")


@contextmanager
def _nan_in_fresh_memory() -> Iterator[None]:
    """torch.empty gives NaN, as it may at any time."""
    deterministic: Any = _deterministic  # its attribute is set by name alone
    was = torch.are_deterministic_algorithms_enabled()
    warns, fills = (
        torch.is_deterministic_algorithms_warn_only_enabled(),
        deterministic.fill_uninitialized_memory,
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warns)
        deterministic.fill_uninitialized_memory = fills
