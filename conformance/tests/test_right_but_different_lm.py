"""Language models written otherwise pass as well: a law forbids a bug, not a style."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio.codeclm.checkpoint import load_model
from refaudio.conformance.adapters import reference_lm as right
from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text
from refaudio.spec.oracles_lm import Plain


def padded_ids(text: str) -> Tensor:
    """nari's way: a tensor, padded with 0 to the longest text that there may be."""
    ids = right.encode_text(text)
    return torch.nn.functional.pad(torch.tensor(ids, dtype=torch.int64), (0, 1024 - len(ids)))


def cuts_and_warns(text: str) -> list[int]:
    ids = _ids(text)
    if len(ids) > 1024:
        warnings.warn(f"the text is cut: {len(ids)} bytes", stacklevel=2)
    return ids[:1024]


def cuts_and_logs(text: str) -> list[int]:
    ids = _ids(text)
    if len(ids) > 1024:
        logging.getLogger("somebodys.text").warning("the text is cut: %d bytes", len(ids))
    return ids[:1024]


def drops_control_bytes(text: str) -> list[int]:
    return _ids("".join(letter for letter in text if ord(letter) > 2))


def escapes_control_bytes(text: str) -> list[int]:
    return _ids("".join(letter if ord(letter) > 2 else f"\\x0{ord(letter)}" for letter in text))


def _ids(text: str) -> list[int]:
    return list(text.encode().replace(b"[S1]", b"\1").replace(b"[S2]", b"\2"))


def plain_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """In float64, without fused projections, and with the text padded to 40 bytes, as a fixed shape wants it."""
    more = max(0, 40 - text.shape[1])
    text, mask = (
        torch.nn.functional.pad(text, (0, more)),
        torch.nn.functional.pad(mask, (0, more), value=False),
    )
    weights = right.plain(rows.shape[2])
    return Plain(weights.state, weights.shape, torch.float64)(text, mask, rows)


def replays(state: Any, rows: Tensor) -> tuple[Tensor, Any]:
    """No cache at all: every step runs over all rows again, and the state is a new value."""
    text, mask, earlier = state
    known = rows if earlier is None else torch.cat([earlier, rows], dim=1)
    return plain_logits(text, mask, known)[:, -rows.shape[1] :], (text, mask, known)


def null_of_the_texts_length(text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Dia's way: zeros under the text's own mask."""
    return torch.zeros_like(text), mask


def null_is_all_masked(text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The trainers' way, right where an empty text is treated so too."""
    return torch.zeros_like(text), torch.zeros_like(mask)


class NothingAddsNothing(Plain):
    """Attention to no key at all is zero."""

    def seen(self, mask: Tensor) -> Tensor:
        return mask


def attends_to_nothing(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    weights = right.plain(rows.shape[2])
    return NothingAddsNothing(weights.state, weights.shape, torch.float32)(text, mask, rows)


def folded_scale(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    """The scale goes into q, and torch's own is undone."""
    shared = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
    return torch.nn.functional.scaled_dot_product_attention(
        q * scale * q.shape[-1] ** 0.5, k, v, attn_mask=mask[:, None]
    )


def norm_of_float32(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """The result stays float32, and the weight is applied after the cast."""
    return weight * torch.nn.functional.rms_norm(x.float(), x.shape[-1:], None, eps).to(x.dtype)


def kaiming(inputs: list[int], outputs: list[int], seed: int) -> Tensor:
    torch.manual_seed(seed)
    return torch.nn.Linear(torch.Size(inputs).numel(), torch.Size(outputs).numel()).weight.detach()


def two_per_cent(inputs: list[int], outputs: list[int], seed: int) -> Tensor:
    """transformers' initializer_range."""
    generator = torch.Generator().manual_seed(seed)
    return 0.02 * torch.randn(*outputs, torch.Size(inputs).numel(), generator=generator)


def textbook_attention(width: int, heads: int, features: int, seed: int) -> tuple[Tensor, Tensor, float]:
    generator = torch.Generator().manual_seed(seed)
    q, k = torch.randn(2, width, heads, features, generator=generator) * width**-0.5
    return q, k, features**-0.5


def refuses_stereo(state: dict[str, Tensor], codebooks: int) -> dict[str, Tensor]:
    if f"decoder.embeddings.{codebooks}.weight" in state:
        raise AssertionError("not a mono checkpoint")
    return right.expand_to_stereo(state, codebooks)


def one_layout(folder: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A port that reads one layout only, and computes in float64."""
    return load_model(folder).double()


LM = {"logits": plain_logits, "begin": lambda text, mask: (text, mask, None), "advance": replays}


@pytest.mark.parametrize(
    ("bound", "laws"),
    [
        ({"encode_text": padded_ids}, "TEXT-001 TEXT-002 TEXT-003"),
        ({"encode_text": cuts_and_warns}, "TEXT-001 TEXT-002"),
        ({"encode_text": cuts_and_logs}, "TEXT-002"),
        ({"encode_text": drops_control_bytes}, "TEXT-001 TEXT-002 TEXT-003"),
        ({"encode_text": escapes_control_bytes}, "TEXT-003"),
        (LM, "LM-001 LM-002 LM-003 LM-004"),
        ({"logits": plain_logits, "null_text": null_of_the_texts_length}, "LM-005"),
        ({"logits": right.logits, "null_text": null_is_all_masked}, "LM-005"),
        ({"logits": attends_to_nothing, "null_text": null_is_all_masked}, "LM-005"),
        ({"attend": folded_scale}, "LM-006"),
        ({"rms_norm": norm_of_float32}, "LM-007"),
        ({"init_projection": kaiming}, "LM-009"),
        ({"init_projection": two_per_cent}, "LM-009"),
        ({"init_attention": textbook_attention}, "LM-010"),
        ({"expand_to_stereo": refuses_stereo}, "STEREO-001 STEREO-002 STEREO-003"),
        ({"load_model": one_layout, "SIZES": {"layout": ["transformers"]}}, "CKPT-001 CKPT-004"),
    ],
)
def test_right_but_different_is_green(bound: dict[str, Any], laws: str) -> None:
    report = check(SimpleNamespace(**bound), only=laws.split(), profile="quick")
    assert report.counts["pass"] == len(laws.split()), "\n".join(map(failure_text, report.results))
