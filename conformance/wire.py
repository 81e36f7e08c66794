"""Values as files: what a law hands to another program, and what that program hands back.

Plain data travels as JSON and tensors as safetensors: {"tensor": "0"} stands where tensor "0" belongs, and
{"float": "nan"} (or "inf", "-inf") for what JSON has no number for. What comes back is trusted in nothing.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

# The names are those of the safetensors format.
DTYPES = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64",
    torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64",
}  # fmt: skip
# A law's cases are small: what is larger than this is a mistake, and is not read.
LARGEST = {"status": 16, "warnings": 2**16, "out.json": 2**20, "out.safetensors": 2**24}
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Garbage(Exception):
    """A program wrote something that is no answer."""


@dataclass(frozen=True)
class Request:
    """One call of a function, as the bytes of in.json and in.safetensors; whether it names a file."""

    function: str
    text: bytes
    tensors: bytes
    files: bool = False


def encode(function: str, arguments: Sequence[Any]) -> Request:
    """The request of one call; a network, a codec or an iterator does not cross, and declines the case."""
    tensors: dict[str, Tensor] = {}
    files = False

    def plain(value: Any) -> Any:
        nonlocal files
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(value)
        if isinstance(value, Tensor) and value.dtype in DTYPES:
            name = str(len(tensors))
            tensors[name] = value.detach().cpu().contiguous()
            return {"tensor": name}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, Path):
            files = True
            return str(value)
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": str(value)}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise NotImplementedError(f"{function} is handed a {type(value).__name__}, which no file can hold")

    document = {"function": function, "arguments": [plain(argument) for argument in arguments]}
    return Request(function, json.dumps(document).encode(), _packed(tensors) if tensors else b"", files)


def _packed(tensors: dict[str, Tensor]) -> bytes:
    """The tensors as safetensors: a length, a JSON header, the values. By hand, a quarter of what a check spends here."""
    values, header, end = [], {}, 0
    for name, tensor in tensors.items():
        values.append(tensor.flatten().view(torch.uint8).numpy().tobytes())
        begin, end = end, end + len(values[-1])
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    # compact, as every writer of the format has it; filled up with blanks so that the values are aligned
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *values])


def decode(text: bytes | None, tensors: bytes | None) -> Any:
    """The value that out.json and out.safetensors hold; with no out.json, the one tensor."""
    if text is None and tensors is None:
        raise Garbage("neither out.json nor out.safetensors was written")
    known = {} if tensors is None else _tensors(tensors)
    if text is not None:
        return _filled(_json(text), known)
    if len(known) != 1:
        raise Garbage(
            f"out.safetensors holds {len(known)} tensors and no out.json says which one is the result"
        )
    return next(iter(known.values()))


def _json(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Garbage(f"out.json is no JSON: {error}") from error


def _no_number(name: str) -> Any:
    raise ValueError(f'{name} is no number in JSON: write {{"float": "nan"}}, "inf" or "-inf"')


def _tensors(data: bytes) -> dict[str, Tensor]:
    try:
        found: dict[str, Tensor] = load_tensors(data)
    except (SafetensorError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise Garbage(
            f"out.safetensors is no safetensors file: {' '.join(str(error).split())[:120]}"
        ) from error
    for name, tensor in found.items():
        if tensor.dtype not in DTYPES:
            raise Garbage(f"tensor {name!r} of out.safetensors has the dtype {tensor.dtype}")
    return found


def _filled(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value with its tensors in their places."""
    if isinstance(value, list):
        return [_filled(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"tensor"}:
        if value["tensor"] not in list(tensors):
            raise Garbage(f"out.json names tensor {value['tensor']!r}: out.safetensors has {list(tensors)}")
        return tensors[value["tensor"]].clone()
    if value.keys() == {"float"}:
        if value["float"] not in list(NOT_FINITE):
            raise Garbage(f"out.json holds the float {value['float']!r}: known are {', '.join(NOT_FINITE)}")
        return NOT_FINITE[value["float"]]
    return {key: _filled(item, tensors) for key, item in value.items()}


def read(path: Path) -> bytes | None:
    """The bytes of a file that a program wrote; None where there is none."""
    try:
        # neither a link out of the folder nor a pipe that nobody feeds
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Garbage(f"{path.name} cannot be read: {error.strerror}") from error
    try:
        status, largest = os.fstat(file), LARGEST[path.name]
        if not stat.S_ISREG(status.st_mode):
            raise Garbage(f"{path.name} is no plain file")
        if status.st_size > largest:
            raise Garbage(f"{path.name} has {status.st_size} bytes: at most {largest} are read")
        return os.read(file, largest)
    finally:
        os.close(file)
