"""Compare and show the values that laws meet: tensors, arrays, numbers, text and plain data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

LONGEST = 24  # values of a tensor that a report prints before it says how many there are


def same(got: object, want: object) -> bool:
    """Equal in kind, shape, dtype and every value; not-a-number equals itself."""
    if isinstance(got, Tensor) and isinstance(want, Tensor):
        return (
            got.shape == want.shape
            and got.dtype == want.dtype
            and _equal(got.detach().cpu(), want.detach().cpu())
        )
    if isinstance(got, np.ndarray) and isinstance(want, np.ndarray):
        return same(torch.from_numpy(got.copy()), torch.from_numpy(want.copy()))
    if isinstance(got, (list, tuple)) and isinstance(want, (list, tuple)):
        return len(got) == len(want) and all(same(g, w) for g, w in zip(got, want, strict=True))
    if isinstance(got, dict) and isinstance(want, dict):
        return got.keys() == want.keys() and all(same(got[key], want[key]) for key in got)
    if isinstance(got, float) and isinstance(want, float) and math.isnan(got) and math.isnan(want):
        return True
    if isinstance(got, (Tensor, np.ndarray)) or isinstance(want, (Tensor, np.ndarray)):
        return False
    return bool(got == want) and isinstance(got, bool) == isinstance(want, bool)


def _equal(got: Tensor, want: Tensor) -> bool:
    if torch.equal(got, want):
        return True
    return (
        got.is_floating_point()
        and torch.equal(got.isnan(), want.isnan())
        and torch.equal(got[~got.isnan()], want[~want.isnan()])
    )


def plain(value: object) -> Any:
    """The value as JSON: tensors become {shape, dtype, values}, not-a-number and infinities become their names."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.copy())
    if isinstance(value, Tensor):
        flat = value.detach().cpu().flatten()
        data: dict[str, Any] = {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
        data["values"] = plain(flat[:LONGEST].tolist())
        if flat.numel() > LONGEST:
            data["more"] = flat.numel() - LONGEST
        return data
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)


def shown(value: object) -> str:
    """The value as one line of text."""
    data = plain(value)
    if isinstance(data, dict) and data.keys() >= {"shape", "dtype", "values"}:
        more = f", and {data['more']} more" if "more" in data else ""
        return f"{data['dtype']}{data['shape']} {data['values']}{more}"
    return data if isinstance(data, str) and data.isprintable() else repr(data)
